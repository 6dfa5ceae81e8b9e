import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Moto, motoPython, sayThatMotoIsMissing } from '../../checks/moto';
import { useEnvironment } from '../../support/environment';
import { examined, line } from './examined';

const environment = useEnvironment();

const folder = mkdtempSync(join(tmpdir(), 'doctor-outputs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => writeFileSync(join(folder, 'a-file'), ''));

test('a directory for recordings is made and written to; nothing is left there', async () => {
  const path = join(folder, 'made', 'here');
  const findings = await examined({ RTMP_PORT: '0', RECORD_TO: path, HLS_TO: 'memory' });
  expect(line(findings.get('outputs.RECORD_TO'))).toMatch(/^(?:ok|warning) Files can be written to RECORD_TO; \d+ MB/);
  expect(findings.has('outputs.HLS_TO')).toBe(false);
  expect(readdirSync(path)).toEqual([]);
});

test('a place that cannot be a directory', async () => {
  const findings = await examined({ RTMP_PORT: '0', RECORD_TO: join(folder, 'a-file', 'below') });
  expect(line(findings.get('outputs.RECORD_TO'))).toMatch(/^failed No file can be written to RECORD_TO: .*→ Create/);
});

test('nothing is checked where there are no outputs', async () => {
  expect(line((await examined({ RTMP_PORT: '0' })).get('outputs'))).toMatch(/^skipped Streams are not forwarded/);
});

sayThatMotoIsMissing();
(motoPython === undefined ? test.skip : test)(
  'a bucket that can be written to, and one that does not exist',
  async () => {
    const moto = await Moto.start();
    try {
      environment.set(moto.environment as Readonly<Record<string, string>>);
      await fetch(`${moto.url}/films`, { method: 'PUT' });
      const findings = await examined({
        RTMP_PORT: '0',
        RECORD_TO: 's3://films/news',
        HLS_TO: 's3://no-such-bucket/live',
      });
      expect(line(findings.get('outputs.RECORD_TO'))).toBe('ok Objects can be stored in the bucket of RECORD_TO');
      expect(line(findings.get('outputs.HLS_TO'))).toMatch(
        /^failed Nothing can be stored in the bucket of HLS_TO: .*→/,
      );
    } finally {
      await moto.stop();
    }
  },
  300_000,
);
