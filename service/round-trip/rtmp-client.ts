import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { isNativeError } from 'node:util/types';
import { encodeAmf0 } from '../protocol/amf/amf0-encode';
import type { AmfValue } from '../protocol/amf/amf-value';
import { ChunkReader } from '../protocol/chunk/chunk-reader';
import { ChunkStreamId, encodeMessage } from '../protocol/chunk/chunk-writer';
import { ClientHandshake } from '../protocol/handshake/client-handshake';
import { asObject, asString, decodeCommand } from '../protocol/message/command-message';
import { setChunkSize, userControl, UserControlEvent } from '../protocol/message/control-messages';
import { MessageType, type MessageHeader } from '../protocol/message-types';
import { ReplyWaiters } from './reply-waiters';
import type { RtmpAddress } from './rtmp-address';

export interface RtmpClientOptions {
  readonly address: RtmpAddress;
  /** Name of the application; for this service, the channel. */
  readonly app: string;
  /** Ends the connection and all waits when it aborts. */
  readonly signal: AbortSignal;
  /** What the client calls itself. */
  readonly software: string;
  /** Sent before anything else on a connection without TLS, as a load balancer does. */
  readonly proxyHeader?: Buffer | undefined;
  /** PEM text of a private authority. */
  readonly tlsCa?: string | undefined;
  /** Audio, video and data messages, in the order of their arrival. */
  readonly onMessage?: (header: MessageHeader, payload: Buffer) => void;
}

/** The server refused something, did not answer in time, or ended the connection. */
export class RtmpClientError extends Error {
  override readonly name = 'RtmpClientError';
}

const CHUNK_SIZE = 4096;
const LIMITS = { maxMessageBytes: 1 << 20, maxPartialBytes: 1 << 21, maxChunkStreams: 32 };
/** How long the server may take to close a connection whose stream has ended. */
const CLOSE_WAIT_MS = 1000;
const HANDSHAKE_DONE = { name: 'handshake done', transactionId: 0, code: '', args: [] };

/** A small RTMP client that publishes or plays one stream. */
export class RtmpClient {
  readonly #socket: Socket;
  readonly #options: RtmpClientOptions;
  readonly #handshake = new ClientHandshake();
  readonly #reader: ChunkReader;
  readonly #waiters = new ReplyWaiters();
  #lastTransactionId = 0;
  #streamId = 0;

  private constructor(socket: Socket, options: RtmpClientOptions) {
    this.#socket = socket;
    this.#options = options;
    const message = (header: MessageHeader, payload: Buffer): void => this.#receive(header, payload);
    this.#reader = new ChunkReader({ openMessage: () => null, message }, LIMITS);
  }

  /**
   * Connects, shakes hands and opens a message stream in the application.
   * @throws RtmpClientError, or the socket's error.
   */
  static async open(options: RtmpClientOptions): Promise<RtmpClient> {
    const { host, port, secure } = options.address;
    const socket = secure ? connectTls({ host, port, ca: options.tlsCa }) : connectTcp({ host, port });
    const client = new RtmpClient(socket, options);
    try {
      await client.#shakeHands();
      await client.#connect();
      const [streamId] = await client.#call('createStream', null);
      client.#streamId = typeof streamId === 'number' ? streamId : 1;
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Resolves when the server has accepted the stream. */
  async publish(key: string): Promise<void> {
    this.#command(this.#streamId, 'publish', 0, null, key, 'live');
    await this.#waiters.wait(({ code }) => code === 'NetStream.Publish.Start');
  }

  /** Resolves when the server has accepted the player, even if there is no stream to play yet. */
  async play(key: string): Promise<void> {
    this.#command(this.#streamId, 'play', 0, null, key);
    await this.#waiters.wait(({ code }) => code === 'NetStream.Play.Start');
  }

  /** Sends an audio, video or data message of the published stream. */
  send(typeId: number, timestamp: number, payload: Buffer): void {
    const chunkStreamId = typeId === MessageType.Video ? ChunkStreamId.Video : ChunkStreamId.Audio;
    this.#socket.write(encodeMessage(chunkStreamId, timestamp, typeId, this.#streamId, payload, CHUNK_SIZE));
  }

  /** Ends the published stream properly, then the connection. */
  async endPublish(key: string): Promise<void> {
    this.#command(0, 'FCUnpublish', 0, null, key);
    this.#command(0, 'deleteStream', 0, null, this.#streamId);
    const closed = once(this.#socket, 'close');
    this.#socket.end();
    await Promise.race([closed, sleep(CLOSE_WAIT_MS, undefined, { ref: false })]);
  }

  /** Rejects when the connection fails or ends; never resolves. */
  async failed(): Promise<never> {
    await this.#waiters.wait(() => false);
    throw new RtmpClientError('unreachable');
  }

  close(): void {
    this.#fail(new RtmpClientError('the connection was closed'));
  }

  async #shakeHands(): Promise<void> {
    const socket = this.#socket;
    const { signal, address, proxyHeader } = this.#options;
    const onAbort = (): void => this.#fail(new RtmpClientError('timed out'));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    socket.setNoDelay(true);
    socket.on('error', (error) => this.#fail(error));
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('close', () => {
      signal.removeEventListener('abort', onAbort);
      this.#fail(new RtmpClientError('the server closed the connection'));
    });
    socket.once(address.secure ? 'secureConnect' : 'connect', () => {
      if (!address.secure && proxyHeader !== undefined) socket.write(proxyHeader);
      socket.write(this.#handshake.request);
    });
    await this.#waiters.wait((reply) => reply === HANDSHAKE_DONE);
  }

  async #connect(): Promise<void> {
    const { app, address } = this.#options;
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    this.#socket.write(setChunkSize(CHUNK_SIZE));
    const properties = new Map<string, AmfValue>([
      ['app', app],
      ['type', 'nonprivate'],
      ['flashVer', `FMLE/3.0 (compatible; ${this.#options.software})`],
      ['tcUrl', `${address.secure ? 'rtmps' : 'rtmp'}://${host}:${address.port}/${app}`],
    ]);
    await this.#call('connect', properties);
  }

  #read(chunk: Buffer): void {
    try {
      const at = this.#handshake.done ? 0 : this.#readHandshake(chunk);
      this.#reader.read(chunk, at, chunk.length);
    } catch (error) {
      this.#fail(isNativeError(error) ? error : new RtmpClientError('unreadable input'));
    }
  }

  /** Returns how many bytes of `chunk` belong to the handshake. */
  #readHandshake(chunk: Buffer): number {
    const length = this.#handshake.read(chunk, 0, chunk.length);
    const reply = this.#handshake.takeReply();
    if (reply !== undefined) this.#socket.write(reply);
    if (this.#handshake.done) this.#waiters.settle(HANDSHAKE_DONE);
    return length;
  }

  #receive(header: MessageHeader, payload: Buffer): void {
    const { typeId } = header;
    if (typeId === MessageType.CommandAmf0 || typeId === MessageType.CommandAmf3) this.#answer(typeId, payload);
    else if (typeId === MessageType.UserControl) this.#answerPing(payload);
    else this.#options.onMessage?.(header, payload);
  }

  #answerPing(payload: Buffer): void {
    if (payload.length < 6 || payload.readUInt16BE(0) !== UserControlEvent.PingRequest) return;
    this.#socket.write(userControl(UserControlEvent.PingResponse, payload.readUInt32BE(2)));
  }

  /** Settles the waits for this answer or status; any refusal fails the connection. */
  #answer(typeId: number, payload: Buffer): void {
    const message = decodeCommand(typeId, payload);
    if (message === undefined) return;
    const { name, transactionId, args } = message;
    const info = asObject(args[0]);
    const code = asString(info?.get('code')) ?? '';
    if (name === '_error' || info?.get('level') === 'error') {
      this.#fail(new RtmpClientError(`refused: ${code} ${asString(info?.get('description')) ?? ''}`.trim()));
    } else {
      this.#waiters.settle({ name, transactionId, code, args });
    }
  }

  async #call(name: string, object: AmfValue): Promise<readonly AmfValue[]> {
    this.#lastTransactionId += 1;
    const id = this.#lastTransactionId;
    this.#command(0, name, id, object);
    const reply = await this.#waiters.wait(
      ({ name: answer, transactionId }) => answer === '_result' && transactionId === id,
    );
    return reply.args;
  }

  #command(streamId: number, ...values: readonly AmfValue[]): void {
    const payload = encodeAmf0(values);
    this.#socket.write(encodeMessage(ChunkStreamId.Command, 0, MessageType.CommandAmf0, streamId, payload, CHUNK_SIZE));
  }

  #fail(error: Error): void {
    this.#socket.destroy();
    this.#waiters.fail(error);
  }
}
