import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { refusalCode } from '../../../service/node/refusal-codes';

test.each([
  [true, 'The callback refused the stream (status 403)', 'handler'],
  [false, 'The callback answered with status 500', 'handlerFault'],
  [false, 'The callback did not answer in time', 'handlerFault'],
  [false, 'AWS did not let the callback decide (AccessDenied)', 'handlerFault'],
  [true, 'Channel is blocked for 60 s by the operator', 'blocked'],
  [false, 'Stream already publishing', 'busy'],
  [false, 'Other publishers of this channel are waiting for a decision, try again soon', 'busy'],
  [false, 'Server is shutting down', 'draining'],
  [false, 'The server is short of memory, try again later', 'noRoom'],
  [false, 'The fleet registry cannot be reached', 'registry'],
  [false, 'The stream was ended while the callback was asked, try again', 'ended'],
  [false, 'Too many publishers wait for the callback, try again soon', 'tooManyQuestions'],
  [true, 'The query string is longer than 4096 bytes', 'badName'],
  [false, 'Something else', 'other'],
])('a refusal, final: %s, with "%s" is of the kind %s', (final, reason, code) => {
  expect(refusalCode({ accepted: false, final, reason })).toBe(code);
});

test('the reasons in this test are those of the program', () => {
  const sources = [
    'admission/attempt.ts',
    'auth/start-questions.ts',
    'auth/callback-authorizer.ts',
    'node/lifecycle.ts',
    'node/node.ts',
  ];
  const text = sources.map((path) => readFileSync(`service/${path}`, 'utf8')).join('\n');
  for (const part of [
    'Stream already publishing',
    'are waiting for a decision',
    'Channel is blocked for',
    'The fleet registry cannot be reached',
    'The stream was ended while',
    'Server is shutting down',
    'short of memory',
    'Too many publishers wait',
    'had no time for this publisher',
    'The query string is longer',
  ]) {
    expect(text).toContain(part);
  }
});
