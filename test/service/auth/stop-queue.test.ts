import { describe, expect, test } from '@jest/globals';
import type { StopEvent } from '../../../service/auth/event-token';
import { type StopDelivery, StopQueue, type StopQueueOptions } from '../../../service/auth/stop-queue';
import { MemoryLogger } from '../../support/memory-logger';
import { ManualClock, settled } from '../time/manual-clock';

const HOUR_MS = 3_600_000;
const DELIVERED: StopDelivery = { delivered: true };
const FAILED: StopDelivery = { delivered: false, reason: 'status 500' };

const numbersTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

function stop(number: number): StopEvent {
  return {
    event: 'stop',
    jti: `jti-${number}`,
    channel: `ch${number}`,
    key: 'very-secret-key',
    clientIp: '::1',
    query: '',
    streamId: `st${number}`,
  };
}

interface Attempt {
  readonly jti: string;
  readonly atMs: number;
  readonly signal: AbortSignal;
  answer(result: StopDelivery): void;
}

/** A queue whose attempts are answered by the test, or by `auto` at once, and the stops that are due. */
function createQueue(options: Partial<StopQueueOptions> & { auto?: (attempt: Attempt) => StopDelivery } = {}) {
  const waiting: StopEvent[] = [];
  const delivered: string[] = [];
  const clock = new ManualClock();
  const logger = new MemoryLogger();
  const attempts: Attempt[] = [];
  const began = clock.now();
  const queue = new StopQueue({
    log: logger,
    clock,
    random: () => 0.5,
    due: {
      pull: (max) => Promise.resolve(waiting.splice(0, max)),
      delivered: (jti) => void delivered.push(jti),
    },
    deliver: (event, signal) =>
      new Promise((resolve) => {
        const attempt = { jti: event.jti, atMs: clock.now() - began, signal, answer: resolve };
        attempts.push(attempt);
        if (options.auto) {
          resolve(options.auto(attempt));
        }
      }),
    ...options,
  });
  const add = (...numbers: number[]): Promise<void> => {
    waiting.push(...numbers.map(stop));
    queue.wake();
    return settled();
  };
  return { queue, clock, logger, attempts, waiting, delivered, add };
}

describe('a stop that is pending', () => {
  test('is sent at once, and once only when it is answered', async () => {
    const { queue, clock, attempts, add } = createQueue({ auto: () => DELIVERED });
    await add(1);
    expect(attempts).toHaveLength(1);
    await clock.advance(48 * HOUR_MS);
    expect(attempts).toHaveLength(1);
    expect(queue.size).toBe(0);
  });

  test('is retried with growing pauses of 1 to 60 seconds until it is answered', async () => {
    const { queue, clock, attempts, add } = createQueue({ auto: () => (attempts.length < 10 ? FAILED : DELIVERED) });
    await add(1);
    await clock.advance(HOUR_MS);
    expect(queue.size).toBe(0);
    const pauses = attempts.slice(1).map((attempt, index) => attempt.atMs - attempts[index]!.atMs);
    expect(pauses).toEqual([1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000, 45_000]);
    expect(new Set(attempts.map((attempt) => attempt.jti))).toEqual(new Set(['jti-1']));
  });

  test.each([0, 0.999])('keeps its pauses within 1 to 60 seconds whatever the jitter (%d)', async (jitter) => {
    const { clock, attempts, add } = createQueue({ random: () => jitter, auto: () => FAILED });
    await add(1);
    await clock.advance(HOUR_MS);
    const pauses = attempts.slice(1).map((attempt, index) => attempt.atMs - attempts[index]!.atMs);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
  });

  test('is given up after its time, and that is said loudly without the key', async () => {
    const { queue, clock, logger, attempts, add } = createQueue({ auto: () => FAILED });
    await add(1);
    await clock.advance(24 * HOUR_MS - 60_000);
    expect(queue.size).toBe(1);
    await clock.advance(3 * 60_000);
    expect(queue.size).toBe(0);
    expect(logger.matching(/^error .*lost: given up .*status 500.*"ch1".*"st1"/)).toHaveLength(1);
    const sofar = attempts.length;
    await clock.advance(HOUR_MS);
    expect(attempts).toHaveLength(sofar);
    expect(logger.lines.join('\n')).not.toContain('very-secret-key');
  });

  test('is one stop however often it is queued', async () => {
    const { queue, attempts, add } = createQueue();
    await add(1);
    await add(1);
    expect(attempts).toHaveLength(1);
    expect(queue.size).toBe(1);
  });

  test('survives a delivery that throws', async () => {
    let calls = 0;
    const { queue, clock, add } = createQueue({
      deliver: () => {
        calls += 1;
        return calls === 1 ? Promise.reject(new Error('no secret')) : Promise.resolve(DELIVERED);
      },
    });
    await add(1);
    await clock.advance(10_000);
    expect(calls).toBe(2);
    expect(queue.size).toBe(0);
  });
});

describe('many stops', () => {
  test('are tried a few at a time, in order', async () => {
    const { attempts, add } = createQueue({ concurrency: 3 });
    await add(...numbersTo(5));
    expect(attempts.map((attempt) => attempt.jti)).toEqual(['jti-1', 'jti-2', 'jti-3']);
    attempts[1]!.answer(DELIVERED);
    await settled();
    expect(attempts.map((attempt) => attempt.jti)).toEqual(['jti-1', 'jti-2', 'jti-3', 'jti-4']);
  });

  test('that wait for a retry do not hold a place', async () => {
    const { queue, attempts, add } = createQueue({
      concurrency: 1,
      auto: ({ jti }) => (jti === 'jti-1' ? FAILED : DELIVERED),
    });
    await add(1);
    await add(2);
    await settled();
    expect(attempts.map((attempt) => attempt.jti)).toEqual(['jti-1', 'jti-2']);
    expect(queue.size).toBe(1);
  });

  test('past the bound wait where they are kept, until there is room', async () => {
    const { queue, attempts, waiting, delivered, add } = createQueue({ maxPending: 4 });
    await add(...numbersTo(11));
    expect([queue.size, waiting.length]).toEqual([4, 7]);
    for (let next = 0; next < 11; next += 1) {
      attempts[next]!.answer(DELIVERED);
      await settled();
    }
    expect(delivered.sort()).toEqual(
      numbersTo(11)
        .map((number) => `jti-${number}`)
        .sort(),
    );
    expect(attempts).toHaveLength(11);
    expect(queue.size).toBe(0);
  });

  test('failing together cost one warning, and one line when it is over', async () => {
    let down = true;
    const { queue, clock, logger, add } = createQueue({ auto: () => (down ? FAILED : DELIVERED) });
    await add(...numbersTo(50));
    await clock.advance(60_000);
    down = false;
    await clock.advance(2 * 60_000);
    expect(queue.size).toBe(0);
    expect(logger.matching(/^warning /)).toHaveLength(1);
    expect(logger.matching(/^info /)).toHaveLength(1);
  });
});

describe('draining', () => {
  test('with nothing pending ends at once', async () => {
    await expect(createQueue().queue.drain(10_000)).resolves.toBe(0);
  });

  test('tries at once what waits for a retry or a place', async () => {
    const { queue, clock, attempts, add } = createQueue({ concurrency: 1 });
    await add(...numbersTo(4));
    attempts[0]!.answer(FAILED);
    await settled();
    const drained = queue.drain(10_000);
    expect(attempts.map((attempt) => attempt.jti)).toEqual(['jti-1', 'jti-2', 'jti-3', 'jti-4', 'jti-1']);
    attempts.forEach((attempt) => attempt.answer(DELIVERED));
    await clock.advance(0);
    await expect(drained).resolves.toBe(0);
  });

  test('tries again after short pauses, within the deadline', async () => {
    const { queue, clock, attempts, add } = createQueue({ auto: () => (attempts.length < 5 ? FAILED : DELIVERED) });
    await add(1);
    const drained = queue.drain(10_000);
    await clock.advance(3_000);
    await expect(drained).resolves.toBe(0);
    expect(attempts).toHaveLength(5);
  });

  test('ends at the deadline with the number that is left, and tries no more', async () => {
    const { queue, clock, logger, attempts, add } = createQueue({
      auto: ({ jti }) => (jti === 'jti-3' ? DELIVERED : FAILED),
    });
    await add(1, 2, 3);
    const drained = queue.drain(5_000);
    await clock.advance(5_000);
    await expect(drained).resolves.toBe(2);
    const lost = /^error .*lost: the server is ending; the last attempt failed: status 500 .*"ch[12]".*"st[12]"/;
    expect(logger.matching(lost)).toHaveLength(2);
    const sofar = attempts.length;
    await clock.advance(HOUR_MS);
    expect(attempts).toHaveLength(sofar);
  });

  test('leaves to other nodes what the fleet remembers, which is no loss', async () => {
    const { queue, clock, logger, add } = createQueue({ outlivesProcess: true });
    await add(1);
    const drained = queue.drain(2_000);
    await clock.advance(2_000);
    await expect(drained).resolves.toBe(1);
    expect(logger.matching(/^warning .*left to the other nodes of the fleet.*"ch1"/)).toHaveLength(1);
    expect(logger.matching(/^error|lost/)).toEqual([]);
  });

  test('ends attempts that never answer at the deadline', async () => {
    const { queue, clock, attempts, add } = createQueue();
    await add(1);
    const drained = queue.drain(2_000);
    await clock.advance(2_000);
    await expect(drained).resolves.toBe(1);
    expect(attempts[0]!.signal.aborted).toBe(true);
  });

  test('takes stops that come while it runs, and waits for announced ones', async () => {
    const { queue, clock, attempts, add } = createQueue({ auto: () => DELIVERED });
    const decided = queue.expect();
    let left: number | undefined;
    void queue.drain(10_000).then((count) => (left = count));
    await clock.advance(1_000);
    expect(left).toBeUndefined();
    await add(1);
    decided();
    await clock.advance(0);
    expect(left).toBe(0);
    expect(attempts).toHaveLength(1);
  });

  test('asked for twice is one drain; a stop that comes after it is reported', async () => {
    const { queue, logger, attempts, add } = createQueue();
    await expect(Promise.all([queue.drain(1_000), queue.drain(9_000)])).resolves.toEqual([0, 0]);
    await add(7);
    expect(attempts).toHaveLength(0);
    expect(logger.matching(/^error .*lost.*"ch7"/)).toHaveLength(1);
  });
});

test('a stop that is not delivered when the process ends stays where it is kept', async () => {
  const { queue, clock, delivered, add } = createQueue({
    auto: ({ jti }) => (jti === 'jti-1' ? DELIVERED : FAILED),
  });
  await add(1, 2);
  const drained = queue.drain(1_000);
  await clock.advance(1_000);
  await drained;
  expect(delivered).toEqual(['jti-1']);
});
