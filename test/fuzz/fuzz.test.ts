import { beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** One line of `run.mjs --json`. */
interface Report {
  readonly name: string;
  readonly runs: number;
  readonly kept: number;
  readonly reached: number;
  readonly finding?: { readonly error: string; readonly input: string };
}

const MIN_RUNS = 200;
const runner = join(__dirname, 'run.mjs');
const namesIn = (folder: string): string[] =>
  readdirSync(join(__dirname, folder)).flatMap((file) => (file.endsWith('.ts') ? [file.slice(0, -3)] : []));

function fuzz(...args: readonly string[]): { reports: Map<string, Report>; status: number | null; stderr: string } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [runner, '--json', ...args], { encoding: 'utf8' });
  const reports = stdout.split('\n').filter((line) => line.startsWith('{'));
  return {
    reports: new Map(reports.map((line) => [(JSON.parse(line) as Report).name, JSON.parse(line) as Report])),
    status,
    stderr,
  };
}

describe('corpus, findings and some mutations', () => {
  let result: ReturnType<typeof fuzz>;
  beforeAll(() => {
    result = fuzz('--short');
  }, 300_000);

  test.each(namesIn('targets'))('%s: nothing is found', (name) => {
    const report = result.reports.get(name);
    expect({ ...report, stderr: report ? '' : result.stderr }).not.toHaveProperty('finding');
    expect(report?.runs).toBeGreaterThan(MIN_RUNS);
  });
});

describe('planted defects', () => {
  let guided: ReturnType<typeof fuzz>;
  const planted = ['--targets', join(__dirname, 'planted'), '--runs', '45000'];
  beforeAll(() => {
    guided = fuzz(...planted, ...namesIn('planted'));
  }, 120_000);

  test.each([
    ['magic', 'planted: five bytes'],
    ['pieces', 'planted: pieces are read in another way'],
    ['quadratic', /\d+ steps, allowed \d+ for \d+ bytes/],
    ['endless', 'a loop does not end'],
  ])('%s is found', (name, error) => {
    expect(guided.reports.get(name)?.finding?.error).toMatch(error);
    expect(guided.status).toBe(1);
  });

  test('random mutations do not find what coverage leads to', () => {
    expect(fuzz(...planted, '--blind', 'magic').reports.get('magic')).not.toHaveProperty('finding');
  });
});
