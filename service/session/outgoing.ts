import type { AmfValue } from '../protocol/amf/amf-value';
import { DEFAULT_CHUNK_SIZE } from '../protocol/chunk/chunk-writer';
import type { Opening } from './opening';
import type { OpenStreams } from './rtmp-commands/open-streams';
import { commandMessage, statusMessage, type StatusCode, type StatusLevel } from './rtmp-commands/replies';
import type { SessionContext } from './session-context';
import type { CloseCode } from './session-state';
import type { Transport } from './transport';

/** Most bytes of answers and pings that a client may leave unread. */
const MAX_UNSENT_BYTES = 64 * 1024;
/** The same for a player, in addition to a whole GOP cache: a stream leaves no more than 64 MB of new media unsent. */
const MAX_UNSENT_BYTES_PLAYING = 96 * 1024 * 1024;
/** The cost of a write that waits for the client, in addition to its bytes. */
const UNSENT_WRITE_BYTES = 1024;

/** The session whose client the bytes are sent to. */
export interface SendingSession {
  readonly context: Pick<SessionContext, 'gopCacheBytes'>;
  readonly transport: Transport;
  readonly opening: Opening;
  readonly streams: OpenStreams;
  close(code: CloseCode, reason: string): void;
}

/** Sends a client everything but the media that it plays, and closes its session if it leaves too much unread. */
export class Outgoing {
  /** The client must be told before this changes. */
  chunkSize = DEFAULT_CHUNK_SIZE;
  readonly #session: SendingSession;
  /** Writes since the client last had read everything. */
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

  /** Sends bytes that are not an answer to the client. */
  sendUnasked(bytes: Buffer): void {
    this.#session.opening.stay();
    this.send(bytes);
  }

  sendCommand(streamId: number, values: readonly AmfValue[]): void {
    this.send(commandMessage(streamId, values, this.chunkSize));
  }

  sendStatus(streamId: number, level: StatusLevel, code: StatusCode, description: string): void {
    this.send(statusMessage(streamId, level, code, description, this.chunkSize));
  }

  get #maxUnsentBytes(): number {
    if (this.#session.streams.play === null) return MAX_UNSENT_BYTES;
    return this.#session.context.gopCacheBytes + MAX_UNSENT_BYTES_PLAYING;
  }
}
