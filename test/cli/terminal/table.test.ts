import { describe, expect, test } from '@jest/globals';
import { displayWidth } from '../../../service/cli/terminal/display-width';
import { describeSeconds, parseDuration } from '../../../service/cli/terminal/duration';
import { colourless } from '../../../service/cli/terminal/paint';
import { plainText } from '../../../service/cli/terminal/plain-text';
import { type Column, table } from '../../../service/cli/terminal/table';

type Row = readonly [name: string, size: number, note: string];

const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', text: ([name]) => name, minWidth: 6 },
  { title: 'SIZE', text: ([, size]) => String(size), align: 'right' },
  { title: 'NOTE', text: ([, , note]) => note, minWidth: 4, leaveOut: 1 },
];
const ROWS: readonly Row[] = [
  ['a-name-that-is-long', 7, 'short'],
  ['b', 1234, 'a note that is longer than a terminal is wide'],
];

test('without a width, every cell is shown in full', () => {
  const lines = table(ROWS, COLUMNS, colourless);
  expect(lines[0]).toBe('NAME                 SIZE  NOTE');
  expect(lines[2]).toBe('b                    1234  a note that is longer than a terminal is wide');
});

test.each([10, 14, 20, 30, 50])('no line is wider than %d columns', (width) => {
  for (const line of table(ROWS, COLUMNS, colourless, width)) expect(displayWidth(line)).toBeLessThanOrEqual(width);
});

test('cells are cut before a column is left out, the widest first', () => {
  expect(table(ROWS, COLUMNS, colourless, 30)[1]).toMatch(/^a-name-th[^ ]*… +7 {2}short/);
  expect(table(ROWS, COLUMNS, colourless, 14)[0]).toBe('NAME      SIZE');
});

describe('text from elsewhere', () => {
  test('control, format and direction characters are written as numbers', () => {
    expect(plainText('a\u0000\n\u001b]0;x\u0007\u009b\u200b\u202e\u2028\ud800b')).toBe(
      'a\\u0000\\u000a\\u001b]0;x\\u0007\\u009b\\u200b\\u202e\\u2028\\ud800b',
    );
    expect(plainText('Übertragung 日本 🎥')).toBe('Übertragung 日本 🎥');
  });

  test('wide characters count as two columns, combining ones as none', () => {
    expect([displayWidth('日本'), displayWidth('e\u0301'), displayWidth('🎥')]).toEqual([4, 1, 2]);
  });
});

test('durations', () => {
  expect([0, 59, 60, 3725, 90_061].map(describeSeconds)).toEqual(['0s', '59s', '1m', '1h 2m', '1d 1h']);
  expect(['90', '90s', '15m', '2h', '1d', '', 'x', '1w', '-1'].map(parseDuration)).toEqual([
    ...[90, 90, 900, 7200, 86_400],
    ...[undefined, undefined, undefined, undefined],
  ]);
});
