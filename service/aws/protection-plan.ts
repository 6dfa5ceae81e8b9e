import type { TaskStanding } from './task-standing';

/** How long a protection lasts unless it is renewed. */
export const PROTECTION_MINUTES = 60;
/** A protection with no more than this left is renewed (ms): half its duration, so that there is time for retries. */
export const RENEWAL_MS = (PROTECTION_MINUTES * 60_000) / 2;
/** The protection is released only after this long with too few publishers (ms): they may come back. */
export const CALM_MS = 60_000;

export interface ProtectionState {
  readonly standing: TaskStanding;
  readonly publishers: number;
  /** From this many publishers on, the task is protected; at least 1. */
  readonly floor: number;
  /** When the protection expires, if it is or may be on (ms since the epoch); undefined: it is off. */
  readonly protectedUntilMs: number | undefined;
  /** When the task last had `floor` publishers or more (ms since the epoch). */
  readonly busyAtMs: number;
  readonly nowMs: number;
}

/**
 * What to ask of ECS now. Protection only keeps scale-in from stopping busy tasks. It is released at once when the task
 * is superseded or leaving: otherwise a deployment could not finish.
 */
export function protectionStep(state: ProtectionState): 'protect' | 'release' | 'nothing' {
  const { standing, publishers, floor, protectedUntilMs, busyAtMs, nowMs } = state;
  const isOn = protectedUntilMs !== undefined && protectedUntilMs > nowMs;
  if (standing !== 'wanted') return isOn ? 'release' : 'nothing';
  if (publishers >= Math.max(1, floor)) {
    const isFresh = isOn && protectedUntilMs - nowMs > RENEWAL_MS;
    return isFresh ? 'nothing' : 'protect';
  }
  if (!isOn) return 'nothing';
  return nowMs - busyAtMs >= CALM_MS ? 'release' : 'nothing';
}
