import fc from 'fast-check';
import { seed } from '../../../support/programs/arguments.cjs';
import type { StepFunction } from './model-storage';
import { runSchedule, type Schedule, schedules } from './schedules';

const SEED = seed('LIFE_SEED', process.env['LIFE_SEED'] ?? '16');
/** What a test may take for each schedule. */
export const MS_PER_SCHEDULE = 60;

/** Fails with what happened, of the shortest schedule that the judge objects to. */
export function explore(machine: StepFunction, numRuns: number, endOnFailure = false): fc.RunDetails<[Schedule]> {
  const property = fc.property(schedules, (schedule) => {
    const { judge } = runSchedule(schedule, machine);
    if (judge.faults.length > 0) throw new Error([...judge.history, ...judge.faults].join('\n'));
  });
  return fc.check(property, { numRuns, seed: SEED, endOnFailure });
}
