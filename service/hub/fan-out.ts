import type { TrafficCounters } from '../metrics/traffic-counters';
import { MediaFlag, type MediaTag } from '../protocol/media/media-tag';
import type { GopCache } from './gop-cache';
import { HeldBytes } from './held-bytes';
import type { MessageLog, Unwrap } from './message-log';
import { SHARED_STREAM_ID } from './open-message';
import { pieceOf } from './player-format';
import { type Player, RESUME_UNSENT_BYTES, SOFT_UNSENT_BYTES } from './player';
import { type Selection, Selections } from './selections';
import type { StreamConfig } from './stream-config';
import type { StreamStats } from './stream-stats';
import { unwrapMainTrack } from './unwrap';
import { Wanted } from './wanted';

export interface FanOutOptions {
  readonly log: MessageLog;
  readonly gop: GopCache;
  readonly config: StreamConfig;
  readonly stats: StreamStats;
  /** Knows which tracks are the main ones. */
  readonly tag: MediaTag;
  readonly traffic: TrafficCounters;
  /** Outgoing chunk size, 128..65536. */
  readonly chunkSize: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/**
 * The largest cached start for a player that gets a copy of its own, in bytes and messages; a player that would get
 * more begins at the next keyframe.
 */
const MAX_COPIED_START_BYTES = 16 * 1024 * 1024;
const MAX_COPIED_START_MESSAGES = 20_000;

/**
 * Sends a stream's messages from its log to the players. A flush writes the same views to all of them. Players in an
 * exceptional state (paused, without audio or video, on another message stream, lagging) are served apart until that
 * state ends.
 */
export class FanOut {
  readonly #log: MessageLog;
  readonly #gop: GopCache;
  readonly #config: StreamConfig;
  readonly #stats: StreamStats;
  readonly #traffic: TrafficCounters;
  readonly #chunkSize: number;
  readonly #now: () => number;
  readonly #shared: Player[] = [];
  /** Players that get the main tracks only, once the stream has other tracks. */
  readonly #sharedMain: Player[] = [];
  /** Players that get FLV tags: they share those of their format. */
  readonly #tagged: Player[] = [];
  readonly #apart: Player[] = [];
  /** Players whose sockets still drain the GOP cache they started with: more may be unsent. */
  readonly #starting: Player[] = [];
  readonly #held = new HeldBytes();
  readonly #tag: MediaTag;
  readonly #views: Buffer[] = [];
  /** Selections of this flush: players with the same exceptions share them. */
  readonly #selections: Selections;
  /** Log position up to which everything has been sent to the players. */
  #flushed = 0;
  /** Messages that became readable after `#flushed`. */
  #unflushed = 0;
  #ended = false;

  constructor(options: FanOutOptions) {
    this.#log = options.log;
    this.#gop = options.gop;
    this.#config = options.config;
    this.#stats = options.stats;
    this.#tag = options.tag;
    this.#traffic = options.traffic;
    this.#chunkSize = options.chunkSize;
    this.#now = options.now;
    this.#selections = new Selections(options.log, this.#unwrap);
  }

  /** Players that are served, paused ones included. */
  get playerCount(): number {
    return this.#shared.length + this.#sharedMain.length + this.#tagged.length + this.#apart.length;
  }

  /** Players other than relays of other nodes. */
  get viewerCount(): number {
    return this.players.filter(({ isRelay }) => !isRelay).length;
  }

  /** All players that are served. */
  get players(): Player[] {
    return [...this.#shared, ...this.#sharedMain, ...this.#tagged, ...this.#apart];
  }

  /**
   * The message at `[start, end)` of the log has become readable. False when there are no players: then the message is
   * only kept for the cache.
   */
  messageReady(start: number, end: number): boolean {
    if (this.playerCount > 0) {
      this.#unflushed += 1;
      return true;
    }
    this.#flushed = start;
    this.trim();
    this.#flushed = end;
    this.#unflushed = 0;
    return false;
  }

  /** The stream has multitrack packets: from here on players may get different tracks. */
  tracksBegin(): void {
    if (this.#selections.hasTracks) return;
    this.#selections.hasTracks = true;
    const all = this.#shared.splice(0);
    for (const player of all) this.#listOf(player).push(player);
  }

  /**
   * Starts serving a player: headers, then the GOP cache, then new messages.
   *
   * @param wantsCache false: the cache is of no use to the player
   */
  add(player: Player, wantsCache: boolean): void {
    // From the time before the stream.
    player.laggingSince = 0;
    this.sendHeaders(player, wantsCache ? this.#startFor(player) : this.#flushed);
    player.missesVideo = !player.wantsVideo;
    // Much of the previous stream may still be unsent.
    this.#noteStarting(player);
    if (!(wantsCache && this.#sendCache(player)) && player.wantsCache && this.#gop.startsAtKeyframe) {
      // The next flush contains a keyframe; this player must not get the end of the GOP before that.
      player.awaitKeyframe(this.#now(), true);
    } else if (!(player.wantsCache && this.#gop.startsAtKeyframe) && this.#hasVideo) {
      player.awaitKeyframe(this.#now(), false);
    }
    this.#listOf(player).push(player);
  }

  remove(player: Player): void {
    this.#unlist(player);
    remove(this.#starting, player);
    this.#log.taint(this.#held.remove(player));
    player.laggingSince = 0;
  }

  /** Sends the headers that apply from this position of the log on; by default those of its start. */
  sendHeaders(player: Player, from = this.#startFor(player)): void {
    player.missedHeaders = 0;
    const unwrap = this.#selections.hasTracks && !player.wantsAllTracks ? this.#unwrap : undefined;
    const headers = this.#config.encodeFor(player.streamId, from, unwrap);
    if (headers.length === 0) return;
    const { format } = player;
    const bytes = format === undefined ? headers : pieceOf(headers, this.#chunkSize, format);
    player.outlet.write(bytes);
    this.#traffic.bytesOut += bytes.length;
  }

  /**
   * Resumes a paused player at a keyframe: sends the GOP cache or, without a cache, waits for the next keyframe. A
   * player that has not read what it was sent before waits too: its unsent bytes would grow with each resume.
   */
  resume(player: Player): void {
    player.awaitsKeyframeUntil = 0;
    const isBehind = player.outlet.unsentBytes > SOFT_UNSENT_BYTES;
    const goesOn = !isBehind && this.#sendCache(player);
    if (player.wantsVideo && this.#hasVideo && !(goesOn && this.#gop.startsAtKeyframe)) {
      player.awaitKeyframe(this.#now(), !goesOn);
    }
    this.changed(player);
  }

  /** Puts a player on the path that fits it after `paused`, `wantsAudio` or `wantsVideo` has changed. */
  changed(player: Player): void {
    // A paused player is sent nothing, so it cannot lag.
    if (player.paused) player.laggingSince = 0;
    else if ((player.missedHeaders & player.wanted) !== 0 && player.laggingSince === 0) {
      this.sendHeaders(player, this.#flushed);
    }
    if (!player.wantsVideo) player.missesVideo = true;
    else if (player.missesVideo) {
      player.missesVideo = false;
      if (this.#hasVideo) player.awaitKeyframe(this.#now(), false);
    }
    if (this.#unlist(player)) this.#listOf(player).push(player);
  }

  /** Sends everything new to all players: one write for each, the same bytes for those that share. */
  flush(): void {
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
    const traffic = this.#traffic;
    this.#held.update();
    let behind = 0;
    const single = views.length === 1 ? views[0]! : null;
    // Each player's data is a CPU cache miss: the loop reads little of it, and more only when bytes are unsent.
    for (let i = 0; i < shared.length; i += 1) {
      const player = shared[i]!;
      const { outlet } = player;
      if (!(single === null ? outlet.writeAll(views) : outlet.write(single))) continue;
      this.#held.add(player, from);
      if (outlet.unsentBytes > player.softUnsentBytes) behind += 1;
    }
    traffic.bytesOut += bytes * shared.length;
    traffic.messagesOut += this.#unflushed * shared.length;
    traffic.writes += shared.length;
    this.#unflushed = 0;
    if (this.#sharedMain.length > 0) behind += this.#sendMainTracks(from, to);
    if (this.#tagged.length > 0) behind += this.#sendTags(from, to);
    for (const player of this.#apart) this.#sendApart(player, from, to);
    this.#selections.clear();
    if (behind > 0) this.#setLaggardsApart();
    this.#rejoin();
    this.trim();
  }

  /** Checks players that start or lag. Called once a second. */
  tick(now: number): void {
    // Players that join at the same time share a selection; without a flush it would be kept for ever.
    this.#selections.clear();
    this.#lowerBounds();
    for (const player of [...this.#apart]) if (player.laggingSince > 0) player.checkLag(now);
  }

  /** No player starts before this position of the log. */
  get startsFrom(): number {
    const { start } = this.#gop;
    return start < 0 ? this.#flushed : Math.min(start, this.#flushed);
  }

  /** Frees the log's memory that neither the cache nor a player needs. */
  trim(): void {
    if (!this.#ended) this.#log.trim(this.startsFrom, this.#held.from);
  }

  /** Flushes, then stops serving players and closes the log. */
  end(): void {
    this.flush();
    this.#ended = true;
    this.#held.update();
    const heldFrom = this.#held.from;
    this.#selections.clear();
    this.#held.clear();
    for (const player of this.players) {
      player.heldFrom = Infinity;
      player.laggingSince = 0;
      player.awaitsKeyframeUntil = 0;
      player.missedHeaders = 0;
    }
    for (const list of [this.#shared, this.#sharedMain, this.#tagged, this.#apart, this.#starting]) list.length = 0;
    this.#log.close(heldFrom);
  }

  get #hasVideo(): boolean {
    return this.#stats.videoCodec >= 0;
  }

  /** The list that this player belongs in. */
  #listOf(player: Player): Player[] {
    if (!player.shares) return this.#apart;
    if (player.format !== undefined) return this.#tagged;
    return player.wantsAllTracks || !this.#selections.hasTracks ? this.#shared : this.#sharedMain;
  }

  /** Takes a player out of its list; false when it is no longer served. */
  #unlist(player: Player): boolean {
    return (
      remove(this.#shared, player) ||
      remove(this.#sharedMain, player) ||
      remove(this.#tagged, player) ||
      remove(this.#apart, player)
    );
  }

  /** The main track's part of a multitrack packet, for players without multitrack support. */
  readonly #unwrap: Unwrap = (encoded) => unwrapMainTrack(encoded, this.#chunkSize, this.#tag);

  /**
   * Log position at which this player starts: the start of the GOP cache or, without a cache that it can get, the end
   * of the last flush.
   */
  #startFor(player: Player): number {
    const { start } = this.#gop;
    if (start < 0 || start > this.#flushed) return this.#flushed;
    const hasOwnTracks = this.#selections.hasTracks && !player.wantsAllTracks;
    const getsViews = player.format === undefined && player.streamId === SHARED_STREAM_ID && !hasOwnTracks;
    if (getsViews && player.wantsAudio && player.wantsVideo) return start;
    const isLarge = this.#flushed - start > MAX_COPIED_START_BYTES || this.#gop.messages > MAX_COPIED_START_MESSAGES;
    return isLarge || player.outlet.unsentBytes > SOFT_UNSENT_BYTES ? this.#flushed : start;
  }

  /** Sends the GOP cache; false when there is none for this player. */
  #sendCache(player: Player): boolean {
    const { outlet } = player;
    const from = this.#startFor(player);
    const to = this.#flushed;
    if (from === to) return false;
    if (player.shares && player.format === undefined) {
      const views = this.#views;
      if (this.#listOf(player) === this.#shared) this.#log.views(from, to, views);
      else this.#log.selectViews(from, to, player.wanted, views, this.#unwrap);
      if (views.length > 0 && outlet.writeAll(views)) this.#held.add(player, from);
      for (const view of views) this.#traffic.bytesOut += view.length;
      this.#traffic.writes += 1;
    } else if (!player.paused) {
      this.#sendSelected(player, from, to);
    }
    // A cache that was sent in one piece takes time to drain: that is not lag.
    player.softUnsentBytes = SOFT_UNSENT_BYTES + outlet.unsentBytes;
    this.#noteStarting(player);
    return true;
  }

  #noteStarting(player: Player): void {
    if (player.softUnsentBytes > SOFT_UNSENT_BYTES && !this.#starting.includes(player)) this.#starting.push(player);
  }

  /** Lowers a starting player's soft bound as the cache it was sent drains; the bound does not rise again. */
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

  /** Sends one selection to all players that get the main tracks only; returns how many are past their soft bound. */
  #sendMainTracks(from: number, to: number): number {
    const players = this.#sharedMain;
    const { bytes, messages } = this.#selections.select(from, to, Wanted.Kinds, SHARED_STREAM_ID);
    if (bytes.length === 0) return 0;
    let behind = 0;
    for (const { outlet, softUnsentBytes } of players) {
      if (outlet.write(bytes) && outlet.unsentBytes > softUnsentBytes) behind += 1;
    }
    const traffic = this.#traffic;
    traffic.bytesOut += bytes.length * players.length;
    traffic.messagesOut += messages * players.length;
    traffic.writes += players.length;
    return behind;
  }

  /** Sends the players of each format the same piece of FLV tags; returns how many are past their soft bound. */
  #sendTags(from: number, to: number): number {
    const traffic = this.#traffic;
    let selection: Selection | undefined;
    let format: Player['format'];
    let allTracks = false;
    let behind = 0;
    for (const player of this.#tagged) {
      const { outlet } = player;
      if (selection === undefined || player.format !== format || player.wantsAllTracks !== allTracks) {
        format = player.format;
        allTracks = player.wantsAllTracks;
        selection = this.#selections.select(from, to, player.wanted, SHARED_STREAM_ID, format);
      }
      const { bytes, messages } = selection;
      if (bytes.length === 0) continue;
      if (outlet.write(bytes) && outlet.unsentBytes > player.softUnsentBytes) behind += 1;
      traffic.bytesOut += bytes.length;
      traffic.messagesOut += messages;
      traffic.writes += 1;
    }
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
      player.beginLag(this.#now());
    }
  }

  /** Sends a player's own selection of `[from, to)`. */
  #sendSelected(player: Player, from: number, to: number, more = 0): void {
    const wanted = player.wanted | more;
    const { bytes, messages, skippedHeaders } = this.#selections.select(
      from,
      to,
      wanted,
      player.streamId,
      player.format,
    );
    player.missedHeaders |= skippedHeaders;
    if (bytes.length === 0) return;
    player.outlet.write(bytes);
    const traffic = this.#traffic;
    traffic.bytesOut += bytes.length;
    traffic.messagesOut += messages;
    traffic.writes += 1;
  }

  /** Position at which a player that skips messages can resume: a keyframe or, without video, `from`; -1: not yet. */
  #restartPoint(player: Player, from: number, to: number): number {
    const video = player.wantsVideo && this.#hasVideo;
    if (player.laggingSince === 0 && this.#now() >= player.awaitsKeyframeUntil) return from;
    return video ? this.#log.find(from, to, MediaFlag.Keyframe) : from;
  }

  /** Drops the messages of `[from, to)` for this player. */
  #drop(player: Player, from: number, to: number): void {
    const traffic = this.#traffic;
    // Frames that a player skips after a pause are not counted, only those dropped because it cannot keep up.
    const counted = player.laggingSince > 0 ? player.wanted & (MediaFlag.Audio | MediaFlag.Video) : 0;
    this.#log.visit(from, to, (slab, index) => {
      const flags = slab.flags[index]!;
      if ((flags & counted) !== 0) traffic.droppedFrames += 1;
      if ((flags & (MediaFlag.Config | MediaFlag.Data)) !== 0) player.missedHeaders |= flags & Wanted.Kinds;
      return true;
    });
  }

  #setLaggardsApart(): void {
    for (const player of [...this.#shared, ...this.#sharedMain, ...this.#tagged]) {
      if (player.outlet.unsentBytes <= player.softUnsentBytes) continue;
      this.#unlist(player);
      player.beginLag(this.#now());
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
