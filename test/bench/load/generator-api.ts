import type { StreamAddress } from '../wire/stream-address';
import type { ChurnReport } from './churn';
import type { LatencySummary } from './latency-histogram';

/** What the load generator can be told; each call crosses a process border as one JSON message and one answer. */
export interface GeneratorApi {
  /** Starts publishers of streams 0..count-1, spread over one GOP so that their keyframes do not coincide. */
  startPublishers(params: { pattern: StreamAddress; count: number; uploadChunkSize: number }): Promise<void>;
  /** Opens or closes players until `count` play streams 0..streams-1 in turn; one in `verifyOneIn` checks every byte. */
  setPlayers(params: { pattern: StreamAddress; streams: number; count: number; verifyOneIn: number }): Promise<void>;
  /** Opens players of a stream that nobody publishes. */
  openIdlePlayers(params: { pattern: StreamAddress; count: number }): Promise<void>;
  /** From now on connections come and go, half of them publishers, half players of stream 0. */
  startChurn(params: { pattern: StreamAddress; perSecond: number }): Promise<void>;
  stopChurn(params: Record<string, never>): Promise<ChurnReport>;
  beginWindow(params: Record<string, never>): Promise<void>;
  endWindow(params: Record<string, never>): Promise<WindowReport>;
}

/** What happened between beginWindow and endWindow. */
export interface WindowReport {
  readonly seconds: number;
  readonly publishers: number;
  readonly players: number;
  /** By all publishers, protocol overhead included. */
  readonly bytesSent: number;
  /** By all players, protocol overhead included. */
  readonly bytesReceived: number;
  readonly messages: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly corrupt: number;
  readonly timestampErrors: number;
  /** Players whose newest video frame was more than 2 s old at the end. */
  readonly stalledPlayers: number;
  /** Why connections ended that should not have. */
  readonly disconnects: readonly string[];
  readonly latency: { readonly all: LatencySummary; readonly video: LatencySummary; readonly audio: LatencySummary };
  /** The generator's own state: a load is honest only while it has CPU to spare and sends on time. */
  readonly generator: { readonly cpuShare: number; readonly latenessP99Ms: number };
}

export type GeneratorMethod = keyof GeneratorApi;

export interface GeneratorRequest {
  readonly id: number;
  readonly method: GeneratorMethod;
  readonly params: unknown;
}

export interface GeneratorAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
