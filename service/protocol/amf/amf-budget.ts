import { ProtocolError } from '../protocol-errors';

/** Most levels of nested containers. */
export const MAX_AMF_DEPTH = 16;

/** Most values of one message, those inside containers included. */
export const MAX_AMF_ENTRIES = 4096;

/**
 * Most bytes of text that references may repeat. A reference takes one to three bytes but may stand for a long string.
 */
const MAX_REPEATED_BYTES = 1024 * 1024;

/** The contents of a container, so that a reference to it can be charged as if it had been sent again. */
export interface AmfCost {
  readonly entries: number;
  readonly textBytes: number;
  /** Levels of containers, its own included. */
  readonly levels: number;
}

/**
 * The limits of one decoding. A reference costs as much as the value that it repeats: otherwise a few bytes could build
 * a value whose expanded form has 2^n parts.
 */
export class AmfBudget {
  #depth = 0;
  /** The deepest level that the container being read has reached. */
  #deepest = 0;
  #entries = 0;
  #textBytes = 0;
  #repeatedBytes = 0;

  /** Counts one value. */
  entry(): void {
    this.#charge(1, 0);
  }

  /** Fails unless `count` more values are allowed, before anything is allocated for them. */
  expectEntries(count: number): void {
    if (this.#entries + count > MAX_AMF_ENTRIES) {
      throw new ProtocolError('amf_too_many_entries', `more than ${MAX_AMF_ENTRIES} AMF values in one message`);
    }
  }

  /** Counts text that was read; it is only charged when a reference repeats its container. */
  text(bytes: number): void {
    this.#textBytes += bytes;
  }

  /** Counts text that a reference repeats. */
  repeatedText(bytes: number): void {
    this.#charge(0, bytes);
    this.#textBytes += bytes;
  }

  /** Counts a whole container that a reference repeats. */
  repeat(cost: AmfCost): void {
    this.#reach(this.#depth + cost.levels);
    this.#charge(cost.entries, cost.textBytes);
    this.#textBytes += cost.textBytes;
  }

  /** Runs `read` one level deeper and returns its cost. */
  nested(read: () => void): AmfCost {
    const before = this.#deepest;
    this.#deepest = 0;
    this.#reach(this.#depth + 1);
    this.#depth++;
    const entriesBefore = this.#entries;
    const textBefore = this.#textBytes;
    read();
    this.#depth--;
    const levels = this.#deepest - this.#depth;
    this.#deepest = Math.max(before, this.#deepest);
    return { entries: this.#entries - entriesBefore, textBytes: this.#textBytes - textBefore, levels };
  }

  #reach(depth: number): void {
    if (depth > MAX_AMF_DEPTH) {
      throw new ProtocolError('amf_too_deep', `AMF containers nested deeper than ${MAX_AMF_DEPTH}`);
    }
    if (depth > this.#deepest) this.#deepest = depth;
  }

  #charge(entries: number, repeatedBytes: number): void {
    this.expectEntries(entries);
    this.#entries += entries;
    this.#repeatedBytes += repeatedBytes;
    if (this.#repeatedBytes > MAX_REPEATED_BYTES) {
      throw new ProtocolError('amf_too_many_entries', `AMF references repeat more than ${MAX_REPEATED_BYTES} bytes`);
    }
  }
}
