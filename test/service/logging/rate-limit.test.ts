import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FaultRateLimit } from '../../../service/logging/rate-limit';
import { MemoryLogger } from '../../support/memory-logger';

describe('FaultRateLimit', () => {
  let logger: MemoryLogger;
  let limit: FaultRateLimit;

  beforeEach(() => {
    jest.useFakeTimers();
    logger = new MemoryLogger();
    limit = new FaultRateLimit(logger, 10_000);
  });

  afterEach(() => {
    limit.close();
    jest.useRealTimers();
  });

  test('the first is written at once, the storm after it as one line per interval', () => {
    for (let count = 0; count < 1000; count += 1)
      limit.report('warning', 'accept', 'cannot accept', { code: 'EMFILE' });
    expect(logger.entries).toEqual([{ level: 'warning', message: 'cannot accept', fields: { code: 'EMFILE' } }]);
    jest.advanceTimersByTime(10_000);
    expect(logger.entries.slice(1)).toEqual([
      { level: 'warning', message: 'cannot accept', fields: { repeated: 999, seconds: 10 } },
    ]);
  });

  test('when it was quiet for an interval the next one is written at once again, and no timer is left', () => {
    limit.report('error', 'accept', 'cannot accept');
    jest.advanceTimersByTime(10_000);
    expect(jest.getTimerCount()).toBe(0);
    limit.report('error', 'accept', 'cannot accept');
    expect(logger.entries).toHaveLength(2);
  });

  test('kinds do not hide each other', () => {
    limit.report('warning', 'a', 'first');
    limit.report('warning', 'b', 'second');
    expect(logger.entries.map((entry) => entry.message)).toEqual(['first', 'second']);
  });

  test('kinds made up by clients cannot fill memory or the log', () => {
    for (let count = 0; count < 5000; count += 1) limit.report('warning', `kind ${count}`, 'odd');
    expect(logger.entries.length).toBeLessThan(300);
  });

  test('what was counted is written at the end', () => {
    limit.report('warning', 'a', 'first');
    limit.report('warning', 'a', 'first');
    limit.close();
    expect(logger.entries).toHaveLength(2);
    expect(jest.getTimerCount()).toBe(0);
  });
});
