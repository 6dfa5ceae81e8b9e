/** What a client may say before it plays; who says more is not moved. */
const MAX_SAID_BYTES = 16 * 1024;

/** All that a new process needs to go on with a connection: it hears the same, and does not answer a second time. */
export interface Departure {
  readonly clientIp: string;
  /** Every byte from the client so far. */
  readonly said: Buffer;
  /** How many bytes it was sent. */
  readonly answeredBytes: number;
}

/**
 * The begin of a connection, kept until it plays or publishes. What a session answers follows from what it hears alone,
 * so that another process that hears the same arrives at the same state.
 */
export class Opening {
  readonly #parts: Buffer[] = [];
  #saidBytes = 0;
  #answeredBytes = 0;

  /** False when the client has said too much for one that opens a connection. */
  heard(source: Buffer, start: number, end: number): boolean {
    this.#saidBytes += end - start;
    if (this.#saidBytes > MAX_SAID_BYTES) return false;
    this.#parts.push(Buffer.from(source.subarray(start, end)));
    return true;
  }

  answered(bytes: number): void {
    this.#answeredBytes += bytes;
  }

  departure(clientIp: string): Departure {
    return { clientIp, said: Buffer.concat(this.#parts), answeredBytes: this.#answeredBytes };
  }
}
