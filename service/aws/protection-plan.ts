import type { TaskStanding } from './task-standing';

/** How long a protection is asked for; one that nobody renews ends by itself. */
export const PROTECTION_MINUTES = 60;
/** A protection with no more than this left is renewed (ms): half its life, so that there is time for failures. */
export const RENEWAL_MS = (PROTECTION_MINUTES * 60_000) / 2;
/** Load has to be gone for so long before the protection is given up: publishers come back (ms). */
export const CALM_MS = 60_000;

export interface ProtectionState {
  readonly standing: TaskStanding;
  readonly publishers: number;
  /** As many publishers are worth protecting; at least one. */
  readonly floor: number;
  /** When the protection ends by itself, as far as it may be on (ms since the epoch); undefined: it is off. */
  readonly protectedUntilMs: number | undefined;
  /** When the task last had as many publishers as are worth protecting (ms since the epoch). */
  readonly busyAtMs: number;
  readonly nowMs: number;
}

/**
 * What to ask of ECS now. Protection keeps scale-in away from busy tasks and is no drain: it is given up at once when
 * the task is to go, or a deployment could not finish.
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
