import { expect, test } from '@jest/globals';
import { TokenBucket } from '../../../service/collections/token-bucket';

const taken = (bucket: TokenBucket, nowMs: number, tries: number): number =>
  Array.from({ length: tries }, () => bucket.take(nowMs)).filter(Boolean).length;

test('gives a burst, then a rate, and never more than the burst', () => {
  const bucket = new TokenBucket(10, 2);
  expect(taken(bucket, 0, 100)).toBe(10);
  expect(taken(bucket, 1_000, 100)).toBe(2);
  expect(taken(bucket, 1_400, 100)).toBe(0);
  expect(taken(bucket, 1_500, 100)).toBe(1);
  expect(taken(bucket, 3_600_000, 100)).toBe(10);
});

test('a clock that goes back gives nothing', () => {
  const bucket = new TokenBucket(1, 1);
  expect(taken(bucket, 5_000, 2)).toBe(1);
  expect(taken(bucket, 1_000, 2)).toBe(0);
});

test('tokens may be spent that are not there: they are saved up first', () => {
  const bucket = new TokenBucket(10, 2);
  bucket.spend(16, 0);
  expect(bucket.tokens(0)).toBe(-6);
  expect(bucket.take(3_000)).toBe(false);
  expect(bucket.take(3_500)).toBe(true);
  expect(bucket.tokens(3_500)).toBe(0);
  expect(bucket.tokens(100_000)).toBe(10);
});
