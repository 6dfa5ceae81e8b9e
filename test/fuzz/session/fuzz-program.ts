import fc from 'fast-check';
import { described, type FuzzOptions } from './fuzz';
import { RealProgram } from './real-program';
import { runSchedule } from './run-schedule';
import { type Schedule, schedules } from './schedule';

/** Runs random schedules on the built program. */
export async function fuzzProgram({ schedules: count, seed, maxMoves }: FuzzOptions): Promise<string | undefined> {
  const programs = new Map<string, Promise<RealProgram>>();
  const run = async (schedule: Schedule): Promise<void> => {
    const { callback, takeover } = schedule;
    const rules = { callback, takeover: takeover && callback, chunkSize: 4096, caches: true };
    const name = JSON.stringify(rules);
    const starting = programs.get(name) ?? RealProgram.start(rules);
    programs.set(name, starting);
    const drive = (await starting).drive();
    try {
      await runSchedule(schedule, drive);
    } catch (error) {
      if (drive.isLate?.() === true) return;
      // What a failed schedule leaves behind must not disturb the next one.
      programs.delete(name);
      await (await starting).stop();
      throw error;
    }
  };
  try {
    const property = fc.asyncProperty(schedules(maxMoves), run);
    const result = await fc.check(property, { numRuns: count, seed, endOnFailure: true });
    return described(result, seed);
  } finally {
    for (const program of programs.values()) await (await program).stop();
  }
}
