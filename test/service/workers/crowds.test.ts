import { expect, test } from '@jest/globals';
import { Crowds } from '../../../service/workers/crowds';

test('the players of a channel come to one worker, and to further ones while many come', () => {
  let now = 0;
  const crowds = new Crowds(() => now);
  const next = (count: number): number[] => Array.from({ length: count }, () => crowds.next('news'));
  expect(next(10)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
  expect(crowds.next('other')).toBe(0);
  now = 9_000;
  expect(next(7)).toEqual([1, 1, 1, 1, 1, 1, 2]);
  now = 30_000;
  expect(next(1)).toEqual([0]);
});
