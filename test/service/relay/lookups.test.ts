import { describe, expect, test } from '@jest/globals';
import type { Location } from '../../../service/leases/life-store';
import { Lookups } from '../../../service/relay/lookups';

const somewhere = { publish: 'p', owner: { id: 'a' } } as Location;

/** Look-ups at a store whose answers the test gives. */
function lookups(): {
  looking: Lookups;
  asked: string[];
  answer: (found?: Location) => Promise<void>;
  later: (ms: number) => void;
} {
  const asked: string[] = [];
  const waiting: ((found?: Location) => void)[] = [];
  let nowMs = 0;
  const locate = (channel: string): Promise<Location | undefined> => {
    asked.push(channel);
    return new Promise((resolve) => waiting.push(resolve));
  };
  return {
    looking: new Lookups({ locate }, () => nowMs),
    asked,
    answer: async (found) => {
      for (const resolve of waiting.splice(0)) resolve(found);
      await new Promise((resolve) => setImmediate(resolve));
    },
    later: (ms) => void (nowMs += ms),
  };
}

describe('a channel', () => {
  test('that many ask for at once is asked for once', async () => {
    const { looking, asked, answer } = lookups();
    const answers = Array.from({ length: 100 }, () => looking.locate('ch'));
    await answer(somewhere);
    expect(new Set(answers).size).toBe(1);
    expect(await answers[0]).toBe(somewhere);
    expect(asked).toEqual(['ch']);
  });

  test('that nobody has is not asked for again for a moment', async () => {
    const { looking, asked, answer, later } = lookups();
    for (let i = 0; i < 4; i += 1) {
      const answered = looking.locate('ch');
      await answer();
      expect(await answered).toBeUndefined();
      later(200);
    }
    expect(asked).toHaveLength(2);
  });

  test('that somebody has is asked for each time: it may move', async () => {
    const { looking, asked, answer } = lookups();
    for (let i = 0; i < 3; i += 1) {
      void looking.locate('ch');
      await answer(somewhere);
    }
    expect(asked).toHaveLength(3);
  });

  test('is asked for anew when something has happened to it, also while it is being asked for', async () => {
    const { looking, asked, answer } = lookups();
    void looking.locate('ch');
    looking.changed('ch');
    void looking.locate('ch');
    await answer();
    looking.changed('ch');
    void looking.locate('ch');
    expect(asked).toHaveLength(3);
  });
});

test('an answer that nobody has a channel is not reused for a player that would be refused for it', async () => {
  const { looking, asked, answer } = lookups();
  void looking.locateNow('ch');
  // Those who ask at the same time share the answer.
  void looking.locateNow('ch');
  expect(asked).toHaveLength(1);
  await answer();
  void looking.locate('ch');
  expect(asked).toHaveLength(1);
  void looking.locateNow('ch');
  expect(asked).toHaveLength(2);
});

test('a flood of channels costs the registry a bounded number of questions, and comes later', () => {
  const { looking, asked, later } = lookups();
  let flood = 0;
  const floodOnce = (): void => {
    for (let i = 0; i < 10_000; i += 1) void looking.locate(`absent-${(flood += 1)}`);
  };
  floodOnce();
  expect(asked).toHaveLength(500);
  expect(looking.locate('mine')).toBe('later');
  later(1_000);
  expect(looking.locate('mine')).not.toBe('later');
  floodOnce();
  expect(asked.length).toBeLessThanOrEqual(750);
});
