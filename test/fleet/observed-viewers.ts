/** What a viewer has seen, and what it was promised. */

/** A frame as its sender marked it. */
export interface FrameSeen {
  /** The name of the publisher. */
  readonly source: string;
  /** Counts the publisher's frames from 0. */
  readonly sequence: number;
  readonly isKeyframe: boolean;
}

/** One viewer's connection. All times in ms of the observer's clock. */
export interface PlayerSeen {
  /** The same for all connections of a viewer. */
  readonly name: string;
  readonly channel: string;
  readonly node: number;
  readonly asked: number;
  accepted?: number;
  firstFrame?: number;
  lastFrame?: number;
  ended?: number;
  /** The server has ended it. */
  lost?: boolean;
  /** Frames that came twice, out of order, with a wrong timestamp, or not from a keyframe on. */
  readonly wrong: string[];
  /** Times of more than a second without a frame; `source` is whose frame was the last one before. */
  readonly silences: Silence[];
}

export interface Silence {
  readonly from: number;
  readonly to: number;
  readonly source?: string | undefined;
}

const SILENT_MS = 1_000;
const MOST_KEPT = 20;

export const frameText = (source: string, sequence: number): string => `*${source}#${sequence}#`;

/** The frame that a video message holds, if it is one of the observer's. */
export function frameOf(payload: Buffer): FrameSeen | undefined {
  const match = /\*([a-z]+\d+)#(\d+)#/.exec(payload.toString('latin1', 0, 64));
  if (match === null) return undefined;
  return { source: match[1]!, sequence: Number(match[2]), isKeyframe: payload[0] === 0x17 };
}

/** Compares what comes with what was sent, and notes when nothing came. */
export class ViewerWatch {
  readonly seen: PlayerSeen;
  #last: (FrameSeen & { readonly timestamp: number }) | undefined;
  #lastAt = 0;

  constructor(name: string, channel: string, node: number, asked: number) {
    this.seen = { name, channel, node, asked, wrong: [], silences: [] };
  }

  accepted(now: number): void {
    this.seen.accepted = now;
    this.#lastAt = now;
  }

  frame(frame: FrameSeen, timestamp: number, now: number): void {
    const last = this.#last;
    this.#noteSilence(now);
    this.#lastAt = now;
    this.seen.firstFrame ??= now;
    this.seen.lastFrame = now;
    this.#last = { ...frame, timestamp };
    const what = `${frame.source}#${frame.sequence}`;
    const follows = last?.source === frame.source && frame.sequence === last.sequence + 1;
    if (last?.source === frame.source && frame.sequence <= last.sequence)
      this.#wrong(`${what} after #${last.sequence} at ${now}`);
    else if (!follows && !frame.isKeyframe)
      this.#wrong(
        `${what} at ${now} is no keyframe, and follows ${last ? `${last.source}#${last.sequence}` : 'nothing'}`,
      );
    if (last?.source === frame.source && timestamp < last.timestamp)
      this.#wrong(`${what} at ${now} has time ${timestamp} after ${last.timestamp}`);
  }

  end(now: number): void {
    if (this.seen.accepted === undefined) return;
    this.#noteSilence(now);
    this.seen.ended = now;
  }

  #noteSilence(now: number): void {
    if (now - this.#lastAt < SILENT_MS) return;
    this.seen.silences.push({ from: this.#lastAt, to: now, source: this.#last?.source });
  }

  #wrong(what: string): void {
    if (this.seen.wrong.length < MOST_KEPT) this.seen.wrong.push(what);
  }
}
