import type { ReceivedMessage } from '../../support/rtmp/wire-reader';

/** Messages of one lane keep their order; `reply` and the media lanes are not ordered among each other. */
export type Lane = 'reply' | 'audio' | 'video' | 'data';

export interface Expected {
  readonly lane: Lane;
  /** In words, for failures. */
  readonly text: string;
  test(message: ReceivedMessage): boolean;
  /** False: may come, or not. */
  required: boolean;
  /** Ordered among all lanes: the end or the beginning of a stream. */
  readonly barrier?: boolean;
  /** May change places with messages of the other media lanes: their chunks took turns. */
  readonly loose?: boolean;
  /** May be due before the end or the beginning of a stream, and come after it. */
  readonly overtaken?: boolean;
  /** Some of the first of a series may be left out; from the first that comes, none is. */
  series?: { begun: boolean };
  readonly came?: (message: ReceivedMessage) => void;
}

/** What a client must see, in order, and what it may see. */
export class Expectations {
  readonly #items: Expected[] = [];

  add(item: Expected): void {
    this.#items.push(item);
  }

  /** Takes what a message fulfils; returns what is wrong with the message, if something is. */
  take(message: ReceivedMessage, lane: Lane): string | undefined {
    const items = this.#items;
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index]!;
      if (item.lane !== lane || !item.test(message)) continue;
      for (let before = 0; before < index; before += 1) {
        const earlier = items[before]!;
        if (!isOrdered(earlier, item)) continue;
        if (earlier.required) return `${item.text} came before ${earlier.text}`;
        if (earlier.series?.begun === true) return `${earlier.text} is missing before ${item.text}`;
      }
      const rest = items.slice(0, index).filter((earlier) => !isOrdered(earlier, item) || isOvertaken(earlier, item));
      if (!item.required) for (const later of items.slice(index + 1)) excuseSame(later, message, lane);
      items.splice(0, index + 1, ...rest);
      if (item.series) item.series.begun = true;
      item.came?.(message);
      return undefined;
    }
    const next = items.find((item) => item.lane === lane && item.required);
    return `unexpected${next === undefined ? '' : ` before ${next.text}`}`;
  }

  /** The first that has to come still. */
  get missing(): string | undefined {
    return this.#items.find((item) => item.required || item.series?.begun === true)?.text;
  }

  /** Everything is done: what may have come has not. */
  settle(): void {
    this.#items.length = 0;
  }

  /** Media that has not come yet need not come any more: the player changed what it wants. */
  excuseMedia(): void {
    for (const item of this.#items) {
      if (item.lane !== 'reply') excuse(item);
    }
  }

  /** Nothing that has not come yet need come any more: the connection ends. */
  excuseAll(): void {
    this.#items.length = 0;
  }
}

/** What comes of it still makes the rest of its series no more necessary. */
function excuse(item: Expected): void {
  item.required = false;
  delete item.series;
}

/** The message may have been this one, such as of the cached start of the next play, and not one that need not come. */
function excuseSame(item: Expected, message: ReceivedMessage, lane: Lane): void {
  if (lane !== 'reply' && item.lane === lane && item.test(message)) excuse(item);
}

function isOvertaken(earlier: Expected, item: Expected): boolean {
  return earlier.overtaken === true && item.barrier === true;
}

function isOrdered(earlier: Expected, item: Expected): boolean {
  if (earlier.barrier === true || item.barrier === true) return true;
  if (earlier.lane === item.lane) return true;
  if (earlier.lane === 'reply' || item.lane === 'reply') return false;
  return earlier.loose !== true && item.loose !== true;
}
