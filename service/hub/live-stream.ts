import type { TrafficCounters } from '../metrics/traffic-counters';
import { MediaFlag, MediaTag, readAudioTag, readVideoTag } from '../protocol/media/media-tag';
import type { PayloadSink } from '../protocol/chunk/payload-sink';
import { type DataMessage } from '../protocol/message/data-message';
import { MessageType } from '../protocol/message-types';
import { GopCache } from './gop-cache';
import { LEFT_OUT, MessageLog, SHARED_STREAM_ID, type LogMessage, type LogObserver, type Unwrap } from './message-log';
import type { ContinuedStream } from './next-source';
import { SOFT_UNSENT_BYTES, type Player } from './player';
import type { SlabPool } from './slab';
import { StreamConfig } from './stream-config';
import { StreamStats } from './stream-stats';
import { Timeline } from './timeline';
import { unwrapMainTrack } from './unwrap';
import { Wanted } from './wanted';

/** Messages of a range, chosen and encoded for players that do not share the common bytes. */
interface Selection {
  readonly from: number;
  readonly to: number;
  readonly wanted: number;
  readonly streamId: number;
  readonly bytes: Buffer;
  readonly messages: number;
  /** The kinds of the headers left out, together. */
  readonly skippedHeaders: number;
}

/** What all streams of a node share. */
export interface StreamEnvironment {
  readonly pool: SlabPool;
  readonly traffic: TrafficCounters;
  /** Outgoing chunk size, 128..65536. */
  readonly chunkSize: number;
  readonly gopCacheBytes: number;
  /** Decides when a stream's new messages go out; calls `flush` then. */
  readonly scheduler: FlushScheduler;
  now(): number;
}

/** Gathers the streams that have something to send. */
export interface FlushScheduler {
  /** `urgent`: a video frame became ready, as opposed to audio or data that can ride along with the next one. */
  ready(stream: LiveStream, urgent: boolean): void;
}

/** A lagging player goes on once this little is unsent. */
const RESUME_UNSENT_BYTES = SOFT_UNSENT_BYTES / 4;
/** Unsent bytes beyond its soft bound at which a lagging player is disconnected. */
const MAX_EXCESS_BYTES = 56 * 1024 * 1024;
/** How long a player may lag before it is disconnected, unless that much has drained meanwhile. */
const MAX_LAG_MS = 30_000;
const LAG_PROGRESS_BYTES = SOFT_UNSENT_BYTES;
/** How long a player waits for a keyframe before it goes on without one. */
const MAX_KEYFRAME_WAIT_MS = 30_000;
/** A new source that sends only audio for this long has no video to wait for (ms of its clock). */
const AUDIO_ONLY_MS = 5_000;
/** What may wait behind an unfinished message before the publisher is at fault. */
export const MAX_BLOCKED_BYTES = 32 * 1024 * 1024;

/**
 * The media of one publication, from its first message to its end, and its way to the players. Messages are encoded
 * once into the log; a flush hands the same views to all players. Those that are exceptions (paused, without audio or
 * video, on another message stream, lagging) are served apart and come back by themselves.
 */
export class LiveStream implements LogObserver, ContinuedStream {
  readonly config = new StreamConfig();
  readonly stats: StreamStats;
  readonly startedAt: number;
  /** Waiting in the scheduler for its flush. */
  scheduled = false;
  /** A video frame is among what waits. */
  urgent = false;
  /** Since when it waits, where the scheduler looks at that (ms of its clock). */
  heldSince = 0;
  /** When what a relay had brought was flushed at once, where the scheduler looks at that. */
  relayedAt = 0;

  readonly #env: StreamEnvironment;
  readonly #log: MessageLog;
  readonly #gop: GopCache;
  readonly #shared: Player[] = [];
  /** Those that share the main tracks alone, once there are others. */
  readonly #sharedMain: Player[] = [];
  readonly #apart: Player[] = [];
  /** Those that work through the cache they began with: much may be unsent. */
  readonly #starting: Player[] = [];
  /** Those whose sockets hold bytes of the log: they have a `heldFrom`. */
  readonly #holding: Player[] = [];
  readonly #tag = new MediaTag();
  readonly #views: Buffer[] = [];
  /** Selections made in this flush: players that are exceptions in the same way share them too. */
  readonly #selections: Selection[] = [];
  /** There have been multitrack packets. */
  #hasTracks = false;
  /** Up to here everything has gone to the players. */
  #flushed = 0;
  /** Messages ready since. */
  #unflushed = 0;
  #ended = false;
  readonly #timeline = new Timeline();
  /** The stream has had more than one source. */
  #joined = false;
  #awaitsKeyframe = false;
  /** The source timestamp of the last video frame that was left out, or of the first audio frame before any; -1: none. */
  #silentSince = -1;

  constructor(env: StreamEnvironment) {
    this.#env = env;
    this.#log = new MessageLog(env.pool, env.chunkSize, this);
    this.#gop = new GopCache(env.gopCacheBytes);
    this.startedAt = env.now();
    this.stats = new StreamStats(this.startedAt);
  }

  /** Players that are served, paused ones included. */
  get playerCount(): number {
    return this.#shared.length + this.#sharedMain.length + this.#apart.length;
  }

  /** Players that are people's, not other nodes'. */
  get viewerCount(): number {
    return this.players.filter(({ isRelay }) => !isRelay).length;
  }

  get hasVideo(): boolean {
    return this.stats.videoCodec >= 0;
  }

  /** The newest frame's timestamp as players got it (ms, 32 bit). */
  get latestTimestamp(): number {
    return this.#timeline.latest;
  }

  /** Bytes that wait behind a message the publisher has left unfinished; see MAX_BLOCKED_BYTES. */
  get blockedBytes(): number {
    return this.#log.blockedBytes;
  }

  /** The place for an audio or video message's payload. */
  openMedia(typeId: number, timestamp: number, length: number): PayloadSink {
    return this.#log.open(typeId, this.#timeline.place(typeId, timestamp), length, timestamp);
  }

  /** Adds an audio or video message that is there as a whole, such as a part of an aggregate. */
  appendMedia(typeId: number, timestamp: number, payload: Buffer): void {
    this.#log.append(typeId, this.#timeline.place(typeId, timestamp), payload, timestamp);
  }

  /** Adds a data message, without its `@setDataFrame`. */
  appendData(timestamp: number, message: DataMessage): void {
    const { payload, isMetadata } = message;
    const { DataAmf0 } = MessageType;
    if (isMetadata) this.config.description = message.metadata;
    this.#log.append(DataAmf0, this.#timeline.place(DataAmf0, timestamp), payload, timestamp, isMetadata);
  }

  /**
   * Another source goes on with this stream. Its clock is joined to the old one without a jump, headers that did not
   * change are left out, and players go on at its first keyframe.
   *
   * @param withVideo false: it is known to send none
   */
  sourceChanged(withVideo = true): void {
    // While the former source's clock still holds.
    this.#log.abandonUnfinished();
    this.#timeline.join();
    this.#awaitsKeyframe = withVideo && this.hasVideo;
    this.#silentSince = -1;
    this.#joined = true;
  }

  /** A message became readable: classify it, keep what late players need, and have it sent. */
  messageReady(message: LogMessage, payloadAt: number): number {
    const { slab, start, end, typeId, timestamp } = message;
    const tag = this.#tag;
    if (typeId === MessageType.Video) readVideoTag(slab.bytes, payloadAt, end, tag);
    else if (typeId === MessageType.Audio) readAudioTag(slab.bytes, payloadAt, end, tag);
    else tag.flags = MediaFlag.Data;
    const { flags } = tag;
    if (this.#joined && this.#leavesOut(message, flags)) return LEFT_OUT;
    let gopFlags = flags;
    const position = slab.base + start;
    if (tag.codec >= 0 && flags !== MediaFlag.Data) this.#noteCodec(position, flags, tag.codec);
    if ((flags & MediaFlag.Config) !== 0) {
      // Many encoders repeat their sequence headers: only another one makes the frames before it useless.
      const replaces = this.config.set(tag.configKey, slab.bytes.subarray(start, end), position, tag.codec);
      if (!replaces) gopFlags &= ~MediaFlag.SequenceHeader;
    } else if (message.isMetadata) {
      this.config.setMetadata(slab.bytes.subarray(start, end));
    } else if ((flags & MediaFlag.Data) === 0) {
      this.#timeline.sent(typeId, timestamp, message.sourceTimestamp);
    }
    if ((flags & (MediaFlag.SideTrack | MediaFlag.WrappedMain)) !== 0 && !this.#hasTracks) this.#tracksBegin();
    this.#gop.add(position, slab.base + end, gopFlags, timestamp);
    this.stats.add(end - start, flags, tag.codec, timestamp);
    this.#env.traffic.messagesIn += 1;
    this.#unflushed += 1;
    if (this.playerCount === 0) this.#skip(position, slab.base + end);
    else this.#env.scheduler.ready(this, (flags & MediaFlag.Video) !== 0);
    return flags;
  }

  /** Starts serving a player: headers, then the GOP cache, then what is new. */
  addPlayer(player: Player): void {
    // What is cached of a former source, another node's viewers have had from there.
    const wantsCache = player.wantsCache && !(player.isRelay && this.#timeline.isJoining);
    this.sendHeaders(player, wantsCache ? this.#lateStart : this.#flushed);
    player.missesVideo = !player.wantsVideo;
    // It may still have much of the stream before.
    this.#noteStarting(player);
    if (!(wantsCache && this.#sendCache(player)) && player.wantsCache && this.#gop.startsAtKeyframe) {
      // A keyframe is about to go out; this player must not get the rest of the GOP before it.
      this.#awaitKeyframe(player, true);
    } else if (player.wantsCache && !this.#gop.startsAtKeyframe && this.hasVideo) {
      this.#awaitKeyframe(player, false);
    }
    this.#listOf(player).push(player);
  }

  /** Empties the GOP cache: it fills again from the next keyframe on. */
  clearCache(): void {
    this.#gop.clear();
    if (!this.#ended) this.#trim();
  }

  /** What is kept for late players (bytes). */
  get cachedBytes(): number {
    return this.#gop.start < 0 ? 0 : this.#log.position - this.#gop.start;
  }

  removePlayer(player: Player): void {
    this.#unlist(player);
    remove(this.#starting, player);
    if (remove(this.#holding, player) && player.outlet.unsentBytes > 0) this.#log.taint(player.heldFrom);
    player.heldFrom = Infinity;
    player.laggingSince = 0;
  }

  /** Sends the headers that hold from this position of the log on: from the cache's, ahead of a resume. */
  sendHeaders(player: Player, from = this.#lateStart): void {
    player.missedHeaders = 0;
    const unwrap = this.#hasTracks && !player.wantsAllTracks ? this.#unwrap : undefined;
    const headers = this.config.encodeFor(player.streamId, from, unwrap);
    if (headers.length === 0) return;
    player.outlet.write(headers);
    this.#env.traffic.bytesOut += headers.length;
  }

  /**
   * Sends what is cached, so that a player that was paused goes on at a keyframe; without a cache it waits for one. So
   * does a player that has not read what it was sent before: its unsent bytes would grow with each resume.
   */
  resumePlayer(player: Player): void {
    player.awaitsKeyframeUntil = 0;
    const isBehind = player.outlet.unsentBytes > SOFT_UNSENT_BYTES;
    const goesOn = !isBehind && this.#sendCache(player);
    if (player.wantsVideo && this.hasVideo && !(goesOn && this.#gop.startsAtKeyframe)) {
      this.#awaitKeyframe(player, !goesOn);
    }
    this.playerChanged(player);
  }

  /** Puts a player on the path that fits it after `paused`, `wantsAudio` or `wantsVideo` has changed. */
  playerChanged(player: Player): void {
    // It cannot be too slow for what it is not sent.
    if (player.paused) player.laggingSince = 0;
    else if ((player.missedHeaders & player.wanted) !== 0 && player.laggingSince === 0) {
      this.sendHeaders(player, this.#flushed);
    }
    if (!player.wantsVideo) player.missesVideo = true;
    else if (player.missesVideo) {
      player.missesVideo = false;
      if (this.hasVideo) this.#awaitKeyframe(player, false);
    }
    if (this.#unlist(player)) this.#listOf(player).push(player);
  }

  /** Sends everything new to all players: one write for each, the same bytes for those that share. */
  flush(): void {
    this.scheduled = false;
    this.urgent = false;
    const from = this.#flushed;
    const to = this.#log.position;
    if (from === to || this.#ended) return;
    this.#flushed = to;
    const views = this.#views;
    this.#log.views(from, to, views);
    let bytes = 0;
    for (const view of views) bytes += view.length;
    this.#log.makeRoom(bytes);
    const shared = this.#shared;
    const { traffic } = this.#env;
    this.#letGo();
    let behind = 0;
    const single = views.length === 1 ? views[0]! : null;
    // Whatever is touched here for each player is out of the CPU's caches: only those that lag are looked at more.
    for (let i = 0; i < shared.length; i += 1) {
      const player = shared[i]!;
      const { outlet } = player;
      if (!(single === null ? outlet.writeAll(views) : outlet.write(single))) continue;
      this.#hold(player, from);
      if (outlet.unsentBytes > player.softUnsentBytes) behind += 1;
    }
    traffic.bytesOut += bytes * shared.length;
    traffic.messagesOut += this.#unflushed * shared.length;
    traffic.writes += shared.length;
    this.#unflushed = 0;
    if (this.#sharedMain.length > 0) behind += this.#sendMainTracks(from, to);
    for (const player of this.#apart) this.#sendApart(player, from, to);
    this.#selections.length = 0;
    if (behind > 0) this.#setLaggardsApart();
    this.#rejoin();
    this.#trim();
  }

  /** Looks after what passes with time: rates, and messages and players that hold things up. Called once a second. */
  tick(now: number): void {
    this.stats.tick(now);
    const { position } = this.#log;
    this.#log.letOvertake();
    if (this.#log.position !== position) this.flush();
    this.#lowerBounds();
    for (const player of [...this.#apart]) if (player.laggingSince > 0) this.#checkLaggard(player, now);
  }

  /** Sends what is left and lets go of all memory. Players are no longer served. */
  end(): void {
    this.flush();
    this.#ended = true;
    this.#letGo();
    const heldFrom = this.#heldFrom;
    this.#holding.length = 0;
    for (const player of this.players) {
      player.heldFrom = Infinity;
      player.laggingSince = 0;
      player.awaitsKeyframeUntil = 0;
      player.missedHeaders = 0;
    }
    for (const list of [this.#shared, this.#sharedMain, this.#apart, this.#starting]) list.length = 0;
    this.#log.close(heldFrom);
  }

  /** All that are served. */
  get players(): Player[] {
    return [...this.#shared, ...this.#sharedMain, ...this.#apart];
  }

  /** The list of those that are served as this player is to be. */
  #listOf(player: Player): Player[] {
    if (!player.shares) return this.#apart;
    return player.wantsAllTracks || !this.#hasTracks ? this.#shared : this.#sharedMain;
  }

  /** Takes a player out of its list; false when it is served no more. */
  #unlist(player: Player): boolean {
    return remove(this.#shared, player) || remove(this.#sharedMain, player) || remove(this.#apart, player);
  }

  /** From here on not everybody gets the same. */
  #tracksBegin(): void {
    this.#hasTracks = true;
    const all = this.#shared.splice(0);
    for (const player of all) this.#listOf(player).push(player);
  }

  /** The main track's part of a multitrack packet, for players that know of none. */
  readonly #unwrap: Unwrap = (encoded) => unwrapMainTrack(encoded, this.#env.chunkSize, this.#tag);

  /** A player gets no video before a keyframe; `silent`: nor anything else. */
  #awaitKeyframe(player: Player, silent: boolean): void {
    player.awaitsKeyframeUntil = this.#env.now() + MAX_KEYFRAME_WAIT_MS;
    player.silentUntilKeyframe = silent;
  }

  /** Where a late player's cache starts; where what is new starts when there is none. */
  get #lateStart(): number {
    const { start } = this.#gop;
    return start < 0 || start > this.#flushed ? this.#flushed : start;
  }

  /** The main track may have another codec: then what was kept for the one before is of no use. */
  #noteCodec(position: number, flags: number, codec: number): void {
    const video = (flags & MediaFlag.Video) !== 0;
    const before = video ? this.stats.videoCodec : this.stats.audioCodec;
    if (codec !== before && before >= 0) this.config.codecChanged(video, codec, position);
  }

  /** Whether a message of a new source adds nothing (what the players have) or cannot be decoded yet. */
  #leavesOut({ slab, start, end, typeId, timestamp, sourceTimestamp }: LogMessage, flags: number): boolean {
    if ((flags & MediaFlag.Config) !== 0) return this.config.has(this.#tag.configKey, slab.bytes.subarray(start, end));
    if ((flags & MediaFlag.Data) !== 0) return false;
    if (this.#awaitsKeyframe) {
      this.#awaitsKeyframe = (flags & MediaFlag.Keyframe) === 0 && !this.#isAudioOnly(sourceTimestamp, flags);
    }
    return this.#awaitsKeyframe || this.#timeline.overlaps(typeId, timestamp, sourceTimestamp);
  }

  /** Whether a new source has sent nothing but audio for long; `flags` are those of its newest frame. */
  #isAudioOnly(sourceTimestamp: number, flags: number): boolean {
    if (this.#silentSince < 0 || (flags & MediaFlag.Video) !== 0) this.#silentSince = sourceTimestamp;
    return (sourceTimestamp - this.#silentSince) >>> 0 > AUDIO_ONLY_MS;
  }

  /** Without players nothing needs sending; only the GOP cache is kept. */
  #skip(start: number, end: number): void {
    this.#flushed = start;
    this.#trim();
    this.#flushed = end;
    this.#unflushed = 0;
  }

  #trim(): void {
    const keepFrom = this.#gop.start < 0 ? this.#flushed : Math.min(this.#gop.start, this.#flushed);
    this.#log.trim(keepFrom, this.#heldFrom);
  }

  /** Position of the oldest byte that a player's socket may still hold; Infinity when none holds any. */
  get #heldFrom(): number {
    let heldFrom = Infinity;
    for (const player of this.#holding) heldFrom = Math.min(heldFrom, player.heldFrom);
    return heldFrom;
  }

  /** A player's socket did not take all of the log from this position on. */
  #hold(player: Player, from: number): void {
    if (player.heldFrom === Infinity) this.#holding.push(player);
    player.heldFrom = Math.min(player.heldFrom, from);
  }

  /** Finds out whose sockets have drained since. */
  #letGo(): void {
    const holding = this.#holding;
    let kept = 0;
    for (const player of holding) {
      if (player.outlet.unsentBytes > 0) {
        holding[kept] = player;
        kept += 1;
      } else {
        player.heldFrom = Infinity;
        player.softUnsentBytes = SOFT_UNSENT_BYTES;
      }
    }
    holding.length = kept;
  }

  /** False when there is nothing to start from. */
  #sendCache(player: Player): boolean {
    const { outlet } = player;
    const from = this.#gop.start;
    const to = this.#flushed;
    if (from < 0 || from >= to) return false;
    if (player.shares) {
      const views = this.#views;
      if (this.#listOf(player) === this.#shared) this.#log.views(from, to, views);
      else this.#log.selectViews(from, to, player.wanted, views, this.#unwrap);
      if (views.length > 0 && outlet.writeAll(views)) this.#hold(player, from);
      for (const view of views) this.#env.traffic.bytesOut += view.length;
      this.#env.traffic.writes += 1;
    } else if (!player.paused) {
      this.#sendSelected(player, from, to);
    }
    // What was sent at once may take its time to drain: that is no lag.
    player.softUnsentBytes = SOFT_UNSENT_BYTES + outlet.unsentBytes;
    this.#noteStarting(player);
    return true;
  }

  #noteStarting(player: Player): void {
    if (player.softUnsentBytes > SOFT_UNSENT_BYTES && !this.#starting.includes(player)) this.#starting.push(player);
  }

  /** Once a cache that was sent at once has drained by so much, so much less may be unsent: it must not fall back. */
  #lowerBounds(): void {
    const starting = this.#starting;
    let kept = 0;
    for (const player of starting) {
      player.softUnsentBytes = Math.min(player.softUnsentBytes, SOFT_UNSENT_BYTES + player.outlet.unsentBytes);
      if (player.softUnsentBytes === SOFT_UNSENT_BYTES) continue;
      starting[kept] = player;
      kept += 1;
    }
    starting.length = kept;
  }

  #setLagging(player: Player, now: number): void {
    player.laggingSince = now;
    player.laggingBytes = player.outlet.unsentBytes;
  }

  /** Ends a player that cannot keep up, and does not get rid of what it has at any pace. */
  #checkLaggard(player: Player, now: number): void {
    const { unsentBytes } = player.outlet;
    const isLate = now - player.laggingSince > MAX_LAG_MS;
    if (unsentBytes > player.softUnsentBytes + MAX_EXCESS_BYTES) player.listener.tooSlow(`${unsentBytes} bytes unsent`);
    else if (player.laggingBytes - unsentBytes >= LAG_PROGRESS_BYTES) this.#setLagging(player, now);
    else if (isLate && unsentBytes > RESUME_UNSENT_BYTES) {
      player.listener.tooSlow(`too slow for ${MAX_LAG_MS / 1000} s`);
    } else if (isLate) {
      // It has drained: the keyframe is late, not the player.
      player.laggingSince = 0;
      this.#awaitKeyframe(player, true);
    }
  }

  /** One selection for all that get the main tracks alone; returns how many of them are behind. */
  #sendMainTracks(from: number, to: number): number {
    const players = this.#sharedMain;
    const { bytes, messages } = this.#select(from, to, Wanted.Kinds, SHARED_STREAM_ID);
    if (bytes.length === 0) return 0;
    let behind = 0;
    for (const { outlet, softUnsentBytes } of players) {
      if (outlet.write(bytes) && outlet.unsentBytes > softUnsentBytes) behind += 1;
    }
    const { traffic } = this.#env;
    traffic.bytesOut += bytes.length * players.length;
    traffic.messagesOut += messages * players.length;
    traffic.writes += players.length;
    return behind;
  }

  #sendApart(player: Player, from: number, to: number): void {
    const { outlet } = player;
    if (player.paused) return;
    let start = from;
    if (player.laggingSince > 0 || player.awaitsKeyframeUntil > 0) {
      const isSilent = player.laggingSince > 0 || player.silentUntilKeyframe;
      const restart = isSilent && outlet.unsentBytes > RESUME_UNSENT_BYTES ? -1 : this.#restartPoint(player, from, to);
      start = restart < 0 ? to : restart;
      if (isSilent) this.#drop(player, from, start);
      else if (start > from) this.#sendSelected(player, from, start, Wanted.NoVideoFrames);
      if (restart >= 0) {
        player.laggingSince = 0;
        player.awaitsKeyframeUntil = 0;
        if ((player.missedHeaders & player.wanted) !== 0) this.sendHeaders(player, restart);
      }
    }
    if (start < to) this.#sendSelected(player, start, to);
    if (player.laggingSince === 0 && outlet.unsentBytes > player.softUnsentBytes) {
      this.#setLagging(player, this.#env.now());
    }
  }

  /** Sends a player's own selection of `[from, to)`. */
  #sendSelected(player: Player, from: number, to: number, more = 0): void {
    const wanted = player.wanted | more;
    const { bytes, messages, skippedHeaders } = this.#select(from, to, wanted, player.streamId);
    player.missedHeaders |= skippedHeaders;
    if (bytes.length === 0) return;
    player.outlet.write(bytes);
    const { traffic } = this.#env;
    traffic.bytesOut += bytes.length;
    traffic.messagesOut += messages;
    traffic.writes += 1;
  }

  #select(from: number, to: number, playerWants: number, streamId: number): Selection {
    const wanted = this.#hasTracks ? playerWants : playerWants | Wanted.AllTracks;
    for (const made of this.#selections) {
      if (made.from === from && made.to === to && made.wanted === wanted && made.streamId === streamId) return made;
    }
    const bytes = this.#log.select(from, to, wanted, streamId, this.#unwrap);
    const { selected: messages, skippedHeaders } = this.#log;
    const selection = { from, to, wanted, streamId, bytes, messages, skippedHeaders };
    this.#selections.push(selection);
    return selection;
  }

  /** Where a player that dropped messages can go on: at a keyframe or, without video, anywhere. */
  #restartPoint(player: Player, from: number, to: number): number {
    const video = player.wantsVideo && this.hasVideo;
    if (player.laggingSince === 0 && this.#env.now() >= player.awaitsKeyframeUntil) return from;
    return video ? this.#log.find(from, to, MediaFlag.Keyframe) : from;
  }

  /** Leaves the messages of `[from, to)` out for this player. */
  #drop(player: Player, from: number, to: number): void {
    const { traffic } = this.#env;
    // Only a player that cannot keep up drops frames; one that has just come back from a pause skips them.
    const counted = player.laggingSince > 0 ? player.wanted & (MediaFlag.Audio | MediaFlag.Video) : 0;
    this.#log.visit(from, to, (slab, index) => {
      const flags = slab.flags[index]!;
      if ((flags & counted) !== 0) traffic.droppedFrames += 1;
      if ((flags & (MediaFlag.Config | MediaFlag.Data)) !== 0) player.missedHeaders |= flags & Wanted.Kinds;
      return true;
    });
  }

  #setLaggardsApart(): void {
    for (const player of [...this.#shared, ...this.#sharedMain]) {
      if (player.outlet.unsentBytes <= player.softUnsentBytes) continue;
      this.#unlist(player);
      this.#setLagging(player, this.#env.now());
      this.#apart.push(player);
    }
  }

  #rejoin(): void {
    for (let i = this.#apart.length - 1; i >= 0; i -= 1) {
      const player = this.#apart[i]!;
      if (!player.shares) continue;
      this.#apart.splice(i, 1);
      this.#listOf(player).push(player);
    }
  }
}

/** Takes `item` out of `list`, order not kept; false when it was not in it. */
function remove<T>(list: T[], item: T): boolean {
  const at = list.indexOf(item);
  if (at < 0) return false;
  const last = list.pop()!;
  if (at < list.length) list[at] = last;
  return true;
}
