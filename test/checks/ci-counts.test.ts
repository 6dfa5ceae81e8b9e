import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../support/servers/server-process';

const folder = mkdtempSync(join(tmpdir(), 'ci-counts-'));

/** Writes what jest would: the statuses of each file's tests. */
function results(name: string, files: Readonly<Record<string, readonly string[]>>): string {
  const testResults = Object.entries(files).map(([file, statuses]) => ({
    name: join(repositoryRoot, file),
    status: statuses.length === 0 || statuses.includes('failed') ? 'failed' : 'passed',
    assertionResults: statuses.map((status) => ({ status })),
  }));
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({ testResults }));
  return path;
}

function run(...args: readonly string[]): { lines: string[]; status: number | null } {
  const { stdout, status } = spawnSync(process.execPath, [join(repositoryRoot, '.ci/count.mjs'), ...args], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  return { lines: stdout.split('\n').filter(Boolean), status };
}

const none = join(folder, 'none.json');
const allPass = results('pass.json', { 'a.test.ts': ['passed', 'pending'] });
const oneFails = results('fail.json', { 'a.test.ts': ['passed', 'failed'], 'b.test.ts': ['passed', 'passed'] });
const passesNow = results('again.json', { 'a.test.ts': ['passed', 'passed'] });
const many = Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((n) => [`${n}.test.ts`, ['failed']]));

test('the last line has the counts', () => {
  expect(run('count', '0', allPass, none)).toEqual({ lines: ['1 passed, 0 failed, 1 skipped'], status: 0 });
  expect(run('count', '1', oneFails, none)).toEqual({ lines: ['3 passed, 1 failed'], status: 1 });
});

test('a check that failed, a file that could not be run and missing results are failures', () => {
  expect(run('count', '1', allPass, none)).toEqual({ lines: ['1 passed, 1 failed, 1 skipped'], status: 1 });
  const broken = results('broken.json', { 'a.test.ts': [], 'b.test.ts': ['passed'] });
  expect(run('count', '1', broken, none)).toEqual({ lines: ['1 passed, 1 failed'], status: 1 });
  expect(run('count', '0', none, none)).toEqual({ lines: ['jest left no results', '0 passed, 1 failed'], status: 1 });
});

test('files that failed are run once more unless they are many, and this is told', () => {
  expect(run('again', oneFails).lines).toEqual(['a.test.ts']);
  expect(run('again', results('many.json', many)).lines).toEqual([]);
  const lines = ['On its second run a.test.ts passed', '4 passed, 0 failed'];
  expect(run('count', '0', oneFails, passesNow)).toEqual({ lines, status: 0 });
  expect(run('count', '1', oneFails, passesNow).status).toBe(1);
});
