// A file of tests with a server that logs a stream key. after-each-file.test.ts runs it, and wants it to fail.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Program } from '../programs/program';
import { secrets } from './watched-logs';

const folder = mkdtempSync(join(tmpdir(), 'planted-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('itself passes', async () => {
  const server = join(folder, 'rtmp-server.cjs');
  writeFileSync(server, `console.log('[REQUEST] publish key=' + process.env.KEY)`);
  secrets.addKey('planted-key');
  const program = new Program(process.execPath, [server], { env: { KEY: process.env['PLANTED'] } });
  expect((await program.exited).code).toBe(0);
});
