import { expect, test } from '@jest/globals';
import { Backoff } from '../../../service/time/backoff';

test('pauses double up to a limit, and begin again after a success', () => {
  const backoff = new Backoff(100, 1_000, () => 0.999_999);
  const pauses = Array.from({ length: 6 }, () => Math.round(backoff.next()));
  expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  backoff.reset();
  expect(Math.round(backoff.next())).toBe(100);
});

test('many that failed together do not retry together', () => {
  const pauses = Array.from({ length: 50 }, () => new Backoff(1_000, 8_000).next());
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(500);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(1_000);
  expect(new Set(pauses).size).toBeGreaterThan(40);
});
