import type { Logger } from '../logging/logger';
import type { OpenStreams } from './rtmp-commands/open-streams';
import type { SessionPhase } from './session-state';
import type { Transport } from './transport';

/** A client that sends more bytes than this before it plays is not moved. */
const MAX_SAID_BYTES = 16 * 1024;

/** What another process needs to take a connection over: it reads the same bytes, and sends only further answers. */
export interface Departure {
  readonly clientIp: string;
  /** Every byte from the client so far. */
  readonly said: Buffer;
  /** How many bytes the client was sent. */
  readonly answeredBytes: number;
}

/** A session whose connection another process may take over. */
export interface MovableSession {
  readonly opening: Opening;
  readonly transport: Transport;
  readonly log: Logger;
}

/** The session that an opening belongs to. */
export interface OpeningSession {
  readonly clientIp: string;
  readonly phase: SessionPhase;
  readonly streams: OpenStreams;
  readonly transport: Transport;
  /** Ends the session, but not its connection, which another process takes over. */
  moved(): void;
}

/**
 * The start of a connection, kept until the client plays or publishes. A session's answers depend only on the client's
 * bytes, so another process that reads the same bytes reaches the same state.
 */
export class Opening {
  readonly #session: OpeningSession;
  /** All bytes from the client; null once the connection has to stay here. */
  #said: Buffer[] | null;
  #saidBytes = 0;
  #answeredBytes = 0;

  /** @param mayMove false: the connection stays here from the start */
  constructor(session: OpeningSession, mayMove: boolean) {
    this.#session = session;
    this.#said = mayMove ? [] : null;
  }

  /** Whether another process could take the connection over now. */
  get canMove(): boolean {
    const { phase, transport } = this.#session;
    return this.#said !== null && phase === 'connected' && transport.unsentBytes === 0;
  }

  /**
   * Pins the connection here: it was already moved, or bytes were sent that replaying the opening would not produce.
   */
  stay(): void {
    this.#said = null;
  }

  /** The client has sent `source[start, end)`. */
  heard(source: Buffer, start: number, end: number): void {
    if (this.#said === null) return;
    this.#saidBytes += end - start;
    if (this.#saidBytes > MAX_SAID_BYTES || !this.#session.streams.isEmpty) this.stay();
    else this.#said.push(Buffer.from(source.subarray(start, end)));
  }

  /** The client was sent this many bytes. */
  answered(bytes: number): void {
    this.#answeredBytes += bytes;
  }

  /** Ends the session, but not the connection: another process takes it over. Only if `canMove`. */
  depart(): Departure {
    const said = Buffer.concat(this.#said ?? []);
    this.#session.moved();
    return { clientIp: this.#session.clientIp, said, answeredBytes: this.#answeredBytes };
  }
}
