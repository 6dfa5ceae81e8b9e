import { randomInt } from 'node:crypto';
import type { S3Bucket } from '../s3/s3-bucket';

/** How often a program looks for recordings of others (ms), on average, and how far it varies. */
const EVERY_MS = 300_000;
const SPREAD_MS = 60_000;
/** How many it looks at: in a fleet of 40 streams a node, two or three nodes look at each. */
const LOOKS = 100;
/** Ids begin with so many random hexadecimal digits. */
const DIGITS = 8;

export function nextLookMs(): number {
  return EVERY_MS + randomInt(-SPREAD_MS, SPREAD_MS);
}

/**
 * Some of the unfinished recordings in a bucket, at random: all nodes do this, and the cost for each must not grow with
 * their number. One LIST; where there are more than a thousand recordings, another one for a part of them.
 *
 * @param root key of the folder of all, ending in a slash
 * @param isOther recordings that are of no interest are left out before the choice
 */
export async function sampleUnfinished(
  bucket: S3Bucket,
  root: string,
  isOther: (id: string) => boolean,
): Promise<string[]> {
  let prefix = root;
  let page = await bucket.folders(prefix);
  while (page.hasMore && prefix.length < root.length + DIGITS) {
    prefix += randomInt(16).toString(16);
    page = await bucket.folders(prefix);
  }
  const ids = page.keys.map((key) => key.slice(root.length)).filter(isOther);
  const sample: string[] = [];
  while (sample.length < LOOKS && ids.length > 0) sample.push(...ids.splice(randomInt(ids.length), 1));
  return sample;
}
