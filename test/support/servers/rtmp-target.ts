import { afterEach } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Amf } from '../rtmp/amf-test-codec';
import { MessageInbox } from '../rtmp/message-inbox';
import { ChunkBuilder, command, control, MessageType, type OutgoingMessage } from '../rtmp/wire-builder';
import { ChunkDecoder, type ReceivedCommand, type ReceivedMessage } from '../rtmp/wire-reader';

export interface RtmpTargetOptions {
  /** Answers a command by itself: true when it did, otherwise the usual answer is given. */
  readonly answer?: (connection: TargetSession, name: string, received: ReceivedCommand) => boolean;
  /** More fields of the answer to `connect`. */
  readonly connectInfo?: Record<string, Amf>;
  /** Called for each connection before anything is read. */
  readonly onConnection?: (socket: Socket) => void;
  /** Sends every byte by itself. */
  readonly pieces?: boolean;
  readonly tls?: TlsOptions;
}

const HANDSHAKE_BYTES = 1536;
const WAIT_MS = 15_000;

const running = new Set<RtmpTarget>();

afterEach(async () => {
  await Promise.all([...running].map((target) => target.stop()));
});

/** An RTMP server for tests that takes publishers as services do. Shares no code with the service. */
export class RtmpTarget {
  readonly sessions: TargetSession[] = [];
  readonly #server: Server;
  readonly #waits = new MessageInbox<TargetSession>(() => 'a connection', WAIT_MS);

  private constructor(readonly options: RtmpTargetOptions) {
    const accept = (socket: Socket): void => {
      const session = new TargetSession(socket, options);
      this.sessions.push(session);
      this.#waits.add(session);
    };
    this.#server = options.tls === undefined ? createTcpServer(accept) : createTlsServer(options.tls, accept);
    this.#server.on('connection', (socket: Socket) => this.#sockets.add(socket));
  }

  readonly #sockets = new Set<Socket>();

  static async start(options: RtmpTargetOptions = {}, host = '127.0.0.1'): Promise<RtmpTarget> {
    const target = new RtmpTarget(options);
    target.#server.listen(0, host);
    await once(target.#server, 'listening');
    running.add(target);
    return target;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = 'app/secretkey'): string {
    const scheme = this.options.tls === undefined ? 'rtmp' : 'rtmps';
    return `${scheme}://127.0.0.1:${this.port}/${path}`;
  }

  /** The next connection that was not returned yet. */
  session(): Promise<TargetSession> {
    return this.#waits.next(() => true, 'a connection');
  }

  async stop(): Promise<void> {
    running.delete(this);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** One connection of a publisher. */
export class TargetSession {
  readonly inbox = new MessageInbox<ReceivedMessage>(({ type, command: it }) => it?.name ?? `type ${type}`, WAIT_MS);
  readonly closed: Promise<void>;
  readonly #chunks = new ChunkBuilder();
  readonly #decoder = new ChunkDecoder();
  #handshake: Buffer | undefined = Buffer.alloc(0);
  #sending: Promise<void> = Promise.resolve();

  constructor(
    readonly socket: Socket,
    private readonly options: RtmpTargetOptions,
  ) {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.inbox.end('the connection was closed');
        resolve();
      });
    });
    socket.on('data', (bytes) => this.#read(bytes));
    options.onConnection?.(socket);
  }

  /** Names of the commands so far. */
  get commands(): string[] {
    return this.inbox.received.flatMap(({ command: it }) => (it === undefined ? [] : [it.name]));
  }

  /** Audio, video and data so far. */
  get media(): ReceivedMessage[] {
    return this.inbox.received.filter(isMedia);
  }

  /** The next command of this name. */
  async command(name: string): Promise<ReceivedCommand> {
    const message = await this.inbox.next(({ command: it }) => it?.name === name, name);
    return message.command!;
  }

  async takeMedia(count: number): Promise<ReceivedMessage[]> {
    const taken: ReceivedMessage[] = [];
    while (taken.length < count) taken.push(await this.inbox.next(isMedia, `media ${taken.length + 1} of ${count}`));
    return taken;
  }

  send(...messages: OutgoingMessage[]): void {
    this.sendRaw(Buffer.concat(messages.map((message) => this.#chunks.message(message))));
  }

  sendCommand(name: string, transactionId: number, args: readonly Amf[], streamId = 0): void {
    this.send(command(name, transactionId, args, streamId));
  }

  /** onStatus on the stream. */
  status(code: string, level = 'status', fields: Record<string, Amf> = {}): void {
    this.sendCommand('onStatus', 0, [null, { level, code, description: code, ...fields }], 1);
  }

  connectResult(fields: Record<string, Amf> = {}): void {
    const info = { level: 'status', code: 'NetConnection.Connect.Success', description: 'ok', objectEncoding: 0 };
    this.sendCommand('_result', 1, [
      { fmsVer: 'FMS/3,5,7,7009', capabilities: 31 },
      { ...info, ...fields },
    ]);
  }

  sendRaw(bytes: Buffer): void {
    if (this.options.pieces !== true) {
      this.socket.write(bytes);
      return;
    }
    this.#sending = this.#sending.then(async () => {
      for (const byte of bytes) {
        this.socket.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  }

  #read(bytes: Buffer): void {
    if (this.#handshake === undefined) {
      this.#take(bytes);
      return;
    }
    const before = this.#handshake.length;
    const all = Buffer.concat([this.#handshake, bytes]);
    this.#handshake = all;
    const c1End = 1 + HANDSHAKE_BYTES;
    if (before < c1End && all.length >= c1End) {
      this.sendRaw(Buffer.concat([Buffer.of(3), randomBytes(HANDSHAKE_BYTES), all.subarray(1, c1End)]));
    }
    if (all.length < c1End + HANDSHAKE_BYTES) return;
    this.#handshake = undefined;
    this.#take(all.subarray(c1End + HANDSHAKE_BYTES));
  }

  #take(bytes: Buffer): void {
    for (const message of this.#decoder.push(bytes)) {
      this.inbox.add(message);
      if (message.command !== undefined) this.#answer(message.command);
    }
  }

  #answer(received: ReceivedCommand): void {
    const { name, transactionId } = received;
    if (this.options.answer?.(this, name, received) === true) return;
    if (name === 'connect') {
      this.send(control(MessageType.windowAckSize, 2_500_000), control(MessageType.setChunkSize, 4096));
      this.#chunks.chunkSize = 4096;
      this.connectResult(this.options.connectInfo);
    } else if (name === 'FCPublish') this.sendCommand('onFCPublish', 0, [null, { code: 'NetStream.Publish.Start' }]);
    else if (name === 'createStream') this.sendCommand('_result', transactionId, [null, 1]);
    else if (name === 'publish') this.status('NetStream.Publish.Start');
    else if (name === 'releaseStream') this.sendCommand('_result', transactionId, [null, undefined]);
  }
}

function isMedia({ type }: ReceivedMessage): boolean {
  return type === MessageType.audio || type === MessageType.video || type === MessageType.data;
}
