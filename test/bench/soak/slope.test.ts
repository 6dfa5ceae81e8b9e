import { describe, expect, test } from '@jest/globals';
import { binned, type Point, slopeOf, verdictOn } from './slope';

/** Reproducible noise between -1 and 1. */
function noise(seed: number): number {
  return (Math.imul(seed + 1, 0x9e3779b1) >>> 0) / 2 ** 31 - 1;
}

function points(count: number, valueAt: (hours: number, index: number) => number): Point[] {
  return Array.from({ length: count }, (_, index) => ({ hours: index / 60, value: valueAt(index / 60, index) }));
}

describe('the slope of what was measured', () => {
  test('is exact for a straight line', () => {
    const slope = slopeOf(points(30, (hours) => 100 + 7 * hours))!;
    for (const value of [slope.perHour, slope.low, slope.high]) expect(value).toBeCloseTo(7);
  });

  test('is found under noise, with an interval around it that shrinks with more points', () => {
    const noisy = (count: number) => slopeOf(points(count, (hours, index) => 50 + 30 * hours + 4 * noise(index)))!;
    const [short, long] = [noisy(20), noisy(120)];
    for (const { low, high } of [short, long]) {
      expect(low).toBeLessThan(30);
      expect(high).toBeGreaterThan(30);
    }
    expect(long.high - long.low).toBeLessThan((short.high - short.low) / 4);
  });

  test('does not follow some wild values', () => {
    const slope = slopeOf(points(60, (hours, index) => (index % 13 === 0 ? 10_000 : 2 * hours)))!;
    expect(slope.perHour).toBeCloseTo(2);
  });

  test('is unknown for a few points', () => {
    expect(slopeOf(points(7, () => 1))).toBeUndefined();
  });
});

describe('the verdict', () => {
  test('a leak of twice the bound grows', () => {
    const slope = slopeOf(points(60, (hours, index) => 80 + 40 * hours + 3 * noise(index)));
    expect(verdictOn(slope, 20)).toBe('grows');
  });

  test('what only swings is steady', () => {
    const slope = slopeOf(points(60, (_, index) => 80 + 3 * noise(index)));
    expect(verdictOn(slope, 20)).toBe('steady');
  });

  test('what falls is steady', () => {
    expect(verdictOn(slopeOf(points(60, (hours) => -500 * hours)), 20)).toBe('steady');
  });

  test('a short and noisy run decides nothing', () => {
    const slope = slopeOf(points(9, (_, index) => 80 + 30 * noise(index)));
    expect(verdictOn(slope, 20)).toBe('undecided');
    expect(verdictOn(undefined, 20)).toBe('undecided');
  });

  test('a value that never changes is steady, also with a bound of nothing', () => {
    expect(verdictOn(slopeOf(points(20, () => 5)), 0)).toBe('steady');
  });
});

test('bins hold one value for each stretch of time', () => {
  const bins = binned(
    points(6, (_, index) => index),
    1 / 30,
    (values) => Math.min(...values),
  );
  expect(bins.map(({ value }) => value)).toEqual([0, 2, 4]);
});
