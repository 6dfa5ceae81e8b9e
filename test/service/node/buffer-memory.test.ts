import { expect, test } from '@jest/globals';
import { bufferBytes } from '../../../service/node/buffer-memory';

test('memory in buffers is measured without a file descriptor, too', () => {
  const buffer = Buffer.alloc(64 * 2 ** 20);
  const tooMany = (): never => {
    throw new Error('EMFILE: too many open files, uv_resident_set_memory');
  };
  expect(bufferBytes()).toBeGreaterThanOrEqual(buffer.length);
  expect(bufferBytes(tooMany)).toBeGreaterThanOrEqual(buffer.length);
});
