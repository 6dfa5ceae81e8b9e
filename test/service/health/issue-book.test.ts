import { expect, test } from '@jest/globals';
import { IssueBook } from '../../../service/health/issue-book';
import type { Finding, IssueCode, Severity } from '../../../service/health/issue-codes';

const finding = (code: IssueCode, severity: Severity, sentence: string = code): Finding => ({
  code,
  severity,
  sentence,
});
const rate = finding('bitrateLow', 'warning');
const fact = finding('videoCodec', 'error');
const codes = (book: IssueBook): string[] => book.issues.map(({ code }) => code);

test('a rate appears at its second look in a row, and goes at the fourth without it', () => {
  const book = new IssueBook();
  expect(book.look([rate], 0)).toBe(false);
  book.look([], 5000);
  expect(book.look([rate], 10_000)).toBe(false);
  expect(book.look([rate], 15_000)).toBe(true);
  expect(book.issues).toEqual([{ ...rate, since: '1970-01-01T00:00:10.000Z' }]);
  expect([1, 2, 3].map(() => book.look([], 20_000))).toEqual([false, false, false]);
  expect(book.look([rate], 35_000)).toBe(false);
  expect([1, 2, 3, 4].map(() => book.look([], 40_000))).toEqual([false, false, false, true]);
  expect(book.issues).toEqual([]);
});

test('the most severe comes first, and decides the state', () => {
  const book = new IssueBook();
  expect(book.state).toBe('good');
  book.look([finding('interlacedVideo', 'info')], 0);
  expect(book.state).toBe('good');
  for (let look = 0; look < 2; look += 1) book.look([finding('interlacedVideo', 'info'), rate], 0);
  expect(book.state).toBe('ok');
  book.look([finding('interlacedVideo', 'info'), rate, fact], 0);
  expect(book.state).toBe('bad');
  expect(codes(book)).toEqual(['videoCodec', 'bitrateLow', 'interlacedVideo']);
  expect([...book.codes()].sort()).toEqual(['bitrateLow', 'interlacedVideo', 'videoCodec']);
});

test('a change of severity is a change, a change of the sentence is none', () => {
  const book = new IssueBook();
  book.look([finding('mediaGap', 'warning', 'short')], 0);
  expect(book.look([finding('mediaGap', 'warning', 'longer')], 0)).toBe(false);
  expect(book.issues[0]!.sentence).toBe('longer');
  expect(book.look([finding('mediaGap', 'error', 'long')], 0)).toBe(true);
});
