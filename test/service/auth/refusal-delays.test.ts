import { expect, test } from '@jest/globals';
import { RefusalDelays } from '../../../service/auth/refusal-delays';
import { ManualClock } from '../time/manual-clock';

function create() {
  const clock = new ManualClock();
  return { clock, delays: new RefusalDelays(clock) };
}
const asked = (group: string, channel: string, key: string) => ({ group, channel, key });
const guess = asked('nat', 'news', 'wrong');

test('each refusal makes the next question about that channel wait longer, up to two seconds', async () => {
  const { clock, delays } = create();
  const waits: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    delays.refused(guess);
    const waitMs = delays.waitMs(asked('nat', 'news', `guess-${count}`));
    waits.push(waitMs);
    await clock.advance(waitMs);
    expect(delays.waitMs(guess)).toBe(0);
  }
  expect(waits).toEqual([1_000, 2_000, 2_000, 2_000, 2_000]);
});

test('neither other channels of the address nor other addresses wait', () => {
  const { delays } = create();
  delays.refused(guess);
  expect(delays.waitMs(asked('nat', 'sports', 'key'))).toBe(0);
  expect(delays.waitMs(asked('elsewhere', 'news', 'wrong'))).toBe(0);
});

test('who comes back with the accepted key does not wait for a neighbour who guesses, until it is refused', () => {
  const { delays } = create();
  const owner = asked('nat', 'news', 'right');
  delays.accepted(owner);
  for (let count = 0; count < 100; count += 1) delays.refused(guess);
  expect(delays.waitMs(guess)).toBe(2_000);
  expect(delays.waitMs(owner)).toBe(0);
  delays.refused(owner);
  expect(delays.waitMs(owner)).toBe(2_000);
});

test('refusals are forgotten after a minute without one', async () => {
  const { clock, delays } = create();
  for (let count = 0; count < 5; count += 1) delays.refused(guess);
  await clock.advance(65_000);
  delays.refused(guess);
  expect(delays.waitMs(guess)).toBe(1_000);
});

test('a refusal is forgotten a minute after its wait was over, and not before', async () => {
  const { clock, delays } = create();
  delays.refused(guess);
  await clock.advance(60_999);
  delays.refused(guess);
  expect(delays.waitMs(guess)).toBe(2_000);
  await clock.advance(62_000);
  delays.refused(guess);
  expect(delays.waitMs(guess)).toBe(1_000);
});

test('one refusal is forgiven a second', async () => {
  const { clock, delays } = create();
  for (let count = 0; count < 22; count += 1) delays.refused(asked('sprayer', `channel-${count}`, 'k'));
  const next = asked('sprayer', 'next', 'k');
  await clock.advance(500);
  expect(delays.waitMs(next)).toBe(1_500);
  await clock.advance(1_000);
  expect(delays.waitMs(next)).toBe(500);
});

test('an address that tries one channel after another waits from the 21st refusal on, two seconds at most', async () => {
  const { clock, delays } = create();
  const spray = (from: number, to: number): void => {
    for (let count = from; count < to; count += 1) delays.refused(asked('sprayer', `channel-${count}`, 'k'));
  };
  const next = asked('sprayer', 'next', 'k');
  spray(0, 20);
  expect(delays.waitMs(next)).toBe(0);
  spray(20, 23);
  expect(delays.waitMs(next)).toBe(2_000);
  spray(23, 1_000);
  expect(delays.waitMs(next)).toBe(2_000);
  await clock.advance(2_000);
  expect(delays.waitMs(next)).toBe(0);
});
