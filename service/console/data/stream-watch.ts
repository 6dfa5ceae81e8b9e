import type { Event } from '../../http/api/schemas/event';
import type { Explanation } from '../../http/api/schemas/explain';
import type { Figures } from '../../http/api/schemas/figures';
import type { StreamDetail } from '../../http/api/schemas/stream';
import { ApiError, sentenceOf } from './api-client';
import type { FleetWatch } from './fleet-watch';
import { StreamHistory } from './stream-history';

/** What events do not tell (formats, players by node) is asked for so often. */
const AGAIN_MS = 10_000;

const EVENTS_SHOWN = 100;

/** After these, the server knows more of the stream than the event says. */
const TURNS = /^(?:publish\.(?:accepted|refused)|stream\.(?:ended|held)|recording\..*|forward\..*|output\.gap)$/;

/** Keeps one channel's past, events and explanation up to date while its page is open. */
export class StreamWatch {
  readonly channel: string;
  readonly history = new StreamHistory();
  /** undefined: not live, or not known yet; `isKnown` says which. */
  detail: StreamDetail | undefined;
  /** Why the channel is not live. */
  explanation: Explanation | undefined;
  /** The newest first. */
  events: readonly Event[] = [];
  /** Whether the server has answered yet. */
  isKnown = false;
  /** Why the server could not say; empty: it could. */
  fault = '';

  readonly #fleet: FleetWatch;
  readonly #changed: () => void;
  readonly #ends: (() => void)[] = [];

  constructor(fleet: FleetWatch, channel: string, changed: () => void) {
    this.#fleet = fleet;
    this.channel = channel;
    this.#changed = changed;
  }

  open(): void {
    const again = setInterval(() => {
      if (!document.hidden) void this.ask();
    }, AGAIN_MS);
    this.#ends.push(
      () => clearInterval(again),
      this.#fleet.listen({ event: (event) => this.#event(event), figures: (figures) => this.#figures(figures) }),
    );
    void this.ask();
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  /** Asks the server about the channel; called also after an order. */
  async ask(): Promise<void> {
    const path = `streams/${encodeURIComponent(this.channel)}`;
    try {
      const detail = await this.#fleet.api.get<StreamDetail>(path);
      this.#fleet.model.putStream(detail);
      this.history.begin(detail.history);
      this.#addEvents(detail.events);
      this.detail = detail;
      this.explanation = undefined;
      this.fault = '';
    } catch (error) {
      await this.#explain(path, error);
    }
    this.isKnown = true;
    this.#changed();
  }

  async #explain(path: string, error: unknown): Promise<void> {
    if (!(error instanceof ApiError) || error.status !== 404) {
      this.fault = sentenceOf(error);
      return;
    }
    this.detail = undefined;
    this.#fleet.model.removeStream(this.channel);
    try {
      this.explanation = await this.#fleet.api.get<Explanation>(`${path}/explain`);
      this.fault = '';
    } catch (reason) {
      this.fault = sentenceOf(reason);
    }
  }

  #event(event: Event): void {
    if (!('channel' in event) || event.channel !== this.channel) return;
    this.#addEvents([event]);
    if (TURNS.test(event.type)) void this.ask();
    this.#changed();
  }

  #figures(figures: Figures): void {
    const own = figures.streams.find(({ channel }) => channel === this.channel);
    if (own === undefined) return;
    this.history.add(Date.parse(figures.at), own);
    this.#changed();
  }

  #addEvents(events: readonly Event[]): void {
    const byId = new Map([...this.events, ...events].map((event) => [event.id, event]));
    const newestFirst = [...byId.values()].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : a.id < b.id ? 1 : -1));
    this.events = newestFirst.slice(0, EVENTS_SHOWN);
  }
}
