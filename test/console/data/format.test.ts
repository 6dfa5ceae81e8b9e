import { expect, test } from '@jest/globals';
import {
  formatAgo,
  formatBitrate,
  formatBytes,
  formatCodec,
  formatCount,
  formatDuration,
  formatFill,
  formatNumber,
  formatRate,
} from '../../../service/console/data/format';

test.each([
  [0, '0 kbit/s'],
  [999.4, '999 kbit/s'],
  [999.5, '1.00 Mbit/s'],
  [4_200, '4.20 Mbit/s'],
  [9_995, '10.0 Mbit/s'],
  [212_000, '212.0 Mbit/s'],
  [999_500, '1.00 Gbit/s'],
])('%s kbit/s are shown as %s', (kbps, shown) => {
  expect(formatBitrate(kbps)).toBe(shown);
});

test.each([
  [512, '512 B'],
  [48_200, '48 kB'],
  [999_500, '1.0 MB'],
  [3_240_000, '3.2 MB'],
  [1_310_000_000, '1.31 GB'],
])('%s bytes are shown as %s', (bytes, shown) => {
  expect(formatBytes(bytes)).toBe(shown);
});

test.each([
  [-3, '0 s'],
  [59.9, '59 s'],
  [187, '3 min 07 s'],
  [2_640, '44 min'],
  [18_720, '5 h 12 min'],
  [273_600, '3 d 04 h'],
])('%s seconds are shown as %s', (seconds, shown) => {
  expect(formatDuration(seconds)).toBe(shown);
});

test.each([
  [0, 'just now'],
  [12, '12 s ago'],
  [200, '3 min ago'],
  [7_300, '2 h ago'],
  [500_000, '5 d ago'],
])('%s seconds back are shown as %s', (seconds, shown) => {
  expect(formatAgo(seconds)).toBe(shown);
});

test('numbers have their thousands separated, and rates at most two decimals', () => {
  expect([0, 999, 1_000, 1_234_567].map(formatNumber)).toEqual(['0', '999', '1,000', '1,234,567']);
  expect([25, 29.97002].map(formatRate)).toEqual(['25', '29.97']);
  expect([1, 2].map((count) => formatCount(count, 'player'))).toEqual(['1 player', '2 players']);
});

test('codecs have the names that people know, unknown ones their own', () => {
  expect(['avc1', 'hvc1', 'mp4a', 'Opus', 'H.264', 'xyz1'].map(formatCodec)).toEqual([
    ...['H.264', 'H.265', 'AAC', 'Opus', 'H.264', 'xyz1'],
  ]);
});

test.each([
  [12, 40, '12 of 40 slots'],
  [40, 40, '40 of 40 slots, full'],
  [3, 2, '3 of 2 slots, full'],
  [3, null, '3'],
])('a node with %s streams and %s slots: %s', (streams, slots, shown) => {
  expect(formatFill(streams, slots)).toBe(shown);
});
