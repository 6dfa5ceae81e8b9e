import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { count } from '../../support/programs/arguments.cjs';
import { step } from '../../../service/publishing/step';
import { explore, MS_PER_SCHEDULE } from './simulation/explore';

/** More of them by hand: LIFE_SCHEDULES=1000000, with another LIFE_SEED. */
const SCHEDULES = count('LIFE_SCHEDULES', process.env['LIFE_SCHEDULES'] ?? '10000');

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
