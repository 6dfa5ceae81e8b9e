import { expect, test } from '@jest/globals';
import { Breaker } from '../../../service/auth/breaker';
import { MemoryLogger } from '../../support/memory-logger';
import { ManualClock } from '../time/manual-clock';

function create(random = (): number => 0) {
  const clock = new ManualClock();
  const logger = new MemoryLogger();
  const changes: boolean[] = [];
  const breaker = new Breaker({ clock, log: logger, random, changed: (open) => void changes.push(open) });
  /** Asks, with this result; false: refused without asking. */
  const ask = (result: 'answered' | 'failed' | 'unknown', group = 'a'): boolean => {
    const attempt = breaker.attempt(group);
    attempt?.done(result, 'ECONNREFUSED');
    return attempt !== undefined;
  };
  const fail = (times: number): void => {
    for (let count = 0; count < times; count += 1) ask('failed');
  };
  return { clock, logger, changes, breaker, ask, fail };
}

test('opens after five failures in a row, and then refuses', () => {
  const { breaker, ask, fail } = create();
  fail(4);
  ask('answered');
  fail(4);
  expect(breaker.isOpen).toBe(false);
  fail(1);
  expect(breaker.isOpen).toBe(true);
  expect(ask('answered')).toBe(false);
  expect(breaker.refuses('a')).toBe(true);
});

test('an answer to an earlier question closes it at once, also before a probe is due', () => {
  const { breaker, fail, changes } = create();
  const earlier = breaker.attempt('a');
  fail(5);
  expect(breaker.refuses('b')).toBe(true);
  earlier?.done('answered');
  expect(breaker.isOpen).toBe(false);
  expect(breaker.refuses('b')).toBe(false);
  expect(changes).toEqual([true, false]);
});

test('questions that were never asked say nothing', () => {
  const { breaker, ask, fail } = create();
  fail(4);
  for (let count = 0; count < 9; count += 1) ask('unknown');
  expect(breaker.isOpen).toBe(false);
});

test('asks one probe after a pause that doubles up to 15 s, and closes with the first answer', async () => {
  const { clock, breaker, ask, fail } = create();
  fail(5);
  let group = 0;
  for (const seconds of [1, 2, 4, 8, 15, 15]) {
    await clock.advance(seconds * 1000 - 1);
    expect(ask('failed', `${(group += 1)}`)).toBe(false);
    await clock.advance(1);
    const probe = breaker.attempt(`${(group += 1)}`);
    expect(probe).toBeDefined();
    expect(ask('answered', 'another')).toBe(false);
    probe!.done('failed');
  }
  await clock.advance(15_000);
  expect(ask('answered', 'last')).toBe(true);
  expect(breaker.isOpen).toBe(false);
  expect(ask('answered')).toBe(true);
});

test('is half longer at most by chance', async () => {
  const { clock, ask, fail } = create(() => 0.999);
  fail(5);
  await clock.advance(1_499);
  expect(ask('failed')).toBe(false);
  await clock.advance(1);
  expect(ask('failed')).toBe(true);
});

test('the address whose probe failed waits twice as long, others do not', async () => {
  const { clock, ask, fail } = create();
  fail(5);
  await clock.advance(1_000);
  expect(ask('failed', 'poisoner')).toBe(true);
  await clock.advance(2_000);
  expect(ask('failed', 'poisoner')).toBe(false);
  expect(ask('answered', 'honest')).toBe(true);
});

test('a lone address is probed all the same', async () => {
  const { clock, ask, fail } = create();
  fail(5);
  await clock.advance(1_000);
  expect(ask('failed')).toBe(true);
  await clock.advance(4_000);
  expect(ask('answered')).toBe(true);
});

test('an answer to a question asked before it opened closes it', () => {
  const { breaker, fail } = create();
  const early = breaker.attempt('early')!;
  fail(5);
  early.done('answered');
  expect(breaker.isOpen).toBe(false);
});

test('says once that it opens and once that it closes, with what was refused meanwhile', async () => {
  const { clock, logger, changes, ask, fail } = create();
  fail(5);
  for (let count = 0; count < 100; count += 1) ask('failed', 'b');
  await clock.advance(20_000);
  ask('failed', 'c');
  await clock.advance(60_000);
  ask('answered', 'd');
  expect(changes).toEqual([true, false]);
  expect(logger.entries).toEqual([
    { level: 'error', message: expect.stringContaining('is down'), fields: { failures: 5, last: 'ECONNREFUSED' } },
    { level: 'info', message: 'The callback handler answers again', fields: { seconds: 80, refused: 100 } },
  ]);
});
