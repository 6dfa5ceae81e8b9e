import type { Event, EventType } from '../../http/api/schemas/event';
import type { Figures } from '../../http/api/schemas/figures';

export interface FeedListener {
  /** The feed is open; what happened before is not in it. */
  opened(): void;
  event(event: Event): void;
  figures(figures: Figures): void;
  /** Tries again by itself. */
  lost(): void;
}

const RETRY_MS = { first: 1_000, most: 15_000 };

/** Figures come every few seconds; a connection that has brought none for so long is dead, whatever the browser says. */
const SILENCE_MS = 30_000;

const EVENT_TYPES: Readonly<Record<EventType, true>> = {
  'publish.asked': true,
  'publish.accepted': true,
  'publish.refused': true,
  'stream.health': true,
  'stream.held': true,
  'stream.ended': true,
  'stream.players': true,
  'node.joined': true,
  'node.draining': true,
  'node.left': true,
  'recording.done': true,
  'recording.failed': true,
  'forward.live': true,
  'forward.waiting': true,
  'forward.failed': true,
  'output.gap': true,
  'outputs.down': true,
  'outputs.up': true,
};

/** The server-sent events of the fleet, with figures; connects again whenever the connection is lost. */
export class LiveFeed {
  readonly #address: string;
  readonly #listener: FeedListener;
  #source: EventSource | undefined;
  #retryMs = RETRY_MS.first;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(address: string, listener: FeedListener) {
    this.#address = address;
    this.#listener = listener;
  }

  /** Also when it is open already: with another cookie, say. */
  open(): void {
    this.close();
    const source = new EventSource(this.#address);
    this.#source = source;
    source.onopen = () => {
      this.#retryMs = RETRY_MS.first;
      this.#listener.opened();
    };
    // The browser would try again by itself, but gives up after an answer such as 503.
    source.onerror = () => this.#lost();
    source.addEventListener('figures', ({ data }: MessageEvent<string>) => {
      this.#heard();
      this.#listener.figures(JSON.parse(data) as Figures);
    });
    for (const type of Object.keys(EVENT_TYPES)) {
      source.addEventListener(type, ({ data }: MessageEvent<string>) =>
        this.#listener.event(JSON.parse(data) as Event),
      );
    }
    this.#heard();
  }

  close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = undefined;
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #lost(): void {
    this.close();
    this.#listener.lost();
    this.#retry = setTimeout(() => this.open(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.most);
  }
}
