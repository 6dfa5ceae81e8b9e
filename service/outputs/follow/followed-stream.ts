import { connect, type Socket } from 'node:net';
import type { Logger } from '../../logging/logger';
import { READ_BUFFER } from '../../net/sockets/read-buffer';
import type { PayloadSink } from '../../protocol/chunk/payload-sink';
import { MediaFlag, MediaTag, readAudioTag, readVideoTag } from '../../protocol/media/media-tag';
import { MessageType } from '../../protocol/message-types';
import { PlayClient, type PlayEvents } from '../../relay/play-client';
import { LOCAL_PROXY_HEADER } from '../../relay/relay';
import { Backoff } from '../../time/backoff';
import type { StreamPlace } from '../link/messages';
import type { MediaMessage } from '../stream/output';
import { MediaSink, type MessageTaker } from './media-sink';
import { pacedReads } from './paced-reads';
import { alone, PayloadSlab } from './payload-slab';
import { StreamJoiner, type StreamTaker } from './stream-joiner';

export interface FollowedStreamOptions {
  readonly channel: string;
  readonly place: StreamPlace;
  /** Signs a token that permits playing the channel now. */
  readonly sign: (channel: string) => Promise<string>;
  readonly taker: FollowTaker;
  readonly log: Logger;
  /** Default: a fifth of a second, doubled up to five seconds, with jitter. */
  readonly backoff?: Backoff;
}

export interface FollowTaker extends StreamTaker {
  /** Nobody waits for what comes: it may come a tenth of a second later. */
  readonly isPatient: boolean;
  /** The end of what one read has brought. */
  flush(): void;
}

const CONNECT_MS = 5_000;
/** The node pings every 30 s; after this long without a byte the connection counts as gone (ms). */
const SILENCE_MS = 45_000;
/** How long the rest of a stream that has ended may take to come (ms). */
const REST_MS = 3_000;
/**
 * After so long, the node has sent what it had of a stream that continues on another node, and is asked for an answer
 * that comes behind it. Not longer: the node may bring the other one's frames soon, which are not this program's to
 * write, and the target of a forward may take only one of the two.
 */
const MOVED_MS = 300;
/** A name that passes the rules for keys; the token gives the permission. */
const STREAM_NAME = 'output';

/** Plays one stream from the node, connects again when the connection breaks, and hands its messages on. */
export class FollowedStream implements PlayEvents, MessageTaker {
  readonly #options: FollowedStreamOptions;
  readonly #backoff: Backoff;
  #joiner: StreamJoiner;
  readonly #tag = new MediaTag();
  readonly #slab = new PayloadSlab();
  #socket: Socket | undefined;
  #client: PlayClient | undefined;
  #retry: NodeJS.Timeout | undefined;
  #place: StreamPlace;
  #readAt = 0;
  /** The newest timestamp in 32 bits as it came, and continued beyond them; -1 before the first. */
  #bits = -1;
  #time = 0;
  /** Messages have come since the last flush. */
  #wrote = false;
  /** Since when no connection plays (ms of `performance.now`); undefined while one does. */
  #brokenSince: number | undefined = performance.now();
  /** Nothing more comes, or is wanted. */
  #done = false;
  /** Nothing more is wanted. */
  #closed = false;
  #whenOver: (() => void) | undefined;

  constructor(options: FollowedStreamOptions) {
    this.#options = options;
    this.#place = options.place;
    this.#backoff = options.backoff ?? new Backoff(200, 5_000);
    this.#joiner = new StreamJoiner(options.taker);
    this.#connect();
  }

  /** How long no connection has played the stream (ms); 0 while one does. */
  get brokenMs(): number {
    return this.#brokenSince === undefined ? 0 : performance.now() - this.#brokenSince;
  }

  /** What an output needs that is added now. */
  headers(): MediaMessage[] {
    return this.#joiner.headers();
  }

  /** The publisher is back, or another one continues the stream, perhaps at another port. */
  servedAt(place: StreamPlace): void {
    const { host, port } = this.#place;
    this.#place = place;
    if (this.#closed || (place.host === host && place.port === port)) return;
    // At the former place the stream may have ended, or the connection may be breaking off. Here the publisher's clock
    // is another one: its times say nothing of what outputs have already.
    this.#done = false;
    this.#joiner = new StreamJoiner(this.#options.taker);
    clearTimeout(this.#retry);
    if (this.#socket === undefined) this.#connect();
    else this.#socket.destroy();
  }

  /** Leaves everything out until the next keyframe. */
  shed(): void {
    this.#joiner.shed();
  }

  /** The stream has ended, or continues elsewhere: resolves when the rest of it has come, or does not come in time. */
  async rest(isMoved: boolean): Promise<void> {
    if (!this.#done && this.#brokenSince === undefined) {
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, REST_MS);
        const moved = isMoved ? setTimeout(() => this.#client?.ping(), MOVED_MS) : undefined;
        this.#whenOver = () => {
          clearTimeout(late);
          clearTimeout(moved);
          resolve();
        };
      });
    }
    this.close();
  }

  close(): void {
    this.#closed = true;
    this.#done = true;
    clearTimeout(this.#retry);
    this.#client?.close();
    pacedReads.forget(this);
    this.#socket?.destroy();
    this.#whenOver?.();
  }

  openMedia(typeId: number, timestamp: number, length: number): PayloadSink {
    return new MediaSink(this, typeId, timestamp, this.#slab.take(length));
  }

  data(typeId: number, timestamp: number, payload: Buffer): void {
    // FMS's note on sample access is for this connection, not part of the stream.
    if (!payload.subarray(0, 32).includes('|RtmpSampleAccess')) this.take(typeId, timestamp, payload);
  }

  take(typeId: number, bits: number, payload: Buffer): void {
    if (this.#done) return;
    const tag = this.#tag;
    if (typeId === MessageType.Video) readVideoTag(payload, 0, payload.length, tag);
    else if (typeId === MessageType.Audio) readAudioTag(payload, 0, payload.length, tag);
    else tag.flags = MediaFlag.Data;
    const { flags } = tag;
    const kept = (flags & MediaFlag.Config) === 0 ? payload : alone(payload);
    const message: MediaMessage = { typeId, timestamp: this.#continue(bits), payload: kept, flags };
    this.#joiner.take(message, tag.configKey, this.#readAt);
    this.#wrote = true;
  }

  unpublished(): void {
    this.#flush();
    this.#done = true;
    this.#socket?.destroy();
    this.#whenOver?.();
  }

  pong(): void {
    this.#flush();
    this.#whenOver?.();
  }

  failed(reason: string): void {
    this.#options.log.warning('a stream cannot be followed', { channel: this.#options.channel, reason });
    this.#socket?.destroy();
  }

  #connect(): void {
    const { channel, sign } = this.#options;
    void sign(channel).then((token) => {
      if (!this.#done) this.#open(token);
    });
  }

  #open(token: string): void {
    const { channel } = this.#options;
    const { host, port, proxyHeader } = this.#place;
    const socket = connect({
      host,
      port,
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback: (bytes) => this.#read(bytes) },
    });
    this.#socket = socket;
    const client = new PlayClient({
      request: {
        app: channel,
        tcUrl: `rtmp://${host}:${port}/${channel}`,
        streamName: `${STREAM_NAME}?fleet=${token}`,
      },
      events: this,
      write: (bytes) => void socket.write(bytes),
    });
    this.#client = client;
    socket.setTimeout(CONNECT_MS, () => socket.destroy());
    socket.on('connect', () => {
      socket.setTimeout(SILENCE_MS);
      if (proxyHeader) socket.write(LOCAL_PROXY_HEADER);
      client.start();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      client.close();
      if (this.#socket === socket) this.#broke();
    });
  }

  #read(bytes: number): boolean {
    if (this.#brokenSince !== undefined) {
      this.#brokenSince = undefined;
      this.#backoff.reset();
    }
    this.#readAt = performance.now();
    this.#client?.receive(READ_BUFFER, 0, bytes);
    // Answers to the handshake and commands are not left waiting.
    const isMedia = this.#wrote;
    this.#flush();
    if (this.#done) return false;
    return !(isMedia && this.#options.taker.isPatient && pacedReads.hold(this, bytes));
  }

  /** The connection was left unread long enough. */
  readAgain(): void {
    this.#socket?.resume();
  }

  #flush(): void {
    if (!this.#wrote) return;
    this.#wrote = false;
    this.#options.taker.flush();
  }

  #broke(): void {
    pacedReads.forget(this);
    this.#socket = undefined;
    this.#brokenSince ??= performance.now();
    this.#joiner.broke();
    if (this.#done) return;
    this.#whenOver?.();
    this.#retry = setTimeout(() => this.#connect(), this.#backoff.next());
  }

  /** Continues 32-bit timestamps past their end, in the direction that is nearer. */
  #continue(bits: number): number {
    this.#time = this.#bits < 0 ? bits : this.#time + ((bits - this.#bits) | 0);
    this.#bits = bits;
    return this.#time;
  }
}
