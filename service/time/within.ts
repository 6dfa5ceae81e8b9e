const LATE = Symbol('late');

/**
 * What a promise resolves to, or what `late` gives (or throws) when that takes longer than `timeoutMs`. No timer is left
 * running. What the promise does later is ignored, a rejection included.
 */
export async function within<T, L>(timeoutMs: number, promise: Promise<T>, late: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const lateness = new Promise<typeof LATE>((resolve) => (timer = setTimeout(resolve, timeoutMs, LATE)));
  try {
    const first = await Promise.race([promise, lateness]);
    return first === LATE ? late() : first;
  } finally {
    clearTimeout(timer);
  }
}
