import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ProtectionRefused } from '../../../service/aws/protection-endpoint';
import { TaskAgent } from '../../../service/aws/task-agent';
import type { TaskStanding } from '../../../service/aws/task-standing';
import { MemoryLogger } from '../../support/memory-logger';
import { ManualClock, settled } from '../time/manual-clock';

const POLL_MS = 15_000;
const MINUTE = 60_000;

let clock: ManualClock;
let log: MemoryLogger;
let publishers: number;
/** ECS's description of the task. */
let standing: () => Promise<TaskStanding>;
/** Why ECS does not protect. */
let refusal: Error | undefined;
let looks: number;
/** The agent's requests, with their times. */
let wishes: { readonly enabled: boolean; readonly atMs: number }[];
let counted: string[];
let left: number;
let agent: TaskAgent | undefined;
beforeEach(() => {
  clock = new ManualClock();
  log = new MemoryLogger();
  [publishers, looks, left] = [0, 0, 0];
  [wishes, counted] = [[], []];
  standing = () => Promise.resolve('wanted');
  refusal = undefined;
});
afterEach(() => agent?.close());

async function start(): Promise<void> {
  agent = new TaskAgent({
    lookup: {
      standing: () => {
        looks += 1;
        return standing();
      },
      close: () => undefined,
    },
    protection: {
      minPublishers: 4,
      set: (enabled) => {
        wishes.push({ enabled, atMs: clock.now() });
        if (refusal !== undefined) return Promise.reject(refusal);
        return Promise.resolve(enabled ? clock.now() + 60 * MINUTE : undefined);
      },
    },
    publishers: () => publishers,
    leaving: () => (left += 1),
    called: (call, succeeded) => counted.push(`${call} ${succeeded ? 'done' : 'failed'}`),
    log,
    pollMs: POLL_MS,
    clock,
    random: () => 0.999,
  });
  await settled();
}

const asked = (): boolean[] => wishes.map(({ enabled }) => enabled);

describe('protection', () => {
  test('is on while enough publish, renewed at half its life, and off a while after they left', async () => {
    await start();
    await clock.advance(MINUTE);
    expect(wishes).toEqual([]);
    publishers = 4;
    await clock.advance(POLL_MS);
    expect(asked()).toEqual([true]);
    await clock.advance(65 * MINUTE);
    expect(asked()).toEqual([true, true, true]);
    publishers = 3;
    await clock.advance(MINUTE / 2);
    expect(asked()).toHaveLength(3);
    await clock.advance(MINUTE);
    expect(asked()).toEqual([true, true, true, false]);
    await clock.advance(60 * MINUTE);
    expect(asked()).toHaveLength(4);
  });

  test('stays on when load is gone for a moment only', async () => {
    publishers = 4;
    await start();
    for (let i = 0; i < 10; i += 1) {
      publishers = i % 2 === 0 ? 3 : 4;
      await clock.advance(POLL_MS);
    }
    expect(asked()).toEqual([true]);
  });

  test('is released at once under full load when a newer deployment takes over, and had again after a rollback', async () => {
    publishers = 40;
    await start();
    standing = () => Promise.resolve('superseded');
    await clock.advance(POLL_MS);
    expect(asked()).toEqual([true, false]);
    expect(agent?.standing).toBe('superseded');
    expect(left).toBe(0);
    standing = () => Promise.resolve('wanted');
    await clock.advance(POLL_MS);
    expect(asked()).toEqual([true, false, true]);
  });

  test('that is refused is tried again, ever less often, and counted', async () => {
    publishers = 40;
    refusal = new ProtectionRefused('ThrottlingException', 'Rate exceeded');
    await start();
    await clock.advance(60 * MINUTE);
    expect(wishes.length).toBeGreaterThan(50);
    expect(wishes.length).toBeLessThan(75);
    expect(counted.filter((call) => call === 'protect failed')).toHaveLength(wishes.length);
    expect(log.matching(/warning .*ThrottlingException: Rate exceeded/)).toHaveLength(1);
    refusal = undefined;
    await clock.advance(MINUTE);
    expect(counted.at(-1)).toBe('describe done');
    expect(counted).toContain('protect done');
    expect(log.matching(/ECS answers again/)).toHaveLength(1);
  });

  test('that may be on although nobody said so is released too', async () => {
    publishers = 40;
    refusal = new Error('no answer in time');
    await start();
    refusal = undefined;
    standing = () => Promise.resolve('superseded');
    await clock.advance(POLL_MS);
    expect(asked()).toEqual([true, false]);
  });

  test('goes on while ECS does not say where the task stands', async () => {
    standing = () => Promise.reject(new Error('AccessDenied'));
    await start();
    publishers = 40;
    await clock.advance(90 * MINUTE);
    expect(asked()).toEqual([true, true, true]);
    expect(agent?.standing).toBe('wanted');
    expect(log.matching(/warning .*AccessDenied/)).toHaveLength(1);
  });
});

describe('leaving', () => {
  test('is told once, ends the questions and releases the protection', async () => {
    publishers = 40;
    await start();
    standing = () => Promise.resolve('leaving');
    await clock.advance(POLL_MS);
    const before = looks;
    expect([left, agent?.standing]).toEqual([1, 'leaving']);
    await clock.advance(10 * MINUTE);
    expect([left, looks]).toEqual([1, before]);
    expect(asked()).toEqual([true, false]);
  });

  test('is heard of although ECS was away before', async () => {
    standing = () => Promise.reject(new Error('ServerException'));
    await start();
    await clock.advance(10 * MINUTE);
    standing = () => Promise.resolve('leaving');
    await clock.advance(MINUTE);
    expect(left).toBe(1);
  });
});

test('after close nothing is asked any more, and a late answer changes nothing', async () => {
  let answer: (standing: TaskStanding) => void = () => undefined;
  standing = () => new Promise((resolve) => (answer = resolve));
  publishers = 40;
  await start();
  agent?.close();
  answer('leaving');
  await clock.advance(10 * MINUTE);
  expect([left, looks, wishes]).toEqual([0, 1, []]);
});
