import type { WorkerState } from '../node/node-state';
import type { NodeEffect } from '../leases/life-store';
import type { Fact } from '../events/fact';
import type { OutputStatus } from '../http/api/schemas/output';
import type { Ordered } from '../outputs/link/ordered';
import type { StreamNews } from '../outputs/host/outputs-line';
import type { PlayRequest } from '../http/flv/play-request';

/** What the parent can ask a worker for, and the type of the answer. */
export type Topic = keyof WorkerState;
export type Answer<T extends Topic> = Awaited<ReturnType<WorkerState[T]>>;

/** The environment variable that tells a worker which of the machine's workers it is, from 0. */
export const SLOT_VARIABLE = 'RTMP_WORKER_SLOT';

/** The environment variable with the HTTP port of the machine; empty if other nodes cannot reach it there. */
export const HTTP_PORT_VARIABLE = 'RTMP_WORKER_HTTP_PORT';

export interface Ports {
  readonly rtmp: number;
  readonly rtmps: number | undefined;
}

/**
 * A worker's request to the parent: a method of its store of lives, to join it (`join`), a place for a
 * client's connection (`acquireConnection`), to tell all workers of a test connection (`announceTest`), or what concerns
 * outputs (`outputsKey`, `orderOutputs`, `finishOutputs`).
 */
export interface WorkerRequest {
  readonly kind: 'request';
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** A message from a worker to the parent without an answer. */
export type WorkerNotice =
  /** The worker serves clients. */
  | { readonly kind: 'listening'; readonly ports: Ports }
  /** The worker cannot start, and waits to be ended. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** An operator wants the machine drained. */
  | { readonly kind: 'drainRequested' };

/** The answer to a question of the parent; `answer` is absent when the worker has none. */
export interface WorkerReport {
  readonly kind: 'report';
  readonly id: number;
  readonly answer?: unknown;
}

/** Sent together with the connection. */
export interface ConnectionMessage {
  readonly kind: 'connection';
  /** To the parent: the worker that the connection goes to; from the parent: the worker that it comes from. */
  readonly worker: string;
  readonly channel: string;
  readonly clientIp: string;
  /** In base64, since messages are JSON. */
  readonly said: string;
  readonly answeredBytes: number;
}

/** Another worker wants no more viewers of this channel; `worker` as in ConnectionMessage. */
export interface CrowdedMessage {
  readonly kind: 'crowded';
  readonly worker: string;
  readonly channel: string;
}

/** From the parent, together with the connection: a client that asked on the HTTP port for a stream. */
export interface HttpPlayerMessage {
  readonly kind: 'httpPlayer';
  readonly request: PlayRequest;
}

export type WorkerMessage =
  | WorkerRequest
  | WorkerNotice
  | WorkerReport
  | ConnectionMessage
  | CrowdedMessage
  /** What `rtmp-outputs` is to know of a stream of this worker. */
  | { readonly kind: 'outputs'; readonly news: StreamNews }
  /** Gives a client's place back. */
  | { readonly kind: 'release'; readonly address: string };

export type ParentMessage =
  | { readonly kind: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'perform'; readonly channel: string; readonly effects: readonly NodeEffect[] }
  | { readonly kind: 'changed'; readonly channel: string }
  | { readonly kind: 'stopsDue' }
  /** A test connection is about to come from this local port, to any worker. */
  | { readonly kind: 'testAnnounced'; readonly localPort: number }
  | { readonly kind: 'question'; readonly id: number; readonly topic: Topic; readonly args: readonly unknown[] }
  | ConnectionMessage
  | CrowdedMessage
  | HttpPlayerMessage
  /** Outputs of one stream of this worker. */
  | {
      readonly kind: 'outputsStatus';
      readonly channel: string;
      readonly run: string;
      readonly outputs: readonly OutputStatus[];
    }
  /** What operators have ordered of the outputs of one stream of this worker. */
  | { readonly kind: 'outputsOrdered'; readonly channel: string; readonly run: string; readonly ordered: Ordered }
  /** An event of outputs, for this worker's event bus. */
  | { readonly kind: 'outputsFact'; readonly fact: Fact }
  | { readonly kind: 'stop' };
