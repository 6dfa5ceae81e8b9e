import fc from 'fast-check';
import { FINDINGS, LIVES } from './findings';
import { InProcess } from './in-process';
import { runSchedule, ScheduleFailure } from './run-schedule';
import { type Schedule, schedules } from './schedule';
import { VirtualClock } from './virtual-clock';

export interface FuzzOptions {
  readonly schedules: number;
  readonly seed: number;
  readonly maxMoves: number;
}

/** Runs one schedule against the server's code in this process; throws what went wrong. */
export async function runInProcess(schedule: Schedule): Promise<void> {
  const { callback, takeover, chunkSize, cacheMb } = schedule;
  const clock = new VirtualClock();
  clock.install();
  const drive = new InProcess({ callback, takeover: takeover && callback, chunkSize, caches: cacheMb > 0 }, clock);
  try {
    await runSchedule(schedule, drive);
  } finally {
    drive.close();
    clock.restore();
  }
}

/** Runs random schedules; returns how many it ran, and the first failure, shrunk. */
export async function fuzz({
  schedules: count,
  seed,
  maxMoves,
}: FuzzOptions): Promise<{ readonly ran: number; readonly failure: string | undefined }> {
  const result = await fc.check(fc.asyncProperty(schedules(maxMoves), runInProcess), { numRuns: count, seed });
  return { ran: result.numRuns, failure: described(result, seed) };
}

/** A failure in words, with its schedule; undefined where nothing failed. */
export function described(result: fc.RunDetails<[Schedule]>, seed: number): string | undefined {
  if (!result.failed) return undefined;
  const error = result.errorInstance;
  const words = error instanceof Error ? error.message : String(error);
  const whole = result.counterexample![0];
  const moves = error instanceof ScheduleFailure ? whole.moves.slice(0, error.at + 1) : whole.moves;
  const lines = moves.map((move) => `  ${JSON.stringify(move)}`).join(',\n');
  const settings = JSON.stringify({ ...whole, moves: undefined });
  return `${words}\nseed ${seed}, after ${result.numRuns} schedules, shrunk ${result.numShrinks} times:\n${settings}\n${lines}`;
}

/** What fails first: a schedule of `findings.ts`, or which of the random ones; `found` null: none. */
export async function firstFailure({ schedules: count, seed, maxMoves }: FuzzOptions): Promise<{
  readonly found: 'finding' | number | null;
  readonly words?: string;
}> {
  for (const [name, finding] of Object.entries({ ...FINDINGS, ...LIVES })) {
    try {
      await runInProcess(finding);
    } catch (error) {
      return { found: 'finding', words: `${name}: ${(error as Error).message}` };
    }
  }
  const property = fc.asyncProperty(schedules(maxMoves), runInProcess);
  const result = await fc.check(property, { numRuns: count, seed, endOnFailure: true });
  return result.failed ? { found: result.numRuns, words: (result.errorInstance as Error).message } : { found: null };
}
