/**
 * The difference between the monotonic clock and performance.now(). A process that loses the CPU between the two
 * readings gets too small a value, as does the first try, which has to load performance.now(): the largest value is
 * right.
 */
const originMs = Math.max(
  ...Array.from({ length: 10 }, () => Number(process.hrtime.bigint()) / 1e6 - performance.now()),
);

/**
 * Milliseconds of the system's monotonic clock, which all processes share: messages are sent and received in different
 * ones.
 */
export function monotonicMs(): number {
  return originMs + performance.now();
}
