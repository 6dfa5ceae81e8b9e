import { expect, test } from '@jest/globals';
import { protectionStep, type ProtectionState } from '../../../service/aws/protection-plan';

const MINUTE = 60_000;
const nowMs = Date.UTC(2026, 0, 1);
const idle: ProtectionState = {
  ...{ standing: 'wanted', publishers: 0, floor: 4, nowMs },
  protectedUntilMs: undefined,
  busyAtMs: -Infinity,
};
const full = nowMs + 60 * MINUTE;

test.each<[string, Partial<ProtectionState>, string]>([
  ['nobody publishes', {}, 'nothing'],
  ['too few publish to be worth it', { publishers: 3 }, 'nothing'],
  ['as many publish as are worth it', { publishers: 4 }, 'protect'],
  ['the floor is none: one is needed all the same', { floor: 0 }, 'nothing'],
  ['the floor is none and one publishes', { floor: 0, publishers: 1 }, 'protect'],
  ['it is protected for long enough', { publishers: 9, protectedUntilMs: nowMs + 31 * MINUTE }, 'nothing'],
  ['half of the protection is over', { publishers: 9, protectedUntilMs: nowMs + 30 * MINUTE }, 'protect'],
  ['the protection has run out', { publishers: 9, protectedUntilMs: nowMs - 1 }, 'protect'],
  ['load has just gone', { publishers: 3, protectedUntilMs: full, busyAtMs: nowMs - 59_999 }, 'nothing'],
  ['load has been gone for a minute', { publishers: 3, protectedUntilMs: full, busyAtMs: nowMs - MINUTE }, 'release'],
  ['superseded under full load', { standing: 'superseded', publishers: 40, protectedUntilMs: full }, 'release'],
  ['superseded and not protected', { standing: 'superseded', publishers: 40 }, 'nothing'],
  ['leaving under full load', { standing: 'leaving', publishers: 40, protectedUntilMs: full }, 'release'],
])('when %s', (_name, changes, step) => {
  expect(protectionStep({ ...idle, ...changes })).toBe(step);
});
