import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { copyBytes } from '../../../../service/protocol/chunk/copy-bytes';

test('copies the same bytes as Buffer.copy, whatever sources take turns', () => {
  const shared = new ArrayBuffer(64);
  const sources = [
    Buffer.from(shared, 8, 40),
    new Uint8Array(shared, 16, 40),
    Buffer.from('0123456789abcdefghijklmnopqrstuvwxyzABCD'),
    new Uint8Array(40),
  ];
  for (let i = 0; i < 64; i += 1) new Uint8Array(shared)[i] = i;
  const copy = fc.record({
    source: fc.constantFrom(...sources),
    range: fc.tuple(fc.nat(40), fc.nat(40)),
    at: fc.nat(10),
  });
  fc.assert(
    fc.property(fc.array(copy, { maxLength: 8 }), (copies) => {
      const target = Buffer.alloc(50);
      const expected = Buffer.alloc(50);
      for (const { source, range, at } of copies) {
        const [start, end] = [Math.min(...range), Math.max(...range)];
        copyBytes(source, start, end, target, at);
        Buffer.from(source.buffer, source.byteOffset, source.length).copy(expected, at, start, end);
      }
      expect(target).toEqual(expected);
    }),
  );
});
