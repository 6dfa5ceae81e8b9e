import { expect, test } from '@jest/globals';
import { alone, PayloadSlab } from '../../../../service/outputs/follow/payload-slab';

test('payloads that are kept are never overwritten, whatever comes later', () => {
  const slab = new PayloadSlab();
  const kept: Buffer[] = [];
  const lengths = [1, 400, 16_000, 70_000, 0, 48 * 1024, 300_000];
  for (let n = 0; n < 700; n += 1) {
    const payload = slab.take(lengths[n % lengths.length]!);
    expect(payload).toHaveLength(lengths[n % lengths.length]!);
    kept.push(payload.fill(n % 251));
  }
  expect(kept.filter((payload, n) => !payload.every((byte) => byte === n % 251))).toEqual([]);
});

test('small payloads share memory, large ones and what is kept long have their own', () => {
  const slab = new PayloadSlab();
  const [first, second, large] = [slab.take(100), slab.take(16_000), slab.take(100_000)];
  expect(second.buffer).toBe(first.buffer);
  expect(large.buffer.byteLength).toBe(100_000);
  const own = alone(first.fill(7));
  expect(own.buffer.byteLength).toBe(100);
  expect(own.equals(first)).toBe(true);
});
