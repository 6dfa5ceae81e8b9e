import type { TrafficCounters } from '../metrics/traffic-counters';
import type { PayloadSink } from '../protocol/chunk/payload-sink';
import { decodeStart } from '../protocol/chunk/chunk-writer';
import { MediaFlag, MediaTag, readAudioTag, readVideoTag } from '../protocol/media/media-tag';
import { type DataMessage } from '../protocol/message/data-message';
import { MessageType } from '../protocol/message-types';
import { Arrivals } from './arrivals';
import { FanOut } from './fan-out';
import { type Flushable, type FlushScheduler, FlushTicket } from './flush-scheduler';
import { GopCache } from './gop-cache';
import { LEFT_OUT, type LogObserver, MAX_BLOCKED_BYTES, MessageLog } from './message-log';
import type { LogMessage } from './open-message';
import type { ContinuedStream } from './next-source';
import type { Player } from './player';
import type { SlabPool } from './slab';
import { StreamConfig } from './stream-config';
import { type SourcesListener, StreamSources } from './stream-sources';
import { StreamStats } from './stream-stats';

/** What all streams of a node share. */
export interface StreamEnvironment {
  readonly pool: SlabPool;
  readonly traffic: TrafficCounters;
  /** Outgoing chunk size, 128..65536. */
  readonly chunkSize: number;
  readonly gopCacheBytes: number;
  /** Decides when a stream's new messages are sent, and calls `flush` then. */
  readonly scheduler: FlushScheduler;
  now(): number;
}

/**
 * The media of one publication, from its first message to its end. Encodes each message once, into the log, classifies
 * it and keeps what late players need; FanOut sends it to the players.
 */
export class LiveStream implements LogObserver, ContinuedStream, Flushable {
  readonly config = new StreamConfig();
  readonly sources: StreamSources;
  readonly stats: StreamStats;
  readonly arrivals = new Arrivals();
  readonly startedAt: number;
  readonly ticket = new FlushTicket();

  readonly #env: StreamEnvironment;
  readonly #traffic: TrafficCounters;
  readonly #scheduler: FlushScheduler;
  readonly #log: MessageLog;
  readonly #gop: GopCache;
  readonly #fanOut: FanOut;
  /**
   * Most memory of the log (bytes): twice what the cache may hold, since messages of half a slab leave half of it
   * unused.
   */
  readonly #maxKeptBytes: number;
  readonly #tag = new MediaTag();

  constructor(env: StreamEnvironment, listener: SourcesListener) {
    this.#env = env;
    this.sources = new StreamSources(this, listener);
    this.#traffic = env.traffic;
    this.#scheduler = env.scheduler;
    this.#log = new MessageLog(env.pool, env.chunkSize, this);
    this.#gop = new GopCache(env.gopCacheBytes);
    this.#maxKeptBytes = 2 * env.gopCacheBytes + MAX_BLOCKED_BYTES;
    this.startedAt = env.now();
    this.stats = new StreamStats(this.startedAt);
    this.#fanOut = new FanOut({
      log: this.#log,
      gop: this.#gop,
      config: this.config,
      stats: this.stats,
      tag: this.#tag,
      traffic: env.traffic,
      chunkSize: env.chunkSize,
      now: () => env.now(),
    });
  }

  /** Players that are served, paused ones included. */
  get players(): Player[] {
    return this.#fanOut.players;
  }

  get playerCount(): number {
    return this.#fanOut.playerCount;
  }

  /** Players other than relays of other nodes. */
  get viewerCount(): number {
    return this.#fanOut.viewerCount;
  }

  get hasVideo(): boolean {
    return this.stats.videoCodec >= 0;
  }

  /** Bytes that wait behind a message the publisher has left unfinished; see MAX_BLOCKED_BYTES. */
  get blockedBytes(): number {
    return this.#log.blockedBytes;
  }

  /** The place for an audio or video message's payload. */
  openMedia(typeId: number, timestamp: number, length: number): PayloadSink {
    return this.#log.open(typeId, this.sources.place(typeId, timestamp), length, timestamp);
  }

  /** Adds a complete audio or video message, such as a part of an aggregate. */
  appendMedia(typeId: number, timestamp: number, payload: Buffer): void {
    this.#log.append(typeId, this.sources.place(typeId, timestamp), payload, timestamp);
  }

  /** Adds a data message, without its `@setDataFrame`. */
  appendData(timestamp: number, message: DataMessage): void {
    const { payload, isMetadata } = message;
    const { DataAmf0 } = MessageType;
    if (isMetadata) this.config.description = message.metadata;
    this.#log.append(DataAmf0, this.sources.place(DataAmf0, timestamp), payload, timestamp, isMetadata);
  }

  sourceLeft(): void {
    this.#log.abandonUnfinished();
    this.arrivals.sourceChanged();
  }

  /** A message became readable: classify it, keep what late players need, and schedule it for sending. */
  messageReady(message: LogMessage, payloadAt: number): number {
    const { slab, start, end, typeId, timestamp } = message;
    const tag = this.#tag;
    if (typeId === MessageType.Video) readVideoTag(slab.bytes, payloadAt, end, tag);
    else if (typeId === MessageType.Audio) readAudioTag(slab.bytes, payloadAt, end, tag);
    else tag.flags = MediaFlag.Data;
    const { flags } = tag;
    if (this.sources.isContinued && this.#leavesOut(message, flags)) return LEFT_OUT;
    let gopFlags = flags;
    const position = slab.base + start;
    if (tag.codec >= 0 && flags !== MediaFlag.Data) this.#noteCodec(position, flags, tag.codec);
    if ((flags & MediaFlag.Config) !== 0) {
      // Many encoders repeat their sequence headers: only a changed header makes the frames before it useless.
      const replaces = this.config.set(tag.configKey, slab.bytes.subarray(start, end), position, tag.codec);
      if (!replaces) gopFlags &= ~MediaFlag.SequenceHeader;
      this.config.forgetBefore(this.#fanOut.startsFrom);
      // A GOP with more headers than are kept is dropped, like one of too many bytes.
      if (this.config.hasTooManyReplaced) this.#gop.clear();
    } else if (message.isMetadata) {
      this.config.setMetadata(slab.bytes.subarray(start, end));
    } else if ((flags & MediaFlag.Data) === 0) {
      this.sources.sent(message);
      if (tag.codec >= 0) {
        this.arrivals.frame((flags & MediaFlag.Video) !== 0, message.sourceTimestamp, this.#traffic.heardAt);
      }
    }
    if ((flags & (MediaFlag.SideTrack | MediaFlag.WrappedMain)) !== 0) this.#fanOut.tracksBegin();
    this.#gop.add(position, slab.base + end, gopFlags, timestamp);
    if (this.#log.keptBytes > this.#maxKeptBytes) this.#gop.clear();
    this.stats.add(end - start, flags, tag.codec, timestamp);
    this.#traffic.messagesIn += 1;
    const isWanted = this.#fanOut.messageReady(position, slab.base + end);
    if (isWanted) this.#scheduler.ready(this, (flags & MediaFlag.Video) !== 0);
    return flags;
  }

  /** The main tracks' ids, as the stream's messages name them so far. */
  get mainTracks(): Pick<MediaTag, 'mainVideoTrack' | 'mainAudioTrack'> {
    return this.#tag;
  }

  /** The first bytes of the newest keyframe's message; undefined while it is not cached. */
  keyframeStart(maxBytes: number): Buffer | undefined {
    const { start, startsAtKeyframe } = this.#gop;
    if (!startsAtKeyframe) return undefined;
    const views: Buffer[] = [];
    // Chunk headers take less than the payload.
    this.#log.views(start, Math.min(this.#log.position, start + 2 * maxBytes), views);
    return views[0] && decodeStart(views[0], this.#env.chunkSize, maxBytes);
  }

  /** Starts serving a player: headers, then the GOP cache, then new messages. */
  addPlayer(player: Player): void {
    // A relay's viewers already have the former source's media, which is all that the cache holds.
    const wantsCache = player.wantsCache && !(player.isRelay && this.sources.isJoining);
    this.#fanOut.add(player, wantsCache);
  }

  removePlayer(player: Player): void {
    this.#fanOut.remove(player);
  }

  /** Sends the headers that belong to the start of the cache, ahead of a resume. */
  sendHeaders(player: Player): void {
    this.#fanOut.sendHeaders(player);
  }

  /** See FanOut.resume. */
  resumePlayer(player: Player): void {
    this.#fanOut.resume(player);
  }

  /** See FanOut.changed. */
  playerChanged(player: Player): void {
    this.#fanOut.changed(player);
  }

  /** Sends everything new to all players. */
  flush(): void {
    this.ticket.used();
    this.#fanOut.flush();
  }

  /** Empties the GOP cache; it fills again from the next keyframe on. */
  clearCache(): void {
    this.#gop.clear();
    this.#fanOut.trim();
  }

  /** Bytes that are kept for late players. */
  get cachedBytes(): number {
    return this.#gop.start < 0 ? 0 : this.#log.position - this.#gop.start;
  }

  /**
   * The encoded messages from which a decoder shows the newest keyframe: metadata, sequence headers, the keyframe.
   * undefined while no keyframe is cached.
   */
  keyframe(): Buffer | undefined {
    if (!this.#gop.startsAtKeyframe) return undefined;
    const { start } = this.#gop;
    let frame: Buffer | undefined;
    this.#log.visit(start, start + 1, (slab, index) => {
      frame = slab.bytes.subarray(slab.starts[index], slab.endOf(index));
      return false;
    });
    return frame && Buffer.concat([this.config.encodeFor(0, start), frame]);
  }

  /** Updates rates; checks unfinished messages, and players that start or lag. Called once a second. */
  tick(now: number): void {
    this.stats.tick(now);
    const { position } = this.#log;
    this.#log.letOvertake();
    if (this.#log.position !== position) this.flush();
    this.#fanOut.tick(now);
  }

  /** Flushes, then stops serving players and frees all memory. */
  end(): void {
    this.ticket.used();
    this.#fanOut.end();
  }

  /** If the main track's codec has changed, the headers kept for the previous codec do not apply any more. */
  #noteCodec(position: number, flags: number, codec: number): void {
    const video = (flags & MediaFlag.Video) !== 0;
    const before = video ? this.stats.videoCodec : this.stats.audioCodec;
    if (codec !== before && before >= 0) this.config.codecChanged(video, codec, position);
  }

  /** Whether to leave out a message of a source that continues the stream. */
  #leavesOut(message: LogMessage, flags: number): boolean {
    if ((flags & MediaFlag.Config) === 0) return this.sources.leavesOut(message, flags);
    const { slab, start, end } = message;
    return this.config.has(this.#tag.configKey, slab.bytes.subarray(start, end));
  }
}
