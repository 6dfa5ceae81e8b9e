/** Runs `task` for 0..count-1, at most `limit` at a time. The first failure stops the start of further ones and rejects. */
export async function runBounded(count: number, limit: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  try {
    await Promise.all(Array.from({ length: Math.min(limit, count) }, lane));
  } catch (error) {
    next = count;
    throw error;
  }
}
