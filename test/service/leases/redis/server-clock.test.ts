import { expect, test } from '@jest/globals';
import { ServerClock } from '../../../../service/leases/redis/server-clock';

const HOUR_US = 3_600_000_000;

/** An answer to TIME of a server whose clock is wrong by this much. */
function answer(wrongByUs: number): [string, string] {
  const us = Math.round((performance.timeOrigin + performance.now()) * 1000) + wrongByUs;
  return [String(Math.floor(us / 1e6)), String(us % 1e6)];
}

const aheadUs = (clock: ServerClock): number =>
  Number(clock.now()) - (performance.timeOrigin + performance.now()) * 1000;

test('follows the server, not this machine', async () => {
  const clock = new ServerClock();
  expect(Math.abs(aheadUs(clock))).toBeLessThan(HOUR_US / 2);
  await clock.measure(() => Promise.resolve(answer(5 * HOUR_US)));
  expect(Math.round(aheadUs(clock) / HOUR_US)).toBe(5);
});

test('is text that Lua reads as a whole number', () => {
  expect(new ServerClock().now()).toMatch(/^\d{16}$/);
});

test('keeps the measurement that took less time, until the server may be another one', async () => {
  const clock = new ServerClock();
  await clock.measure(() => Promise.resolve(answer(HOUR_US)));
  const slowly = async (): Promise<unknown> => {
    const until = performance.now() + 20;
    while (performance.now() < until) await Promise.resolve();
    return answer(3 * HOUR_US);
  };
  await clock.measure(slowly);
  expect(Math.round(aheadUs(clock) / HOUR_US)).toBe(1);
  clock.serverChanged();
  await clock.measure(slowly);
  expect(Math.round(aheadUs(clock) / HOUR_US)).toBe(3);
});

test.each([
  ['a refusal', () => Promise.reject(new Error('NOPERM'))],
  ['nonsense', () => Promise.resolve('OK')],
])('goes on as before after %s', async (_, ask) => {
  const clock = new ServerClock();
  await clock.measure(() => Promise.resolve(answer(HOUR_US)));
  await expect(clock.measure(ask)).rejects.toThrow();
  expect(Math.round(aheadUs(clock) / HOUR_US)).toBe(1);
});
