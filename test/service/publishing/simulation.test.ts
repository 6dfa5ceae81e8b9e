import { describe, expect, test } from '@jest/globals';
import { MUTATIONS } from './simulation/mutations';
import { explore, MS_PER_SCHEDULE } from './simulation/explore';

/** What the longest mutation takes; most need below a hundred schedules. */
const MUTATION_SCHEDULES = 20_000;

describe('the simulation finds out when', () => {
  test.each(Object.keys(MUTATIONS))(
    '%s',
    (name) => {
      expect(explore(MUTATIONS[name]!, MUTATION_SCHEDULES, true).failed).toBe(true);
    },
    60_000 + MUTATION_SCHEDULES * MS_PER_SCHEDULE,
  );
});
