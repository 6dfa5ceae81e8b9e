import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../servers/server-process';

/** Runs planted-leak.ts as jest runs any file of tests; its server logs this text as a key. */
function runWith(planted: string): Promise<{ readonly code: number; readonly output: string }> {
  const jest = join(repositoryRoot, 'node_modules/jest/bin/jest.js');
  const args = [jest, '--testMatch', '<rootDir>/test/support/leaks/planted-leak.ts', '--runInBand'];
  const env = { ...process.env, PLANTED: planted };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: repositoryRoot, env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

test('a file of tests fails when its server has logged a stream key', async () => {
  const { code, output } = await runWith('planted-key');
  expect(output).toMatch(/secrets have been logged:\n\s*"planted-key" is in .*rtmp-server\.cjs/);
  expect(output).toContain('[REQUEST] publish key=planted-key');
  expect(code).toBe(1);
});

test('it passes when the key is masked', async () => {
  const { code, output } = await runWith('pl***');
  expect(output).toContain('1 passed');
  expect(code).toBe(0);
});
