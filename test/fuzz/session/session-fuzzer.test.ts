import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { count, seed } from '../../support/programs/arguments.cjs';
import { DEFECTS } from './defects';
import { FINDINGS, LIVES } from './findings';
import { fuzz, runInProcess } from './fuzz';

const { SCHEDULES = '200', SEED = '1', MOVES = '30' } = process.env;
const LONG_MS = 24 * 3600_000;

describe('clients, operators and the callback handler, in random order', () => {
  test(
    'see what the documents say',
    async () => {
      const options = {
        schedules: count('SCHEDULES', SCHEDULES),
        seed: seed('SEED', SEED),
        maxMoves: count('MOVES', MOVES),
      };
      expect((await fuzz(options)).failure).toBeUndefined();
    },
    LONG_MS,
  );

  test.each(Object.entries({ ...FINDINGS, ...LIVES }))('%s', async (_, schedule) => {
    await expect(runInProcess(schedule)).resolves.toBeUndefined();
  });
});

test(
  'the fuzzer finds defects in the source',
  async () => {
    const program = join(__dirname, 'find-defects.mjs');
    const env = { ...process.env, SCHEDULES: '100', SEED: '1', COMMON: 'YES' };
    // It ends with 1 when a defect is not found: the test names that defect.
    const { stdout } = await promisify(execFile)(process.execPath, [program], { env }).catch(
      (error: unknown) => error as { stdout: string },
    );
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; found: unknown });
    expect(results.filter(({ found }) => found === null)).toEqual([]);
    expect(results).toHaveLength(DEFECTS.filter(({ isCommon }) => isCommon).length);
  },
  LONG_MS,
);
