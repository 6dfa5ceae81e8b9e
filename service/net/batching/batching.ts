import type { Flushable, FlushScheduler } from '../../hub/flush-scheduler';
import type { TrafficCounters } from '../../metrics/traffic-counters';
import { HeldReaders, type PacedReader } from './held-readers';
import { LoadMeter } from './load-meter';

/**
 * How new media is sent:
 * - `at-once`: right after it was read;
 * - `ride-along`: video after its read, audio with the next video frame or after a short hold;
 * - `tick`: everything on one shared timer, and busy publishers are read on the same tick.
 */
export type BatchMode = 'at-once' | 'ride-along' | 'tick';

export interface BatchingOptions {
  /** LATENCY_MS: the longest delay that batching may add to a frame; 0: nothing is ever held. */
  readonly latencyMs: number;
  readonly traffic: TrafficCounters;
}

/** How often the load is measured (ms). */
const EVALUATE_MS = 250;
/**
 * Longest hold of audio while video is sent at once (ms): from 20 frames a second on, the next video frame is sooner.
 */
const RIDE_ALONG_MS = 50;
/** Relayed media is flushed immediately if its last immediate flush was at least this fraction of a tick ago. */
const RELAYED_AFTER = 0.75;
/** Reads within this time of the first (ms) count as one write of the other node. */
const SAME_WRITE_MS = 3;
/** Streams that are due within this time (ms) are sent together with those that are due now. */
const DUE_TOGETHER_MS = 2;
/** Below this LATENCY_MS a tick would delay video for little gain: video frames are 33 ms apart. */
const MIN_TICK_MS = 50;
/** Below this LATENCY_MS a delayed read returns no more than an immediate one. */
const MIN_PACE_MS = 34;

/**
 * Decides when a node sends media and reads publishers. CPU cost follows the number of socket writes and reads, not
 * bytes. So while they are few, nothing is held; under load each write and read takes more, within LATENCY_MS. Headers,
 * the GOP cache of a new player, commands and pings do not pass through here and are never held. Publishers without
 * players are read on a timer at any load: nobody waits for their frames.
 */
export class Batching implements FlushScheduler {
  #latencyMs: number;
  readonly #traffic: TrafficCounters;
  readonly #evaluation: NodeJS.Timeout | undefined;
  #mode: BatchMode = 'at-once';
  #intervalMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #ready: Flushable[] = [];
  #spare: Flushable[] = [];
  readonly #held = new HeldReaders();
  /** Ends the hold of readers while there is no tick. */
  #paceTimer: NodeJS.Timeout | undefined;
  /** A stream in `#ready` has a video frame. */
  #urgent = false;
  readonly #load = new LoadMeter();

  constructor({ latencyMs, traffic }: BatchingOptions) {
    this.#latencyMs = latencyMs;
    this.#traffic = traffic;
    if (latencyMs > 0) this.#evaluation = setInterval(() => this.#evaluate(), EVALUATE_MS).unref();
  }

  get mode(): BatchMode {
    return this.#mode;
  }

  /** How long media may wait here now (ms). */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** Whether this stream's publisher is to be held after each read, see `hold`. */
  paces(stream: Flushable): boolean {
    return this.#mode === 'tick' || (this.#latencyMs >= MIN_PACE_MS && stream.playerCount === 0);
  }

  ready(stream: Flushable, urgent: boolean): void {
    this.#load.arrived();
    if (urgent) {
      stream.ticket.urgent = true;
      this.#urgent = true;
    }
    const { ticket } = stream;
    if (ticket.scheduled) return;
    ticket.scheduled = true;
    if (this.#mode === 'ride-along') ticket.heldSince = performance.now();
    this.#ready.push(stream);
  }

  /** A read has been processed: its media may be sent. */
  afterRead(): void {
    if (this.#ready.length === 0 || this.#mode === 'tick') return;
    if (this.#mode === 'at-once') {
      this.#flushAll();
      return;
    }
    if (this.#urgent) this.#flushUrgent();
    if (this.#timer === undefined) this.#awaitOldest(performance.now());
  }

  /**
   * Like `afterRead`, for a read from another node. That node has batched the media already, so it is sent at once: its
   * frames would wait twice. It is held if the other node's batches are smaller than this node's load asks for.
   */
  afterRelayRead(stream: Flushable | undefined): void {
    if (this.#mode !== 'tick') this.afterRead();
    else if (stream?.ticket.scheduled === true) {
      const now = performance.now();
      const since = now - stream.ticket.relayedAt;
      if (since >= RELAYED_AFTER * this.#intervalMs) stream.ticket.relayedAt = now;
      else if (since > SAME_WRITE_MS) return;
      this.#ready.splice(this.#ready.indexOf(stream), 1);
      stream.flush();
    }
  }

  /**
   * Delays the reader's next read to the next tick or, without a tick, to the shared timer of publishers without
   * players.
   */
  hold(reader: PacedReader): void {
    this.#held.add(reader);
    if (this.#mode !== 'tick') this.#paceTimer ??= setTimeout(this.#paceEnds, this.#latencyMs);
  }

  /** Sends and reads everything that is held; for the node's shutdown. */
  close(): void {
    clearInterval(this.#evaluation);
    this.#latencyMs = 0;
    this.#enter('at-once', 0);
  }

  #flushAll(): void {
    const streams = this.#ready;
    this.#ready = this.#spare;
    this.#urgent = false;
    for (let i = 0; i < streams.length; i += 1) streams[i]!.flush();
    streams.length = 0;
    this.#spare = streams;
  }

  #flushUrgent(): void {
    const streams = this.#ready;
    this.#ready = this.#spare;
    this.#urgent = false;
    for (let i = 0; i < streams.length; i += 1) {
      const stream = streams[i]!;
      if (stream.ticket.urgent) stream.flush();
      else this.#ready.push(stream);
    }
    streams.length = 0;
    this.#spare = streams;
  }

  /**
   * Arms the timer for the stream that is held longest: the first, since streams queue in the order of their messages.
   */
  #awaitOldest(now: number): void {
    const oldest = this.#ready[0];
    if (oldest === undefined) return;
    this.#timer = setTimeout(this.#holdEnds, Math.max(1, oldest.ticket.heldSince + this.#intervalMs - now));
  }

  /** No video frame came in time to take the oldest stream's audio along. */
  readonly #holdEnds = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    const since = now - this.#intervalMs + DUE_TOGETHER_MS;
    let due = 0;
    while (due < this.#ready.length && this.#ready[due]!.ticket.heldSince <= since) due += 1;
    for (const stream of this.#ready.splice(0, due)) stream.flush();
    this.#awaitOldest(now);
  };

  /**
   * Reads first, then sends the media read: immediates run after the poll that follows the timers, so that a frame
   * waits for one tick, not for one to be read and another to be sent.
   */
  readonly #tick = (): void => {
    this.#held.readAgain();
    setImmediate(this.#afterPoll);
  };

  readonly #afterPoll = (): void => {
    if (this.#ready.length > 0) this.#flushAll();
  };

  readonly #paceEnds = (): void => {
    this.#paceTimer = undefined;
    this.#held.readAgain();
  };

  #evaluate(): void {
    // A measurement between two ticks would see no load at all.
    if (this.#mode === 'tick' && performance.now() - this.#load.readAt < 3 * this.#intervalMs) return;
    const step = this.#load.read(this.#traffic.messagesOut);
    if (step === 0) this.#set('at-once', 0);
    else if (step === 1 || this.#latencyMs < MIN_TICK_MS) {
      this.#set('ride-along', Math.min(RIDE_ALONG_MS, this.#latencyMs));
    } else this.#set('tick', step === 2 ? MIN_TICK_MS : this.#latencyMs);
  }

  #set(mode: BatchMode, intervalMs: number): void {
    if (mode !== this.#mode || intervalMs !== this.#intervalMs) this.#enter(mode, intervalMs);
  }

  #enter(mode: BatchMode, intervalMs: number): void {
    this.#mode = mode;
    this.#intervalMs = intervalMs;
    clearTimeout(this.#timer);
    clearTimeout(this.#paceTimer);
    this.#timer = undefined;
    this.#paceTimer = undefined;
    this.#held.readAgain();
    this.#flushAll();
    if (mode === 'tick') this.#timer = setInterval(this.#tick, intervalMs);
  }
}
