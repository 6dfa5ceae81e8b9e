import type { StreamGrant } from '../hub/publication';
import type { PublishRefusal } from '../hub/publish-refusal';
import type { Span } from '../tracing/span';

/** A publisher's request to begin a stream. */
export interface PublishRequest {
  readonly channel: string;
  readonly key: string;
  /** The client's own address, IPv4-mapped IPv6 already unmapped. */
  readonly clientIp: string;
  /** The query string that followed the key, without `?`; empty when there was none. */
  readonly query: string;
  /** Id of the stream that this publish may resume. */
  readonly resume?: string | undefined;
  /** The `jti` of the start event; chosen by the authorizer when absent. */
  readonly startJti?: string | undefined;
  /** The callback is traced within this span. */
  readonly span?: Span | undefined;
}

export type PublishDecision = { readonly accepted: true; readonly grant: StreamGrant } | StartRefusal;

export interface StartRefusal extends PublishRefusal {
  /**
   * Present when the handler may have accepted all the same. `late`: there was no answer in time, and one may still
   * come; `unknown`: it is never known.
   */
  readonly unsettled?: 'late' | 'unknown';
}

/** Decides who may publish, and sends the stops that are due. */
export interface PublishAuthorizer {
  /**
   * Checks a request before the handler is asked. Gives a refusal or undefined, at once or, when the address has to
   * wait, after some seconds. Never rejects. `signal` aborts when the publisher has left.
   */
  screen(request: PublishRequest, signal: AbortSignal): StartRefusal | undefined | Promise<StartRefusal | undefined>;
  /**
   * Asks the handler. Never rejects: a failure is a refusal with a reason. `signal` aborts when the publisher has left:
   * a question that has not been sent is given up then, the answer to one that has is still awaited.
   *
   * @param later called once after a `late` decision, with the final one
   */
  authorizeStart(
    request: PublishRequest,
    signal: AbortSignal,
    later: (decision: PublishDecision) => void,
  ): Promise<PublishDecision>;
  /** Stops may have become due: pulls and sends them, as far as there is room. */
  stopsDue(): void;
  /** Announces that a stop may become due, so that `drain` waits for it until the returned function is called. */
  expectStop(): () => void;
  /** Sends stops, for `deadlineMs` at most. Resolves to the number of stops that were not delivered. */
  drain(deadlineMs: number): Promise<number>;
}
