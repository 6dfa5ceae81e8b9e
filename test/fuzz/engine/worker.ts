import { parentPort, workerData } from 'node:worker_threads';
import { inspect } from 'node:util';
import { Fuzzer } from './fuzzer';
import type { Target } from './target';

/** What `run.mjs` passes to a target's thread. */
export interface WorkerOrder {
  readonly corpus: readonly Uint8Array[];
  readonly seed: number;
  readonly runs?: number;
  /** Some thousand runs, fewer of targets that take long. */
  readonly isShort?: boolean;
  readonly seconds?: number;
  readonly isGuided?: boolean;
  /** How many executions have begun, and the length of the present input, which follows them. */
  readonly shared: SharedArrayBuffer;
}

const HEAD_BYTES = 8;
const SHORT_RUNS = 2_000;

/** Fuzzes a target in this thread. The present input is in shared memory, for the case that the target never returns. */
export async function work(target: Target): Promise<void> {
  const { corpus, shared, isShort = false, ...options } = workerData as WorkerOrder;
  const head = new Uint32Array(shared, 0, 2);
  const present = new Uint8Array(shared, HEAD_BYTES);
  const seeds = target.seeds();
  const fuzzer = new Fuzzer({
    ...options,
    ...(isShort && { runs: Math.ceil(SHORT_RUNS / (target.cost ?? 1)) }),
    target,
    corpus: [...seeds, ...corpus.map((bytes) => Buffer.from(bytes))],
    begins: (input) => {
      head[0] = (head[0]! + 1) >>> 0;
      head[1] = Math.min(input.length, present.length);
      present.set(input.subarray(0, present.length));
    },
  });
  const before = heapBytes();
  const { finding, corpus: kept, ...result } = await fuzzer.run();
  const grownBytes = heapBytes() - before - kept.reduce((sum, { length }) => sum + length, 0);
  parentPort!.postMessage({
    ...result,
    kept: kept.length,
    grownBytes,
    ...(finding && { finding: { input: finding.input, error: inspect(finding.error) } }),
  });
}

/** What is in use after everything unused was freed, if Node was started so that this can be asked for. */
function heapBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
