import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { step } from '../../../service/publishing/step';
import { MUTATIONS } from './simulation/mutations';
import type { StepFunction } from './simulation/model-storage';
import { runSchedule, type Schedule, schedules } from './simulation/schedules';

/** More of them by hand: LIFE_SCHEDULES=1000000, with another LIFE_SEED. */
const SCHEDULES = Number(process.env['LIFE_SCHEDULES'] ?? 10_000);
const SEED = Number(process.env['LIFE_SEED'] ?? 16);
/** What the longest mutation takes; most need below a hundred schedules. */
const MUTATION_SCHEDULES = 20_000;
const MS_PER_SCHEDULE = 60;

/** Fails with what happened, of the shortest schedule that the judge objects to. */
function explore(machine: StepFunction, numRuns: number, endOnFailure = false): fc.RunDetails<[Schedule]> {
  const property = fc.property(schedules, (schedule) => {
    const { judge } = runSchedule(schedule, machine);
    if (judge.faults.length > 0) throw new Error([...judge.history, ...judge.faults].join('\n'));
  });
  return fc.check(property, { numRuns, seed: SEED, endOnFailure });
}

describe('the life of publishes, simulated', () => {
  test(
    `keeps its promises in ${SCHEDULES} schedules`,
    () => {
      const found = explore(step, SCHEDULES);
      const report = `${fc.defaultReportMessage(found)}\n${String(found.errorInstance)}`;
      expect(found.failed ? report : 'nothing').toBe('nothing');
    },
    60_000 + SCHEDULES * MS_PER_SCHEDULE,
  );
});

describe('the simulation finds out when', () => {
  test.each(Object.keys(MUTATIONS))(
    '%s',
    (name) => {
      expect(explore(MUTATIONS[name]!, MUTATION_SCHEDULES, true).failed).toBe(true);
    },
    60_000 + MUTATION_SCHEDULES * MS_PER_SCHEDULE,
  );
});
