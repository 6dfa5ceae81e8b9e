import { expect, test } from '@jest/globals';
import { readOrdered, writeOrdered } from '../../../../service/outputs/link/ordered';

const many = (count: number, what: string): string[] =>
  Array.from({ length: count }, (_, at) => `rtmp://${what}${at}.example/live/${'k'.repeat(200)}`);

test('what was ordered is read as it was written', () => {
  const ordered = { forwards: many(2, 'a'), records: ['flv' as const], ended: ['hls', ...many(2, 'b')] };
  expect(readOrdered(writeOrdered(ordered))).toEqual(ordered);
});

test('what is too long loses the oldest that was ended first, and nothing else changes its meaning', () => {
  const [forwards, ended] = [many(10, 'a'), many(64, 'b')];
  const text = writeOrdered({ forwards, records: ['mp4'], ended });
  expect(text.length).toBeLessThanOrEqual(8_192);
  const read = readOrdered(text)!;
  expect(read).toMatchObject({ forwards, records: ['mp4'] });
  expect(read.ended.length).toBeGreaterThan(10);
  expect(read.ended).toEqual(ended.slice(-read.ended.length));
  expect(readOrdered(writeOrdered({ forwards: many(64, 'a'), records: [], ended }))!.ended).toEqual([]);
});

test.each(['', '[]', '{"forwards":[1]}', 'null'])('%j is not understood', (text) => {
  expect(readOrdered(text)).toBeUndefined();
});
