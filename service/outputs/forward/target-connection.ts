import { isIP, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { codeOf, messageOf } from '../../errors/error-text';
import { type MonotonicClock, monotonicNow } from '../../time/clock';
import type { ForwardTarget } from '../policy/forward-url';
import { Backlog } from './backlog';
import type { Nonce } from './challenge';
import { OutgoingBatch } from './outgoing-batch';
import { OUTGOING_CHUNK_SIZE, PublishClient, type PublishEvents } from './publish-client';
import type { EndKind } from './retry-plan';
import { checkAddress, checkedLookup, ForbiddenTargetError, type TargetRules } from './target-address';
import { withoutSecrets } from './without-secrets';

/** What connections to all targets share. */
export interface ConnectionSettings {
  readonly rules: TargetRules;
  /** Authorities for RTMPS, as PEM; undefined: those of Node.js. */
  readonly authorities?: string | undefined;
  readonly nonce?: Nonce | undefined;
  readonly monotonic?: MonotonicClock | undefined;
}

export interface TargetConnectionOptions {
  readonly settings: ConnectionSettings;
  readonly target: ForwardTarget;
  readonly query: string;
  readonly events: PublishEvents;
}

/** From the beginning of the connection to the answer to `publish` (ms). */
const ANSWER_MS = 15_000;
/** A target that reads nothing for this long (ms) is given up. */
const STALL_MS = 30_000;
/** The rest of a stream that has ended may take this long (ms). */
const FINISH_MS = 5_000;
/**
 * Where a name has several addresses, each gets this long (ms) before the next is tried. Node.js's own value, half a
 * second or less, is too short for targets on other continents.
 */
const ADDRESS_MS = 2_500;

/** A target that lets more answers than this (bytes) wait does not read what it asks for: 3,600 answers to pings. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Codes of Node.js for a certificate that is not accepted; it will not change within seconds. */
const CERTIFICATE_FAULT = /CERT|ALTNAME|SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH/;

/** One connection to a target: a socket with a queue in front of it, and the client of RTMP on it. */
export class TargetConnection {
  /** Media and commands handed to the connection so far (bytes). */
  written = 0;

  readonly #options: TargetConnectionOptions;
  readonly #now: MonotonicClock;
  readonly #client: PublishClient;
  readonly #batch: OutgoingBatch;
  readonly #backlog = new Backlog();
  /** What the socket does not take yet: it gets one batch at a time, so that progress can be seen. */
  readonly #queue: Buffer[] = [];
  #queued = 0;
  /** What the client of RTMP says while the socket takes nothing: goes before the queue. */
  #answers: Buffer[] = [];
  #answerBytes = 0;
  #isBlocked = false;
  #socket: Socket | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #isReady = false;
  #isOver = false;
  #finished: (() => void) | undefined;
  /** How much the target had taken at the last look, and when that last changed. */
  #taken = 0;
  #takenAt: number;

  constructor(options: TargetConnectionOptions) {
    const { settings, target, query, events } = options;
    this.#options = options;
    this.#now = settings.monotonic ?? monotonicNow;
    this.#takenAt = this.#now();
    this.#batch = new OutgoingBatch(OUTGOING_CHUNK_SIZE, (bytes) => this.#write(bytes));
    this.#client = new PublishClient({
      target,
      query,
      nonce: settings.nonce,
      write: (bytes) => this.#answer(bytes),
      events: {
        ready: (support) => {
          this.#isReady = true;
          clearTimeout(this.#deadline);
          events.ready(support);
        },
        moved: (tcUrl) => events.moved(tcUrl),
        challenged: (answer) => {
          this.close();
          events.challenged(answer);
        },
        ended: (kind, reason) => this.#end(kind, reason),
      },
    });
  }

  /** Connects; events come later, never from within this call. */
  open(): void {
    this.#deadline = setTimeout(() => {
      const what = this.#client.isOpen ? 'to publish' : 'to the connection';
      this.#end('lost', `no answer ${what} within ${ANSWER_MS / 1000} s`);
    }, ANSWER_MS);
    try {
      this.#socket = this.#connect();
    } catch (error) {
      setImmediate(() => this.#failed(error as Error));
    }
  }

  /** Bytes that the target has not taken yet. */
  get backlogBytes(): number {
    return this.#batch.length + this.#unsent;
  }

  /** How long the oldest of these bytes waits (ms). */
  backlogMs(): number {
    return this.#backlog.age(this.written - this.#unsent, this.#now());
  }

  /** Adds a message, which the next `flush` sends. Only after `ready`. */
  add(chunkStreamId: number, timestamp: number, typeId: number, payload: Buffer): void {
    this.#batch.add(chunkStreamId, timestamp >>> 0, typeId, this.#client.streamId, payload);
  }

  flush(): void {
    this.#batch.flush();
    const now = this.#now();
    const taken = this.written - this.backlogBytes;
    if (taken !== this.#taken || this.backlogBytes === 0) {
      this.#taken = taken;
      this.#takenAt = now;
    } else if (now - this.#takenAt > STALL_MS) this.#end('lost', `the target read nothing for ${STALL_MS / 1000} s`);
  }

  /** Ends the stream and the connection properly; resolves when that is done, or took too long. */
  finish(): Promise<void> {
    if (this.#isOver || !this.#isReady) {
      this.close();
      return Promise.resolve();
    }
    this.#batch.flush();
    this.#write(this.#client.farewell());
    this.#client.close();
    this.#isOver = true;
    return new Promise((resolve) => {
      this.#finished = resolve;
      this.#deadline = setTimeout(() => this.#socket?.destroy(), FINISH_MS);
      if (!this.#isBlocked) this.#socket?.end();
      if (this.#socket?.destroyed !== false) this.#closed();
    });
  }

  /** Ends the connection at once; no event comes any more. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#client.close();
    this.#queue.length = 0;
    this.#queued = 0;
    this.#answers = [];
    this.#answerBytes = 0;
    this.#socket?.destroy();
  }

  get #unsent(): number {
    return this.#queued + this.#answerBytes + (this.#socket?.writableLength ?? 0);
  }

  #connect(): Socket {
    const { settings, target } = this.#options;
    const { host, port, secure } = target;
    checkAddress(host, port, settings.rules);
    const where = {
      ...{ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: STALL_MS },
      ...{ lookup: checkedLookup(settings.rules, port), autoSelectFamilyAttemptTimeout: ADDRESS_MS },
    };
    const names = isIP(host) === 0 ? { servername: host } : {};
    const ca = settings.authorities === undefined ? {} : { ca: settings.authorities };
    const socket = secure ? connectTls({ ...where, ...names, ...ca }) : connectTcp(where);
    socket.on(secure ? 'secureConnect' : 'connect', () => this.#connected(socket));
    socket.on('data', (bytes: Buffer) => this.#client.receive(bytes));
    socket.on('drain', () => this.#drained(socket));
    socket.on('error', (error: Error) => this.#failed(error));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#closed());
    return socket;
  }

  #connected(socket: Socket): void {
    try {
      checkAddress(socket.remoteAddress ?? '', socket.remotePort ?? 0, this.#options.settings.rules);
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    this.#client.start();
  }

  #write(bytes: Buffer): void {
    this.written += bytes.length;
    this.#backlog.wrote(this.written, this.#now());
    if (this.#isBlocked) {
      this.#queue.push(bytes);
      this.#queued += bytes.length;
    } else if (this.#socket?.write(bytes) === false) this.#isBlocked = true;
  }

  /** Commands, and answers to what the target asks: it can ask without end, so few of them wait. */
  #answer(bytes: Buffer): void {
    if (!this.#isBlocked) {
      this.#write(bytes);
      return;
    }
    this.written += bytes.length;
    this.#answers.push(bytes);
    this.#answerBytes += bytes.length;
    if (this.#answerBytes > MAX_ANSWER_BYTES) this.#end('lost', 'the target asks for answers and does not read them');
  }

  #drained(socket: Socket): void {
    this.#isBlocked = this.#answerBytes > 0 && !socket.write(Buffer.concat(this.#answers));
    this.#answers = [];
    this.#answerBytes = 0;
    while (!this.#isBlocked && this.#queue.length > 0) {
      const bytes = this.#queue.shift()!;
      this.#queued -= bytes.length;
      this.#isBlocked = !socket.write(bytes);
    }
    if (this.#finished !== undefined && !this.#isBlocked) socket.end();
  }

  #failed(error: Error): void {
    const isForbidden = error instanceof ForbiddenTargetError;
    const kind = isForbidden ? 'final' : CERTIFICATE_FAULT.test(codeOf(error) ?? '') ? 'refused' : 'lost';
    this.#end(kind, withoutSecrets(messageOf(error), this.#options.target));
  }

  #closed(): void {
    clearTimeout(this.#deadline);
    this.#finished?.();
    // Many services refuse a wrong key by closing the connection.
    if (this.#client.isOpen && !this.#isReady) this.#end('refused', 'the target closed the connection; a wrong key?');
    else this.#end('lost', 'the target closed the connection');
  }

  #end(kind: EndKind, reason: string): void {
    if (this.#isOver) return;
    this.close();
    this.#options.events.ended(kind, reason);
  }
}
