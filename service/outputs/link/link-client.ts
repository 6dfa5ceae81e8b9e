import { WebSocket } from 'ws';
import type { Logger } from '../../logging/logger';
import { Backoff } from '../../time/backoff';
import { FromNode, type FromProgram, LINK_PATH, MAX_MESSAGE_BYTES, readMessage, SILENCE_MS } from './messages';

export interface LinkClientOptions {
  /** Port of the node on 127.0.0.1. */
  readonly port: number;
  /** undefined: not known yet. */
  readonly token: () => string | undefined;
  readonly log: Logger;
  /** The link is open; `send` works from now on. */
  readonly opened: () => void;
  readonly message: (message: FromNode) => void;
  /** The link broke; it is opened again. */
  readonly lost: () => void;
  /** Default: half a second, doubled up to five seconds, with jitter. */
  readonly backoff?: Backoff;
}

/** Bytes that wait for the node beyond which statuses are left out; facts and answers are never. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Facts and answers that are kept while the link is broken; the oldest are dropped. */
const MAX_KEPT = 1_000;
const HANDSHAKE_MS = 5_000;

/** Its sender sends it again when the link is open. */
function isNumbered(message: FromProgram): boolean {
  return message.kind === 'fact' && message.number !== undefined;
}

/** The program's end of the link: connects again for ever, until it is closed. */
export class LinkClient {
  readonly #options: LinkClientOptions;
  readonly #backoff: Backoff;
  /** What must not be lost while the link is broken. */
  readonly #kept: FromProgram[] = [];
  #socket: WebSocket | undefined;
  #isOpen = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #complained = false;

  constructor(options: LinkClientOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff(500, 5_000);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  connect(): void {
    if (this.#closed) return;
    const { port, token } = this.#options;
    const secret = token();
    if (secret === undefined) return this.#again();
    const socket = new WebSocket(`ws://127.0.0.1:${port}${LINK_PATH}`, {
      headers: { authorization: `Bearer ${secret}` },
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
    });
    this.#socket = socket;
    let reason = 'the node closed the connection';
    socket.on('open', () => {
      this.#isOpen = true;
      this.#complained = false;
      this.#backoff.reset();
      this.#heard();
      this.#options.opened();
      for (const message of this.#kept.splice(0)) this.#write(message);
    });
    socket.on('ping', () => this.#heard());
    socket.on('message', (data, isBinary) => {
      this.#heard();
      const message = isBinary ? undefined : readMessage(FromNode, (data as Buffer).toString('utf8'));
      if (message !== undefined) this.#options.message(message);
      else this.#options.log.warning('a message of the node cannot be understood');
    });
    socket.on('error', ({ message }) => {
      reason = message.endsWith(' 409') ? 'another rtmp-outputs has the streams of this node already' : message;
    });
    socket.on('close', () => this.#lost(reason));
  }

  /** Sends a message. While the link is broken, facts and answers are kept, statuses are not. */
  send(message: FromProgram): void {
    const mayBeLost = message.kind === 'status';
    if (this.#isOpen) {
      if (!mayBeLost || (this.#socket?.bufferedAmount ?? 0) < MAX_WAITING_BYTES) this.#write(message);
    } else if (!mayBeLost && message.kind !== 'program' && !isNumbered(message)) {
      this.#kept.push(message);
      if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    }
  }

  /** Sends what is left, as far as the node takes it, and ends the link; resolves within a second. */
  close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(() => socket.terminate(), 1_000);
      socket.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      socket.close(1000);
    });
  }

  #write(message: FromProgram): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#socket?.terminate(), SILENCE_MS);
  }

  #lost(reason: string): void {
    clearTimeout(this.#silence);
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    if (this.#closed) return;
    if (!this.#complained) this.#options.log.warning('no link to the node, trying again', { reason });
    this.#complained = true;
    if (wasOpen) this.#options.lost();
    this.#again();
  }

  #again(): void {
    this.#timer = setTimeout(() => this.connect(), this.#backoff.next());
  }
}
