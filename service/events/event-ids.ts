import { randomBytes } from 'node:crypto';

const RADIX = 36;
const TIME_DIGITS = 9;
const COUNT_DIGITS = 7;

/** Makes ids of events: in the order in which they were made within a process, and by time among processes. */
export class EventIds {
  readonly #process = randomBytes(3).toString('hex');
  #lastMs = 0;
  #count = 0;

  next(nowMs: number): string {
    // A clock that was set back must not order a new event before an older one.
    this.#lastMs = Math.max(this.#lastMs, nowMs);
    this.#count += 1;
    return `${digits(this.#lastMs, TIME_DIGITS)}${digits(this.#count, COUNT_DIGITS)}-${this.#process}`;
  }
}

/** When the event was made (ms since the epoch); NaN for text that is no id of an event. */
export function timeOfId(id: string): number {
  return /^[0-9a-z]{16}-[0-9a-f]{6}$/.test(id) ? parseInt(id.slice(0, TIME_DIGITS), RADIX) : NaN;
}

function digits(value: number, length: number): string {
  return value.toString(RADIX).padStart(length, '0');
}
