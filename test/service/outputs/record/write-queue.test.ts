import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WriteQueue } from '../../../../service/outputs/record/write-queue';
import { newFolder } from './recorder-rig';

test('a file has all bytes in order while blocks are used again', async () => {
  const path = join(newFolder(), 'file');
  const faults: Error[] = [];
  const queue = new WriteQueue(Promise.resolve(path), (error) => faults.push(error));
  const expected: Buffer[] = [];
  // Several blocks between two writes, none, and parts of one; large pieces are not copied into blocks.
  const lengths = [11, 9_000, 4, 20_000, 40_000, 700, 32 * 1024];
  for (let n = 0; n < 2_000; n += 1) {
    const piece = Buffer.alloc(lengths[n % lengths.length]!, n % 251);
    queue.append(piece);
    expected.push(piece);
    if (n % 37 === 0 || n % 150 === 0) queue.write();
    if (n % 50 === 0) await new Promise(setImmediate);
  }
  await queue.close();
  expect(faults).toEqual([]);
  expect(queue.unwritten).toBe(0);
  expect(readFileSync(path).equals(Buffer.concat(expected))).toBe(true);
});
