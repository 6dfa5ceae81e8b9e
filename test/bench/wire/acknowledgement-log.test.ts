import { expect, test } from '@jest/globals';
import { AcknowledgementLog } from './acknowledgement-log';

function logOf(...sequenceNumbers: number[]): AcknowledgementLog {
  const log = new AcknowledgementLog();
  log.window = 1_000;
  for (const number of sequenceNumbers) log.received(number);
  return log;
}

test('acknowledgements go on past 2^32 without a wrong step', () => {
  expect(logOf(2 ** 32 - 1_500, 2 ** 32 - 500, 500)).toMatchObject({ count: 3, wraps: 1, wrong: 0 });
});

test('a count that starts over too early, or skips a window, is wrong', () => {
  expect(logOf(0xf0000000, 500)).toMatchObject({ wraps: 1, wrong: 1 });
  expect(logOf(1_000, 3_000)).toMatchObject({ wraps: 0, wrong: 1 });
});
