import type { StreamGrant } from '../hub/publication';
import type { PublishRefusal } from '../hub/publish-refusal';
import type { Span } from '../tracing/span';
import type { StopRecord } from './stop-record';

/** A publisher's request to begin a stream. */
export interface PublishRequest {
  readonly channel: string;
  readonly key: string;
  /** The client's own address, IPv4-mapped IPv6 already unmapped. */
  readonly clientIp: string;
  /** The query string that followed the key, without `?`; empty when there was none. */
  readonly query: string;
  /** Id of the stream that this publish resumes, when it comes within the grace time. */
  readonly resume?: string;
  /** The `jti` of the stream's stop event; chosen by the authorizer when absent. */
  readonly stopJti?: string;
  /** The `jti` of the start event; chosen by the authorizer when absent. */
  readonly startJti?: string | undefined;
  /** The callback is traced within this span. */
  readonly span?: Span | undefined;
}

export type PublishDecision = { readonly accepted: true; readonly grant: StreamGrant } | StartRefusal;

export interface StartRefusal extends PublishRefusal {
  /**
   * The publisher has left, or there was no answer in time: the handler may have accepted, or may still accept. If it
   * does, the authorizer sends the stop, under `stopJti`; otherwise it reports that stop as delivered.
   */
  readonly unsettled?: boolean;
}

/** Decides who may publish, and is notified exactly once of each accepted stream's end. */
export interface PublishAuthorizer {
  /**
   * Checks a request before the channel is reserved and the handler is asked. Gives a refusal or undefined, at once or,
   * when the address has to wait, after some seconds. Never rejects. `signal` aborts when the publisher has left.
   */
  screen(request: PublishRequest, signal: AbortSignal): StartRefusal | undefined | Promise<StartRefusal | undefined>;
  /** Never rejects: a failure is a refusal with a reason. `signal` aborts when the publisher has left. */
  authorizeStart(request: PublishRequest, signal: AbortSignal): Promise<PublishDecision>;
  /** Queues the stop event; returns at once and never throws. */
  streamEnded(stop: StopRecord): void;
  /** Sends pending stops, for `deadlineMs` at most. Resolves to the number of stops that were not delivered. */
  drain(deadlineMs: number): Promise<number>;
}
