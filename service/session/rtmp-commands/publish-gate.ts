import type { Publication } from '../../hub/publication';
import type { Publisher } from '../../hub/publisher';
import type { PublishRefusal } from '../../hub/publish-refusal';
import type { Span } from '../../tracing/span';
import type { StreamTarget } from './name-rules';

export type AdmissionOutcome = { readonly accepted: true; readonly publication: Publication } | PublishRefusal;

/**
 * Admits publishers to channels and lets them leave. Sessions know nothing else of callbacks, leases and grace times.
 */
export interface PublishGate {
  /**
   * Decides on a publish. If it is accepted, the publication has begun or resumed with this publisher when the promise
   * resolves. Never rejects. `signal` aborts when the publisher has left; its attempt leaves nothing behind then. Steps
   * of the decision are traced within `span`.
   */
  admit(publisher: Publisher, stream: StreamTarget, signal: AbortSignal, span?: Span): Promise<AdmissionOutcome>;
  /** A publish was refused before the gate was asked, because its channel or key is no valid name. Only for reports. */
  misnamed?(publisher: Publisher, channel: string, reason: string): void;
  /** The publisher has left. `graceful`: it ended its stream; otherwise it was lost and may come back. */
  leave(publisher: Publisher, publication: Publication, graceful: boolean): void;
}
