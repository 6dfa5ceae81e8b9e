import type { RegistryOrder, StopRecord } from '../fleet/stream-registry';
import type { StreamReport } from '../http/stream-report';
import type { NodeFigures } from '../metrics/node-figures';

/**
 * What a worker asks of the parent: a method of its view of the registry, to join it (`join`), or a place for a client's
 * connection (`acquireConnection`).
 */
export interface WorkerRequest {
  readonly kind: 'request';
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What a worker tells the parent without wanting an answer. */
export type WorkerNotice =
  | { readonly kind: 'release'; readonly address: string }
  /** It listens; the first one's ports are everybody's. */
  | { readonly kind: 'listening'; readonly ports: { readonly rtmp: number; readonly rtmps: number | undefined } }
  | { readonly kind: 'failed'; readonly reason: string }
  /** An operator wants the machine emptied. */
  | { readonly kind: 'drainRequested' };

/** Answers a question of the parent. */
export interface WorkerReport {
  readonly kind: 'report';
  readonly id: number;
  readonly streams: readonly StreamReport[];
  /** As `registry.getMetricsAsJSON()` gives them. */
  readonly metrics: readonly object[];
  readonly ready: { readonly ready: boolean; readonly reason?: string };
  /** What happened since they were last asked for; only when they were. */
  readonly figures?: NodeFigures;
}

export type WorkerMessage = WorkerRequest | WorkerNotice | WorkerReport;

export type ParentMessage =
  | { readonly kind: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'order'; readonly order: RegistryOrder }
  | { readonly kind: 'changed'; readonly channel: string }
  | { readonly kind: 'claimed'; readonly stops: readonly StopRecord[] }
  /** `figures`: the worker's figures are wanted too, and begin anew. */
  | { readonly kind: 'question'; readonly id: number; readonly figures: boolean }
  | { readonly kind: 'stop' };
