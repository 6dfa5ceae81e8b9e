import { expect, test } from '@jest/globals';
import { sampleUnfinished } from '../../../../service/outputs/record/unfinished-sample';
import type { S3Bucket } from '../../../../service/outputs/s3/s3-bucket';

/** A bucket with so many recordings, and the prefixes that were listed. */
function bucketWith(count: number): { bucket: S3Bucket; listed: string[] } {
  const ids = Array.from(
    { length: count },
    (_, index) => `u/${((index * 2654435761) >>> 0).toString(16).padStart(8, '0')}`,
  );
  const listed: string[] = [];
  const folders = (prefix: string): Promise<{ keys: string[]; hasMore: boolean }> => {
    listed.push(prefix);
    const found = ids.filter((id) => id.startsWith(prefix));
    return Promise.resolve({ keys: found.slice(0, 1000), hasMore: found.length > 1000 });
  };
  return { bucket: { folders } as unknown as S3Bucket, listed };
}

test('one LIST finds all others of a small fleet', async () => {
  const { bucket, listed } = bucketWith(60);
  const ids = await sampleUnfinished(bucket, 'u/', (id) => id !== '00000000');
  expect(new Set(ids).size).toBe(59);
  expect(listed).toEqual(['u/']);
});

test('in a large fleet a node lists three pages at most, and looks at a hundred recordings', async () => {
  const { bucket, listed } = bucketWith(40_000);
  const ids = await sampleUnfinished(bucket, 'u/', () => true);
  expect(new Set(ids).size).toBe(100);
  expect(listed.length).toBeLessThanOrEqual(3);
  for (const id of ids) expect(`u/${id}`.startsWith(listed.at(-1)!)).toBe(true);
});
