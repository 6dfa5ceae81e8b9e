import type { Publication, Publisher } from '../../hub/publication';
import type { StreamTarget } from './name-rules';

export type AdmissionOutcome =
  | { readonly accepted: true; readonly publication: Publication }
  /** `final`: trying again with the same key is pointless. */
  | { readonly accepted: false; readonly final: boolean; readonly reason: string };

/** Lets publishers in and out of channels. Sessions know no more of callbacks, leases and grace times than this. */
export interface PublishGate {
  /**
   * Decides on a publish. When accepted, the publication has begun, or goes on, with this publisher when the promise
   * resolves. Never rejects. `signal` aborts when the publisher has gone; nothing of it remains then.
   */
  admit(publisher: Publisher, stream: StreamTarget, signal: AbortSignal): Promise<AdmissionOutcome>;
  /** The publisher is done. `graceful`: it said so; otherwise it was lost and may come back. */
  leave(publisher: Publisher, publication: Publication, graceful: boolean): void;
}
