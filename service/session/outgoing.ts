import type { OpenStreams } from './rtmp-commands/open-streams';
import type { Opening } from './opening';
import type { SessionContext } from './session-context';
import type { CloseCode } from './session-state';
import type { Transport } from './transport';

/** Answers and pings that the client leaves unread. */
const MAX_UNSENT_BYTES = 64 * 1024;
/** The same for a player, beside a whole GOP cache: the stream itself leaves no more than 64 MB of new media unsent. */
const MAX_UNSENT_BYTES_PLAYING = 96 * 1024 * 1024;
/** What a write that waits for the client costs beside its bytes. */
const UNSENT_WRITE_BYTES = 1024;

/** The session whose client is sent something. */
export interface SendingSession {
  readonly context: Pick<SessionContext, 'gopCacheBytes'>;
  readonly transport: Transport;
  readonly opening: Opening;
  readonly streams: OpenStreams;
  close(code: CloseCode, reason: string): void;
}

/** Sends a client all but the media that it plays, and closes the session of one that leaves too much of it unread. */
export class Outgoing {
  readonly #session: SendingSession;
  /** Writes since the client had read everything. */
  #unsentWrites = 0;

  constructor(session: SendingSession) {
    this.#session = session;
  }

  send(bytes: Buffer): void {
    const { transport, opening } = this.#session;
    transport.write(bytes);
    opening.answered(bytes.length);
    const { unsentBytes } = transport;
    this.#unsentWrites = unsentBytes === 0 ? 0 : this.#unsentWrites + 1;
    if (unsentBytes + this.#unsentWrites * UNSENT_WRITE_BYTES > this.#maxUnsentBytes) {
      this.#session.close('too_slow', `${unsentBytes} bytes unread by the client`);
    }
  }

  /** Sends bytes that answer nothing of what the client said. */
  sendUnasked(bytes: Buffer): void {
    this.#session.opening.stay();
    this.send(bytes);
  }

  get #maxUnsentBytes(): number {
    if (this.#session.streams.play === null) return MAX_UNSENT_BYTES;
    return this.#session.context.gopCacheBytes + MAX_UNSENT_BYTES_PLAYING;
  }
}
