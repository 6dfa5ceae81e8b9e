import { timingSafeEqual } from 'node:crypto';

/** Whether two stream keys are the same, in a time that does not tell how much of them is. */
export function keysEqual(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  // Comparing with itself keeps the work the same; only the length, which is no secret, can be told.
  return timingSafeEqual(left, left.length === right.length ? right : left) && left.length === right.length;
}
