import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type CommandAnswer, encodeAmf0, readCommand, type AmfValue } from './amf0';
import { AcknowledgementLog } from './acknowledgement-log';
import { encodeMessage, messageType } from './chunk-encoding';
import { ChunkReader, type IncomingMessage, type MessageSink } from './chunk-reader';
import type { StreamAddress } from './stream-address';

const HANDSHAKE_BYTES = 1536;
/** Version 3, time and zero field 0: the simple handshake. */
const C0C1 = Buffer.concat([Buffer.from([3]), Buffer.alloc(8), Buffer.alloc(HANDSHAKE_BYTES - 8, 0x5a)]);
const MAX_CONTROL_MESSAGE_BYTES = 65536;
const ANSWER_TIMEOUT_MS = 20_000;
const HANDSHAKE_DONE: CommandAnswer = { name: 'handshake', transactionId: 0, result: undefined, code: undefined };
const PING_REQUEST = 6;
const PING_RESPONSE = 7;

/** Every socket of the process reads into this one buffer: it stays in the CPU's cache and nothing is allocated. */
const sharedReadBuffer = Buffer.allocUnsafeSlow(256 * 1024);

interface PendingAnswer {
  readonly accepts: (answer: CommandAnswer) => boolean;
  readonly settle: (answer: CommandAnswer | Error) => void;
}

/** One RTMP connection as an encoder or a player opens it. Media goes to `media`; other messages are answered here. */
export class RtmpClient implements MessageSink {
  bytesReceived = 0;
  /** Called once when the connection ends without close() having been called. */
  onLost: (reason: string) => void = () => undefined;

  /** Acknowledgements that the server has sent, if it was asked to. */
  readonly acknowledgements = new AcknowledgementLog();

  private readonly reader = new ChunkReader(this);
  private readonly socket: Socket;
  private handshake: { readonly bytes: Buffer; filled: number } | undefined = {
    bytes: Buffer.allocUnsafe(1 + 2 * HANDSHAKE_BYTES),
    filled: 0,
  };
  private pending: PendingAnswer | undefined;
  private control = Buffer.alloc(0);
  private ackWindow = Infinity;
  private lastAck = 0;
  private messageStreamId = 0;
  private closed = false;

  private constructor(
    private readonly address: StreamAddress,
    private readonly uploadChunkSize: number,
    private readonly media: MessageSink,
  ) {
    const options = {
      host: address.host,
      port: address.port,
      ...(address.localAddress !== undefined && { localAddress: address.localAddress }),
      onread: {
        buffer: sharedReadBuffer,
        callback: (bytes: number, buffer: Uint8Array) => {
          this.onRead(buffer as Buffer, bytes);
          return true;
        },
      },
    };
    this.socket = address.tls ? connectTls({ ...options, rejectUnauthorized: false }) : connectTcp(options);
    // The server is to be measured: with Nagle's algorithm on, as in OBS and ffmpeg, the client itself would wait for
    // acknowledgements. connectTls ignores the option.
    this.socket.setNoDelay(true);
    if (address.preambleHex !== undefined) this.socket.write(Buffer.from(address.preambleHex, 'hex'));
    this.socket.on('error', (error) => this.end(error.message));
    this.socket.on('close', () => this.end('closed by the server'));
  }

  /**
   * Connects, performs the handshake, sends connect and createStream. Rejects if the server refuses or is silent for 20
   * s.
   */
  static async open(address: StreamAddress, uploadChunkSize: number, media: MessageSink): Promise<RtmpClient> {
    const client = new RtmpClient(address, uploadChunkSize, media);
    const tcUrl = `${address.tls ? 'rtmps' : 'rtmp'}://${address.host}:${address.port}/${address.app}`;
    try {
      await client.shakeHands();
      client.write(encodeMessage(controlHeader(messageType.setChunkSize), uint32(uploadChunkSize), 128));
      client.sendCommand(0, ['connect', 1, { app: address.app, tcUrl, flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)' }]);
      await client.answer((answer) => answer.name === '_result' && answer.transactionId === 1);
      client.sendCommand(0, ['createStream', 2, null]);
      const created = await client.answer((answer) => answer.name === '_result' && answer.transactionId === 2);
      client.messageStreamId = created.result ?? 1;
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Starts publishing; returns the message stream id that media has to carry. */
  async publish(): Promise<number> {
    this.sendCommand(this.messageStreamId, ['publish', 3, null, this.address.streamName, 'live']);
    await this.answer((answer) => answer.code === 'NetStream.Publish.Start');
    return this.messageStreamId;
  }

  async play(): Promise<void> {
    this.sendCommand(this.messageStreamId, ['play', 3, null, this.address.streamName, -2000]);
    await this.answer((answer) => answer.code === 'NetStream.Play.Start');
  }

  /** The server is to acknowledge each `bytes` bytes that it has received. */
  askForAcknowledgements(bytes: number): void {
    this.acknowledgements.window = bytes;
    this.write(encodeMessage(controlHeader(messageType.windowAckSize), uint32(bytes), 128));
  }

  write(bytes: Buffer): void {
    if (!this.closed) this.socket.write(bytes);
  }

  /** Bytes that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  close(): void {
    this.closed = true;
    this.socket.destroy();
  }

  onPayload(message: IncomingMessage, buffer: Buffer, start: number, end: number): void {
    if (message.type === messageType.video || message.type === messageType.audio) {
      this.media.onPayload(message, buffer, start, end);
      return;
    }
    if (message.received === 0) {
      if (message.length > MAX_CONTROL_MESSAGE_BYTES) throw new Error(`${message.length} byte control message`);
      this.control = Buffer.allocUnsafe(message.length);
    }
    buffer.copy(this.control, message.received, start, end);
    if (message.received + end - start === message.length) this.onControl(message.type, this.control);
  }

  private onRead(buffer: Buffer, bytes: number): void {
    if (this.closed) return;
    this.bytesReceived += bytes;
    try {
      const start = this.handshake === undefined ? 0 : this.takeHandshake(buffer, bytes);
      this.reader.read(buffer, start, bytes);
    } catch (error) {
      this.end(`the server sent what is no RTMP: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (this.bytesReceived - this.lastAck >= this.ackWindow) {
      this.lastAck = this.bytesReceived;
      this.write(encodeMessage(controlHeader(messageType.acknowledgement), uint32(this.bytesReceived >>> 0), 128));
    }
  }

  private async shakeHands(): Promise<void> {
    this.write(C0C1);
    await this.answer((answer) => answer === HANDSHAKE_DONE);
  }

  /** Collects S0S1S2 and answers with C2 = S1. Returns where the chunk stream starts in the buffer. */
  private takeHandshake(buffer: Buffer, bytes: number): number {
    const handshake = this.handshake!;
    const taken = buffer.copy(handshake.bytes, handshake.filled, 0, bytes);
    handshake.filled += taken;
    if (handshake.filled === handshake.bytes.length) {
      this.handshake = undefined;
      this.write(Buffer.from(handshake.bytes.subarray(1, 1 + HANDSHAKE_BYTES)));
      this.pending?.settle(HANDSHAKE_DONE);
    }
    return taken;
  }

  private sendCommand(messageStreamId: number, values: readonly AmfValue[]): void {
    const header = { chunkStreamId: 3, type: messageType.command, messageStreamId, timestamp: 0 };
    this.write(encodeMessage(header, encodeAmf0(values), this.uploadChunkSize));
  }

  private answer(accepts: (answer: CommandAnswer) => boolean): Promise<CommandAnswer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.end('the server did not answer a command in time'), ANSWER_TIMEOUT_MS);
      const settle = (outcome: CommandAnswer | Error): void => {
        clearTimeout(timer);
        this.pending = undefined;
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.pending = { accepts, settle };
    });
  }

  private onControl(type: number, payload: Buffer): void {
    if (type === messageType.setChunkSize) this.reader.setChunkSize(payload.readUInt32BE() & 0x7fffffff);
    if (type === messageType.acknowledgement) this.acknowledgements.received(payload.readUInt32BE());
    if (type === messageType.windowAckSize) this.ackWindow = payload.readUInt32BE();
    if (type === messageType.userControl && payload.readUInt16BE() === PING_REQUEST) {
      const pong = Buffer.from(payload);
      pong.writeUInt16BE(PING_RESPONSE);
      this.write(encodeMessage(controlHeader(messageType.userControl), pong, 128));
    }
    if (type !== messageType.command || this.pending === undefined) return;
    const answer = readCommand(payload);
    const refused = answer.name === '_error' || /\.(BadName|Denied|Rejected|Failed)$/.test(answer.code ?? '');
    if (refused) this.pending.settle(new Error(`refused: ${answer.code ?? answer.name}`));
    else if (this.pending.accepts(answer)) this.pending.settle(answer);
  }

  private end(reason: string): void {
    if (this.closed) return;
    this.close();
    if (this.pending !== undefined) this.pending.settle(new Error(reason));
    else this.onLost(reason);
  }
}

function controlHeader(type: number): {
  chunkStreamId: number;
  type: number;
  messageStreamId: number;
  timestamp: number;
} {
  return { chunkStreamId: 2, type, messageStreamId: 0, timestamp: 0 };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
