import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Program } from '../support/programs/program';
import { bundlePath, ensureBundle, repositoryRoot } from '../support/servers/server-process';

async function run(script: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const program = new Program(process.execPath, [script, ...args], {
    cwd: repositoryRoot,
    env: { PATH: process.env['PATH'] },
    timeoutMs: 60_000,
  });
  const { code } = await program.exited;
  return { code, output: program.output };
}

describe('the server', () => {
  test('tells how it is used and which version it is, and does not serve meanwhile', async () => {
    ensureBundle();
    const { version } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as { version: string };
    expect(await run(bundlePath, '--version')).toEqual({ code: 0, output: `${version}\n` });
    const output = expect.stringMatching(/^Usage: /);
    expect(await run(bundlePath, '--help')).toEqual({ code: 0, output });
  });

  test('refuses an argument that it does not know', async () => {
    ensureBundle();
    const { code, output } = await run(bundlePath, '--port', '1936');
    expect({ code, output }).toEqual({
      code: 2,
      output: expect.stringMatching(/^unknown argument "--port"\n\nUsage: /),
    });
  });
});

describe.each([
  ['npm run local', 'test/local/run.mjs'],
  ['npm run bench', 'test/bench/run.mjs'],
  ['npm run keys', 'lambdas/stream-keys/run.mjs'],
  ['npm test', 'test/run.mjs'],
])('%s', (command, script) => {
  test('tells how it is used instead of starting', async () => {
    const { code, output } = await run(join(repositoryRoot, script), '--help');
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(command) });
  });
});
