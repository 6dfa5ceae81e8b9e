import type { MessageLog, Unwrap } from './message-log';
import { PieceWriter, type PlayerFormat } from './player-format';
import { Wanted } from './wanted';

/** Messages of a range, chosen and encoded for players that do not share the common bytes. */
export interface Selection {
  readonly from: number;
  readonly to: number;
  readonly wanted: number;
  readonly streamId: number;
  /** Absent: RTMP chunks. */
  readonly format: PlayerFormat | undefined;
  /** FLV tags without what their format adds; absent for RTMP chunks. */
  readonly tags: Buffer | undefined;
  readonly bytes: Buffer;
  readonly messages: number;
  /** The kinds (media flags) of the headers that were skipped. */
  readonly skippedHeaders: number;
}

type Range = Pick<Selection, 'from' | 'to' | 'wanted' | 'streamId' | 'format'>;

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
   * @param format of the player, unless it gets RTMP chunks
   */
  select(from: number, to: number, playerWants: number, streamId: number, format?: PlayerFormat): Selection {
    const wanted = this.hasTracks ? playerWants : playerWants | Wanted.AllTracks;
    let like: Selection | undefined;
    for (const made of this.#made) {
      if (made.from !== from || made.to !== to || made.wanted !== wanted) continue;
      if (made.streamId === streamId && made.format === format) return made;
      if (made.tags !== undefined) like = made;
    }
    const range = { from, to, wanted, streamId, format };
    const selection = format === undefined ? this.#chunks(range) : this.#tags(range, format, like);
    this.#made.push(selection);
    return selection;
  }

  #chunks(range: Range): Selection {
    const bytes = this.#log.select(range.from, range.to, range.wanted, range.streamId, this.#unwrap);
    const { selected: messages, skippedHeaders } = this.#log;
    return { ...range, tags: undefined, bytes, messages, skippedHeaders };
  }

  /** @param like the same tags, already encoded for players of another format */
  #tags(range: Range, format: PlayerFormat, like: Selection | undefined): Selection {
    if (like?.tags !== undefined) {
      const copy = new PieceWriter(format, 0, like.tags.length);
      copy.append(like.tags);
      return { ...like, ...range, tags: copy.tags, bytes: copy.finish() };
    }
    const writer = this.#log.selectTags(range.from, range.to, range.wanted, format, this.#unwrap);
    const { selected: messages, skippedHeaders } = this.#log;
    return { ...range, tags: writer.tags, bytes: writer.finish(), messages, skippedHeaders };
  }

  /** Forgets the selections made so far: their memory is the players' from now on. */
  clear(): void {
    this.#made.length = 0;
  }
}
