import type { MessageLog, Unwrap } from './message-log';
import { Wanted } from './wanted';

/** Messages of a range, chosen and encoded for players that do not share the common bytes. */
export interface Selection {
  readonly from: number;
  readonly to: number;
  readonly wanted: number;
  readonly streamId: number;
  readonly bytes: Buffer;
  readonly messages: number;
  /** The kinds (media flags) of the headers that were skipped. */
  readonly skippedHeaders: number;
}

/** The selections of a short time, such as a flush: each is made once, however many players get it. */
export class Selections {
  /** The stream has had multitrack packets. */
  hasTracks = false;
  readonly #log: MessageLog;
  readonly #unwrap: Unwrap;
  readonly #made: Selection[] = [];

  /** @param unwrap gives the main track's part of a multitrack packet, for players without multitrack support */
  constructor(log: MessageLog, unwrap: Unwrap) {
    this.#log = log;
    this.#unwrap = unwrap;
  }

  /**
   * Chooses messages of the log from position `from` to `to`.
   *
   * @param playerWants see `Wanted`
   * @param streamId the message stream that the player plays on
   */
  select(from: number, to: number, playerWants: number, streamId: number): Selection {
    const wanted = this.hasTracks ? playerWants : playerWants | Wanted.AllTracks;
    for (const made of this.#made) {
      if (made.from === from && made.to === to && made.wanted === wanted && made.streamId === streamId) return made;
    }
    const bytes = this.#log.select(from, to, wanted, streamId, this.#unwrap);
    const { selected: messages, skippedHeaders } = this.#log;
    const selection = { from, to, wanted, streamId, bytes, messages, skippedHeaders };
    this.#made.push(selection);
    return selection;
  }

  /** Forgets the selections made so far: their memory is the players' from now on. */
  clear(): void {
    this.#made.length = 0;
  }
}
