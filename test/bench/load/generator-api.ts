import type { StreamAddress } from '../wire/stream-address';
import type { AttackCost, AttackTarget } from '../abuse/attack';
import type { LatencySummary } from './latency-histogram';

/** No parameters. */
export type None = Record<string, never>;

/** Calls to the process of the publishers; each is one JSON message between processes. */
export interface PublisherApi {
  /** Starts publishers of streams 0..count-1, spread over one GOP so that their keyframes do not coincide. */
  start(params: { pattern: StreamAddress; count: number; uploadChunkSize: number }): Promise<void>;
  beginWindow(params: None): Promise<void>;
  endWindow(params: None): Promise<PublisherReport>;
}

/** Calls to the process of the players. */
export interface PlayerApi {
  /**
   * Opens or closes players until `count` play streams 0..streams-1 in turn; one in `verifyOneIn` checks every byte.
   */
  setCount(params: { pattern: StreamAddress; streams: number; count: number; verifyOneIn: number }): Promise<void>;
  /** Opens players of a stream that nobody publishes. */
  openIdle(params: { pattern: StreamAddress; count: number }): Promise<void>;
  beginWindow(params: None): Promise<void>;
  endWindow(params: None): Promise<PlayerReport>;
}

/** Calls to the process of the short-lived connections. */
export interface ChurnApi {
  /** From now on, `perSecond` clients connect a second, half of them publishers, half players of stream 0. */
  start(params: { pattern: StreamAddress; perSecond: number }): Promise<void>;
  stop(params: None): Promise<ChurnReport>;
}

/** Calls to the process of the honest streams during an attack. */
export interface HonestApi {
  /** Publishes streams 0..count-1 of 25 frames a second, and plays each of them once. */
  start(params: { pattern: StreamAddress; count: number }): Promise<void>;
  /** @param httpPort where newcomers ask for the node's health too; 0: nowhere */
  beginWindow(params: { httpPort: number }): Promise<void>;
  endWindow(params: None): Promise<HonestReport>;
}

/** Calls to the process of an attacker. */
export interface AttackerApi {
  /** Attacks for `seconds`, and resolves when the attack is over. */
  attack(params: { name: string; target: AttackTarget; seconds: number }): Promise<AttackCost>;
}

/** Calls to the process of streams that are watched from the first to the last moment. */
export interface WitnessApi {
  /** `fastSpeed`: seconds of stream in a second, of the one that passes 4 GiB. */
  start(params: { pattern: StreamAddress; flvPort: number; fastSpeed: number }): Promise<void>;
  report(params: None): Promise<WitnessReport>;
  stop(params: None): Promise<void>;
}

export interface GeneratorApis {
  readonly witnesses: WitnessApi;
  readonly honest: HonestApi;
  readonly attacker: AttackerApi;
  readonly publishers: PublisherApi;
  readonly players: PlayerApi;
  readonly churn: ChurnApi;
}

export type GeneratorRole = keyof GeneratorApis;

/** A generator process's report on itself and its connections, from beginWindow to endWindow. */
export interface ProcessReport {
  readonly seconds: number;
  /** CPU seconds per second. */
  readonly cpuShare: number;
  /** Why connections ended that should not have. */
  readonly disconnects: readonly string[];
}

export interface PublisherReport extends ProcessReport {
  /** Protocol overhead included. */
  readonly bytesSent: number;
  /** How late messages were sent (ms): the jitter that the generator itself adds. */
  readonly latenessP99Ms: number;
}

export interface PlayerReport extends ProcessReport {
  readonly players: number;
  /** Protocol overhead included. */
  readonly bytesReceived: number;
  readonly messages: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly corrupt: number;
  readonly timestampErrors: number;
  /** Players whose newest video frame was more than 2 s old at the end. */
  readonly stalled: number;
  readonly latency: { readonly all: LatencySummary; readonly video: LatencySummary; readonly audio: LatencySummary };
}

/** The effect of an attack on honest streams and on new clients. */
export interface HonestReport {
  /** The longest time between two frames of a stream at its player (ms). */
  readonly longestGapMs: number;
  /** Frames that players got, and those that they did not get. */
  readonly frames: number;
  readonly lost: number;
  /** Connections of others that wanted to publish during the attack, and those that could. */
  readonly newcomers: number;
  readonly served: number;
  readonly slowestMs: number;
  /** Health checks that were sent, and those that were answered with 200. */
  readonly checks: number;
  readonly healthy: number;
  /** Why a stream or a newcomer failed. */
  readonly reasons: readonly string[];
}

/** What one player got of one stream so far. */
export interface WatchedStream {
  readonly name: string;
  readonly messages: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly corrupt: number;
  readonly timestampErrors: number;
  /** The timestamps that were played have passed the limit of the stream's clock. */
  readonly clockPassed: boolean;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** From the server to the publisher. */
  readonly acknowledgements: number;
  readonly acknowledgementWraps: number;
  readonly wrongAcknowledgements: number;
  readonly newestFrameMs: number;
}

export interface WitnessReport {
  readonly streams: readonly WatchedStream[];
  /** Why a connection ended that should not have. */
  readonly failures: readonly string[];
}

export interface ChurnReport {
  readonly opened: number;
  readonly failed: number;
  /** The first reasons of failures. */
  readonly reasons: readonly string[];
}

/** A call to a generator process, and its answer. */
export interface GeneratorRequest {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

export interface GeneratorAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
