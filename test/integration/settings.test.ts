import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../../infra/shared/repository';

const BUNDLE = join(repositoryRoot, '.build/rtmp-server.cjs');

/** Runs the server's program with an argument, where there is no .env file. */
function run(argument: string, env: Record<string, string>) {
  return spawnSync(process.execPath, [BUNDLE, argument], { encoding: 'utf8', cwd: tmpdir(), env, timeout: 20_000 });
}

test('--check exits with 0 if the settings are usable, otherwise with 1 and all faults', () => {
  expect(run('--check', { RTMP_PORT: '1936' })).toMatchObject({ status: 0, stdout: 'The settings are usable.\n' });
  const bad = run('--check', { RTMP_PORT: '99999', OPERATOR_TOKEN: 'short' });
  expect(bad.status).toBe(1);
  expect(bad.stderr).toMatch(/RTMP_PORT/);
  expect(bad.stderr).toMatch(/OPERATOR_TOKEN/);
});

test('--print-config prints the settings in use, and no secret', () => {
  const { status, stdout } = run('--print-config', { HTTP_PORT: '8080', OPERATOR_TOKEN: 'a-token-of-the-operators' });
  expect(status).toBe(0);
  expect(stdout).toContain('HTTP_PORT="8080"\n');
  expect(stdout).toContain('OPERATOR_TOKEN=(hidden)\n');
  expect(stdout).not.toContain('a-token-of-the-operators');
});
