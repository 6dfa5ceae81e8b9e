import { expect, test } from '@jest/globals';
import { readParameters } from '../../../../service/http/api/call-arguments';
import { Question } from '../../../../service/http/api/questions';

test.each(['a b', 'für/alle', ''])('nodes can ask each other about the channel "%s"', (channel) => {
  expect(Question.safeParse({ ask: 'channel', channel }).success).toBe(true);
});

test('a path names any channel, percent-encoded', () => {
  expect(readParameters({ channel: encodeURIComponent('für/alle') }).channel).toBe('für/alle');
  for (const channel of ['a%0Ab', 'a%7Cb', '%ff']) expect(() => readParameters({ channel })).toThrow();
});
