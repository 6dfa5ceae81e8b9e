/** How a check ended: `warning` works but may not for long, `skipped` could not be checked or does not apply. */
export type Mark = 'ok' | 'warning' | 'failed' | 'skipped';

/** The result of one check, as `doctor` prints it. */
export interface Finding {
  /** Fixed name for scripts, such as `redis.clock`. */
  readonly check: string;
  readonly mark: Mark;
  /** What was found: one sentence without its full stop. */
  readonly says: string;
  /** What to do about it; absent where there is nothing to do. */
  readonly todo?: string;
}

export function passed(check: string, says: string): Finding {
  return { check, mark: 'ok', says };
}

export function warned(check: string, says: string, todo: string): Finding {
  return { check, mark: 'warning', says, todo };
}

export function failed(check: string, says: string, todo: string): Finding {
  return { check, mark: 'failed', says, todo };
}

/** @param todo how the check could be made, if it can be */
export function skipped(check: string, says: string, todo?: string): Finding {
  return { check, mark: 'skipped', says, ...(todo !== undefined && { todo }) };
}
