/**
 * Between the monotonic clock and performance.now(). A process that loses the CPU between the two readings finds too
 * little, as does the first try, which has to load performance.now(): the largest is the right one.
 */
const originMs = Math.max(
  ...Array.from({ length: 10 }, () => Number(process.hrtime.bigint()) / 1e6 - performance.now()),
);

/** Milliseconds of the system's monotonic clock: the same for all processes, as send and arrival are in different ones. */
export function monotonicMs(): number {
  return originMs + performance.now();
}
