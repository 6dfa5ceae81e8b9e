import { expect, test } from '@jest/globals';
import { count, seed } from '../../support/programs/arguments.cjs';
import { fuzzProgram } from './fuzz-program';

const { PROGRAM_SCHEDULES = '12', SEED = '1' } = process.env;
const LONG_MS = 24 * 3600_000;

test(
  'the built program shows random clients what the documents say',
  async () => {
    const schedules = count('PROGRAM_SCHEDULES', PROGRAM_SCHEDULES);
    const failure = await fuzzProgram({ schedules, seed: seed('SEED', SEED), maxMoves: 20 });
    expect(failure).toBeUndefined();
  },
  LONG_MS,
);
