import type { WorkerState } from '../node/node-state';
import type { RegistryOrder, StopRecord } from '../leases/lease-registry';

/** What the parent can ask of a worker, and what it gets. */
export type Topic = keyof WorkerState;
export type Answer<T extends Topic> = Awaited<ReturnType<WorkerState[T]>>;

/** The environment variable that tells a worker which of the machine's workers it is, from 0. */
export const SLOT_VARIABLE = 'RTMP_WORKER_SLOT';

export interface Ports {
  readonly rtmp: number;
  readonly rtmps: number | undefined;
}

/**
 * What a worker asks of the parent: a method of its view of the registry, to join it (`join`), a place for a client's
 * connection (`acquireConnection`), or to tell all workers of a test connection (`announceTest`).
 */
export interface WorkerRequest {
  readonly kind: 'request';
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What a worker tells the parent without wanting an answer. */
export type WorkerNotice =
  /** It serves clients. */
  | { readonly kind: 'listening'; readonly ports: Ports }
  /** It cannot start, and waits for its end. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** An operator wants the machine emptied. */
  | { readonly kind: 'drainRequested' };

/** Answers a question of the parent; without `answer` when the worker has none. */
export interface WorkerReport {
  readonly kind: 'report';
  readonly id: number;
  readonly answer?: unknown;
}

/** Comes with the connection itself; bytes do not pass as they are. */
export interface ConnectionMessage {
  readonly kind: 'connection';
  /** The worker that it goes to or, from the parent, comes from. */
  readonly worker: string;
  readonly channel: string;
  readonly clientIp: string;
  /** In base64. */
  readonly said: string;
  readonly answeredBytes: number;
}

/** No more viewers of this channel are wanted by another worker; `worker` as in ConnectionMessage. */
export interface CrowdedMessage {
  readonly kind: 'crowded';
  readonly worker: string;
  readonly channel: string;
}

export type WorkerMessage =
  | WorkerRequest
  | WorkerNotice
  | WorkerReport
  | ConnectionMessage
  | CrowdedMessage
  /** Gives a client's place back. */
  | { readonly kind: 'release'; readonly address: string };

export type ParentMessage =
  | { readonly kind: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'order'; readonly order: RegistryOrder }
  | { readonly kind: 'changed'; readonly channel: string }
  | { readonly kind: 'claimed'; readonly stops: readonly StopRecord[] }
  /** A test connection is about to come from this local port, to any worker. */
  | { readonly kind: 'testAnnounced'; readonly localPort: number }
  | { readonly kind: 'question'; readonly id: number; readonly topic: Topic }
  | ConnectionMessage
  | CrowdedMessage
  | { readonly kind: 'stop' };
