import type { Access } from '../../http/api/schemas/access';
import type { Event } from '../../http/api/schemas/event';
import type { Figures } from '../../http/api/schemas/figures';
import type { NodeList } from '../../http/api/schemas/node';
import type { RefusalList } from '../../http/api/schemas/refusal-list';
import type { StreamDetail, StreamPage } from '../../http/api/schemas/stream';
import { type ApiClient, ApiError } from './api-client';
import { FleetModel } from './fleet-model';
import { LiveFeed } from './live-feed';

export type Connection = 'connecting' | 'live' | 'lost';

/** Most streams that one list asks for; the server allows no more. */
const LIST_LIMIT = 5_000;

/** A fleet of so many streams or fewer is asked for the past of each as well, for the sparklines. */
const HISTORY_LIMIT = 300;

/** Load, version and the like of nodes are asked for so often. */
const NODES_MS = 5_000;

const REFRESH_MS = 1_000;

/** Streams asked for one by one per `REFRESH_MS`; when far more are waiting, the whole list costs less. */
const REFRESH_STREAMS = 4;
const LIST_INSTEAD_AT = 40;

const LIST_AGAIN_MS = 15_000;

export interface WatchListener {
  event?(event: Event): void;
  figures?(figures: Figures): void;
}

/** Keeps a `FleetModel` up to date for as long as the page is open, and knows what this browser may do. */
export class FleetWatch {
  readonly api: ApiClient;
  readonly model = new FleetModel();
  connection: Connection = 'connecting';
  /** undefined: the server has not said yet. */
  access: Access | undefined;
  /** ms by which the server's clock is ahead of this machine's. */
  clockOffset = 0;

  readonly #feed: LiveFeed;
  readonly #redraws = new Set<() => void>();
  readonly #listeners = new Set<WatchListener>();
  readonly #toRefresh = new Set<string>();
  #redrawIsDue = false;
  #listedAt = -Infinity;

  constructor(api: ApiClient) {
    this.api = api;
    this.#feed = new LiveFeed(api.address('events?figures=true'), {
      opened: () => this.#opened(),
      event: (event) => this.#event(event),
      figures: (figures) => this.#figures(figures),
      lost: () => void this.#lost(),
    });
  }

  async start(): Promise<void> {
    setInterval(() => void this.#refresh(), REFRESH_MS);
    setInterval(() => void this.#askNodes(), NODES_MS);
    await this.askAccess();
    if (this.access?.mayRead !== false) this.#feed.open();
  }

  /** Time on the server, ms since 1970. */
  now(): number {
    return Date.now() + this.clockOffset;
  }

  /** Calls back, at most once per picture that the screen shows, when anything has changed. */
  onChange(redraw: () => void): () => void {
    this.#redraws.add(redraw);
    return () => void this.#redraws.delete(redraw);
  }

  /** Every event and all figures, as they come. */
  listen(listener: WatchListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @throws ApiError with the server's reason */
  async signIn(token: string): Promise<void> {
    await this.api.post('login', { token });
    await this.askAccess();
    this.#feed.open();
  }

  async signOut(): Promise<void> {
    await this.#quietly(() => this.api.post('logout'));
    await this.askAccess();
    if (this.access?.mayRead === false) this.#feed.close();
  }

  async askAccess(): Promise<void> {
    try {
      this.access = await this.api.get<Access>('access');
    } catch {
      // The feed says that the server is away, and asks again.
    }
    this.#changed();
  }

  #opened(): void {
    this.connection = 'live';
    this.#changed();
    void this.#list();
    void this.#askNodes();
    void this.#askRefusals();
  }

  async #lost(): Promise<void> {
    this.connection = 'lost';
    this.#changed();
    // Perhaps this browser may not read any more.
    await this.askAccess();
    if (this.access?.mayRead === false) this.#feed.close();
  }

  #event(event: Event): void {
    const channel = this.model.applyEvent(event);
    if (channel !== undefined) this.#toRefresh.add(channel);
    if (event.type.startsWith('node.')) void this.#askNodes();
    for (const listener of this.#listeners) listener.event?.(event);
    this.#changed();
  }

  #figures(figures: Figures): void {
    this.clockOffset = Date.parse(figures.at) - Date.now();
    for (const channel of this.model.applyFigures(figures)) this.#toRefresh.add(channel);
    for (const listener of this.#listeners) listener.figures?.(figures);
    this.#changed();
  }

  async #list(): Promise<void> {
    this.#listedAt = performance.now();
    this.#toRefresh.clear();
    await this.#quietly(async () => {
      this.model.replaceStreams(await this.api.get<StreamPage>(`streams?limit=${LIST_LIMIT}`));
      this.#changed();
      if (this.model.rows.size === 0 || this.model.rows.size > HISTORY_LIMIT) return;
      const withHistory = await this.api.get<StreamPage>(`streams?limit=${HISTORY_LIMIT}&history=true`);
      for (const stream of withHistory.streams) if (this.model.rows.has(stream.channel)) this.model.putStream(stream);
    });
  }

  async #refresh(): Promise<void> {
    if (this.#toRefresh.size === 0 || this.connection !== 'live') return;
    if (this.#toRefresh.size > LIST_INSTEAD_AT) {
      if (performance.now() - this.#listedAt > LIST_AGAIN_MS) await this.#list();
      return;
    }
    const channels = [...this.#toRefresh].slice(0, REFRESH_STREAMS);
    for (const channel of channels) this.#toRefresh.delete(channel);
    await Promise.all(channels.map((channel) => this.#askStream(channel)));
  }

  async #askStream(channel: string): Promise<void> {
    try {
      this.model.putStream(await this.api.get<StreamDetail>(`streams/${encodeURIComponent(channel)}`));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.model.removeStream(channel);
    }
    this.#changed();
  }

  #askNodes(): Promise<void> {
    if (this.connection !== 'live' || document.hidden) return Promise.resolve();
    return this.#quietly(async () => {
      this.model.nodes = await this.api.get<NodeList>('nodes');
    });
  }

  #askRefusals(): Promise<void> {
    return this.#quietly(async () => {
      this.model.refusals = (await this.api.get<RefusalList>('refusals')).refusals;
    });
  }

  /** What fails here is asked for again after the connection has come back, or after the next interval. */
  async #quietly(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) void this.askAccess();
    }
    this.#changed();
  }

  #changed(): void {
    if (this.#redrawIsDue) return;
    this.#redrawIsDue = true;
    requestAnimationFrame(() => {
      this.#redrawIsDue = false;
      for (const redraw of this.#redraws) redraw();
    });
  }
}
