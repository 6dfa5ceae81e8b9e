import { expect, test } from '@jest/globals';
import { within } from '../../../service/time/within';

const LONG_MS = 60_000;
const never = new Promise<string>(() => undefined);
const tooLate = (): never => {
  throw new Error('too late');
};

test('what comes in time is given, and what rejects in time rejects', async () => {
  expect(await within(LONG_MS, Promise.resolve('answer'), tooLate)).toBe('answer');
  await expect(within(LONG_MS, Promise.reject(new Error('broken')), () => 'late')).rejects.toThrow('broken');
});

test('what takes longer is not waited for', async () => {
  expect(await within(1, never, () => 'late')).toBe('late');
  await expect(within(1, never, tooLate)).rejects.toThrow('too late');
});
