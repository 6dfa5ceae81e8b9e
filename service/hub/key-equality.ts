import { timingSafeEqual } from 'node:crypto';

/** Whether two stream keys are the same, compared in constant time. */
export function keysEqual(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  // At another length, `left` is compared with itself to take the same time; the length itself is no secret.
  return timingSafeEqual(left, left.length === right.length ? right : left) && left.length === right.length;
}
