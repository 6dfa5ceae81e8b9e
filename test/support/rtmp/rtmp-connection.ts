import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { type Amf } from './amf-test-codec';
import { ClientHandshake, type HandshakeForm } from './client-handshake';
import { MessageInbox } from './message-inbox';
import {
  ChunkBuilder,
  control,
  MessageType,
  UserControl,
  userControl,
  type ChunkForm,
  type OutgoingMessage,
} from './wire-builder';
import { ChunkDecoder, type ReceivedMessage } from './wire-reader';

export interface ConnectionOptionsForTest {
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** The address to come from, for limits and lists that go by address (all of 127.0.0.0/8 works on Linux). */
  readonly localAddress?: string;
  /** RTMPS; certificates are not verified unless the options say so. */
  readonly tls?: boolean | ConnectionOptions;
  /** `none` leaves the handshake to the test. Default `simple`. */
  readonly handshake?: HandshakeForm | 'none';
  /** Outgoing chunk size, announced right after the handshake when it is not RTMP's 128. Default 4096, as OBS does. */
  readonly chunkSize?: number;
  /** Whether pings are answered and windows acknowledged. Default true. */
  readonly wellBehaved?: boolean;
}

/** Time limit of a wait; without a fault, messages come within milliseconds. */
const defaultWaitMs = 8_000;

/** Bytes and messages of one RTMP connection, before any command: see `RtmpClient` for those. */
export class RtmpConnection {
  readonly chunks = new ChunkBuilder();
  readonly decoder = new ChunkDecoder();
  readonly inbox = new MessageInbox<ReceivedMessage>(describe, defaultWaitMs);
  /** Resolves when the connection has ended, for any reason. */
  readonly closed: Promise<void>;
  #windowSize = 0;
  #acknowledged = 0;

  private constructor(
    readonly socket: Socket,
    private readonly wellBehaved: boolean,
  ) {
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.inbox.end('the connection was closed');
        resolve();
      });
    });
    socket.on('error', () => {}); // a reset counts as an ordinary end
  }

  /** Connects and performs the handshake. Rejects when the server's answer is wrong. */
  static async open(options: ConnectionOptionsForTest): Promise<RtmpConnection> {
    const { port, host = '127.0.0.1', localAddress, tls = false } = options;
    const socket = tls
      ? connectTls({
          port,
          host,
          localAddress,
          rejectUnauthorized: false,
          ...(tls === true ? {} : tls),
        } as ConnectionOptions)
      : connectTcp({ port, host, localAddress });
    socket.setNoDelay(true);
    try {
      await once(socket, tls ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(defaultWaitMs) });
      const connection = new RtmpConnection(socket, options.wellBehaved ?? true);
      if (options.handshake !== 'none') {
        await connection.#shakeHands(new ClientHandshake(options.handshake));
        connection.startReading();
        if (options.chunkSize !== 128) connection.setChunkSize(options.chunkSize ?? 4096);
      }
      return connection;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async #shakeHands(handshake: ClientHandshake): Promise<void> {
    this.socket.write(handshake.c0c1);
    const answer = await this.readRaw(ClientHandshake.answerSize);
    this.socket.write(handshake.finish(answer));
  }

  /** Exactly `length` bytes, for tests that do the handshake themselves. */
  async readRaw(length: number): Promise<Buffer> {
    const deadline = AbortSignal.timeout(defaultWaitMs);
    for (;;) {
      const bytes = this.socket.read(length) as Buffer | null;
      if (bytes?.length === length) return bytes;
      if (bytes !== null || this.socket.readableEnded || this.socket.destroyed) {
        throw new Error('the connection ended within the handshake');
      }
      await once(this.socket, 'readable', { signal: deadline });
    }
  }

  /** From now on, incoming bytes are read as chunks. */
  startReading(): void {
    this.socket.on('data', (bytes: Buffer) => {
      try {
        for (const message of this.decoder.push(bytes)) this.#receive(message);
      } catch (error) {
        this.inbox.end(`what came in cannot be read: ${String(error)}`);
        this.socket.destroy();
        return;
      }
      this.#acknowledge();
    });
    this.socket.resume();
  }

  #receive(message: ReceivedMessage): void {
    if (message.type === MessageType.windowAckSize) this.#windowSize = message.payload.readUInt32BE();
    const isPing =
      message.type === MessageType.userControl && message.payload.readUInt16BE() === UserControl.pingRequest;
    if (isPing && this.wellBehaved) this.send(userControl(UserControl.pingResponse, message.payload.readUInt32BE(2)));
    this.inbox.add(message);
  }

  #acknowledge(): void {
    const { bytesRead } = this.decoder;
    if (!this.wellBehaved || this.#windowSize === 0 || bytesRead - this.#acknowledged < this.#windowSize) return;
    this.#acknowledged = bytesRead;
    this.send(control(MessageType.acknowledgement, bytesRead));
  }

  send(message: OutgoingMessage, form?: ChunkForm): void {
    this.sendRaw(this.chunks.message(message, form));
  }

  sendRaw(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Announces the size and uses it from then on. */
  setChunkSize(size: number): void {
    this.send(control(MessageType.setChunkSize, size));
    this.chunks.chunkSize = size;
  }

  /** Waits until everything written has gone to the kernel. */
  async flush(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.write('', () => resolve()));
  }

  /** FIN, and waits until the connection has ended on both sides. */
  async close(): Promise<void> {
    this.socket.end();
    this.socket.resume();
    await this.#closedInTime();
  }

  /** RST, as after a client's machine or network has failed; a plain destroy over TLS. */
  async reset(): Promise<void> {
    if ('encrypted' in this.socket) this.socket.destroy();
    else this.socket.resetAndDestroy();
    await this.closed;
  }

  /** Waits for the server to close the connection. */
  async expectClosed(timeoutMs = defaultWaitMs): Promise<void> {
    this.socket.resume();
    await this.#closedInTime(timeoutMs);
  }

  get isOpen(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded;
  }

  async #closedInTime(timeoutMs = defaultWaitMs): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.socket.destroy();
        reject(new Error(`the connection is still open after ${timeoutMs} ms; ${this.inbox.summary()}`));
      }, timeoutMs);
    });
    await Promise.race([this.closed, late]).finally(() => clearTimeout(timer));
  }
}

const typeNames = new Map<number, string>(Object.entries(MessageType).map(([name, type]) => [type, name]));

/** One word or two per message, for the text of a failure. */
export function describe({ type, timestamp, payload, command, data }: ReceivedMessage): string {
  if (command !== undefined) {
    const code = (command.args[1] as Record<string, Amf> | null | undefined)?.code;
    return typeof code === 'string' ? `${command.name} ${code}` : command.name;
  }
  if (data !== undefined) return `data ${JSON.stringify(data[0])}`;
  if (type === MessageType.userControl) return `userControl ${payload.readUInt16BE()}`;
  return `${typeNames.get(type) ?? `type ${type}`} ${payload.length} B @${timestamp}`;
}
