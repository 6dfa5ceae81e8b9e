import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { keysEqual } from '../../../service/hub/key-equality';

test('keys are equal when they are the same, of any length and in any script', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      expect(keysEqual(a, b)).toBe(a === b);
      expect(keysEqual(a, a)).toBe(true);
    }),
  );
  expect(keysEqual('key', 'key1')).toBe(false);
  expect(keysEqual('', 'key')).toBe(false);
});
