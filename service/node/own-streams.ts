import type { Publication } from '../hub/publication';

/** Told of the streams whose publisher is a client of this node. Must not throw. */
export interface OwnStreamListener {
  /** The stream began here, or a publisher continues it: the same or another one. */
  live(publication: Publication): void;
  /** Its publisher was lost, and it is held. */
  held(publication: Publication): void;
  /** `code` is an `EndCode`, or `moved`: it continues on another node. */
  ended(publication: Publication, code: string, reason: string): void;
}
