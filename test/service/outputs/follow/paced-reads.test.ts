import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { PacedReads } from '../../../../service/outputs/follow/paced-reads';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const SMALL = 10_000;
const connection = () => ({ readAgain: jest.fn() });

test('connections are left unread for a while, then read together', () => {
  const reads = new PacedReads();
  const [a, b] = [connection(), connection()];
  expect(reads.hold(a, SMALL)).toBe(true);
  jest.advanceTimersByTime(40);
  expect(reads.hold(b, SMALL)).toBe(true);
  expect(a.readAgain).not.toHaveBeenCalled();
  jest.advanceTimersByTime(40);
  expect(a.readAgain).toHaveBeenCalledTimes(1);
  expect(b.readAgain).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(1_000);
  expect(a.readAgain).toHaveBeenCalledTimes(1);
  reads.hold(a, SMALL);
  jest.advanceTimersByTime(80);
  expect(a.readAgain).toHaveBeenCalledTimes(2);
});

test('a large read is followed by the next at once: more may be waiting', () => {
  const reads = new PacedReads();
  expect(reads.hold(connection(), 60_000)).toBe(false);
  expect(jest.getTimerCount()).toBe(0);
});

test('a connection that is closed is not read again', () => {
  const reads = new PacedReads();
  const closed = connection();
  reads.hold(closed, SMALL);
  reads.forget(closed);
  jest.advanceTimersByTime(1_000);
  expect(closed.readAgain).not.toHaveBeenCalled();
});
