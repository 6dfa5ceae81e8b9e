import { expect, test } from '@jest/globals';
import { rowAfterKey, visibleRows } from '../../../service/console/data/visible-rows';

const place = { rows: 5_000, rowHeight: 50, scrollTop: 100_000, height: 500 };

test('only rows that can be seen, and a few around them, exist', () => {
  expect(visibleRows(place)).toEqual({ from: 1_994, to: 2_016 });
  expect(visibleRows({ ...place, scrollTop: 0 })).toEqual({ from: 0, to: 16 });
  expect(visibleRows({ ...place, scrollTop: -80 })).toEqual({ from: 0, to: 16 });
  expect(visibleRows({ ...place, scrollTop: 249_500 })).toEqual({ from: 4_984, to: 5_000 });
});

test('a list that has become shorter than it is scrolled shows its end', () => {
  const { from, to } = visibleRows({ ...place, rows: 3 });
  expect([from, to]).toEqual([3, 3]);
  expect(visibleRows({ ...place, rows: 0 })).toEqual({ from: 0, to: 0 });
});

test('keys move by a row, a page or to an end, and not beyond', () => {
  expect(rowAfterKey('ArrowDown', 7, place)).toBe(8);
  expect(rowAfterKey('ArrowUp', 0, place)).toBe(0);
  expect(rowAfterKey('PageDown', 7, place)).toBe(16);
  expect(rowAfterKey('PageUp', 7, place)).toBe(0);
  expect(rowAfterKey('Home', 7, place)).toBe(0);
  expect(rowAfterKey('End', 7, place)).toBe(4_999);
  expect(rowAfterKey('x', 7, place)).toBeUndefined();
  expect(rowAfterKey('End', 0, { ...place, rows: 0 })).toBeUndefined();
});
