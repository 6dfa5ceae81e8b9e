import type { Publication } from './publication';
import type { EndReason, Publisher } from './publisher';

/** Told of streams that begin, change their source or end, when the change is complete. Must not throw. */
export interface ChannelObserver {
  /**
   * The stream began, or was resumed, held or handed over: `publication.publisher` is its present source. Told again
   * when that source feeds the stream, or when the one that does so until then is lost.
   */
  sourceChanged(publication: Publication): void;
  /**
   * @param publisher its last source; null when the stream was held for a publisher that was lost
   * @param reason why another publisher or node ended it; undefined when its publisher left
   */
  ended(publication: Publication, publisher: Publisher | null, reason: EndReason | undefined): void;
}
