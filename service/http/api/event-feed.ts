import type { ServerResponse } from 'node:http';
import { addressGroup } from '../../addresses/address-group';
import { timeOfId } from '../../events/event-ids';
import { encodeEvent, EventClient } from './event-client';
import type { FleetAnswers, FleetView } from './fleet-view';
import { ApiProblem } from './problems';
import type { Event } from './schemas/event';
import type { EventPage } from './schemas/event-page';
import type { EventQuery, Figures } from './schemas/figures';
import { mergeFigures } from './stream-pages';

export interface EventFeedTiming {
  /** How often all nodes are asked while there are clients (ms). */
  readonly roundMs: number;
  /** Every so many rounds with figures. */
  readonly figureRounds: number;
  /** A line that keeps quiet connections open (ms). */
  readonly heartbeatMs: number;
}

const DEFAULT_TIMING: EventFeedTiming = { roundMs: 1_000, figureRounds: 2, heartbeatMs: 15_000 };
const MAX_CLIENTS = 128;
/** Of one address: 50 consoles behind one router, and some scripts. */
const MAX_CLIENTS_PER_ADDRESS = 64;
/** Events of other nodes may have arrived this much later than those that the client had (ms). */
const OVERLAP_MS = 5_000;
/** Of the events that a client missed, it gets the newest: more unread bytes than EventClient allows would end it. */
const MAX_MISSED_BYTES = 512 * 1024;
const HEARTBEAT = Buffer.from(':\n\n');

/**
 * Sends the fleet's events, and the figures of its streams, to any number of clients: while there are clients, all nodes
 * are asked once a second, and each event is encoded once.
 */
export class EventFeed {
  readonly #fleet: FleetView;
  readonly #timing: EventFeedTiming;
  /** With the group of the client's address. */
  readonly #clients = new Map<EventClient, string>();
  /** By node: the newest event that was fetched. */
  #newest: Record<string, string> = {};
  #timer: NodeJS.Timeout | undefined;
  #round = 0;
  #heartbeatAt = 0;
  #closed = false;

  constructor(fleet: FleetView, timing: EventFeedTiming = DEFAULT_TIMING) {
    this.#fleet = fleet;
    this.#timing = timing;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /**
   * Sends events from now on, after those since `lastId`, which the client had; of very many, the newest.
   *
   * @throws ApiProblem when there are too many clients
   */
  async add(response: ServerResponse, address: string, query: EventQuery, lastId?: string): Promise<void> {
    const group = addressGroup(address);
    const ofGroup = [...this.#clients.values()].filter((other) => other === group).length;
    if (this.#clients.size >= MAX_CLIENTS || ofGroup >= MAX_CLIENTS_PER_ADDRESS) {
      throw new ApiProblem('tooManyClients', 'Too many clients follow the events of this node: close some of them.', {
        'retry-after': '5',
      });
    }
    const client = new EventClient({ response, channel: query.channel, figures: query.figures === 'true' });
    this.#clients.set(client, group);
    response.once('close', () => this.#clients.delete(client));
    this.#run();
    const sinceMs = timeOfId(lastId ?? '');
    if (lastId === undefined || Number.isNaN(sinceMs)) return;
    const { events } = await this.recent(sinceMs - OVERLAP_MS);
    const missed = events.filter(({ id }) => !isKnown(id, lastId));
    const wanted = newestOf(missed.filter((event) => isWanted(client, event)).map(encode), MAX_MISSED_BYTES);
    if (wanted.length > 0) client.send(Buffer.concat(wanted));
  }

  /** The events that nodes still have. */
  async recent(sinceMs: number): Promise<Pick<EventPage, 'events' | 'unanswered'>> {
    const { answers, unanswered } = await this.#fleet.ask({ ask: 'events', sinceMs });
    return { events: sorted(answers.map(({ answer }) => answer.events)), unanswered };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const client of this.#clients.keys()) client.end();
    this.#clients.clear();
  }

  /** Begins to ask the nodes, unless it does already. */
  #run(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#newest = {};
    this.#round = 0;
    const next = async (): Promise<void> => {
      await this.#ask();
      if (this.#closed) return;
      this.#timer = this.#clients.size === 0 ? undefined : setTimeout(() => void next(), this.#timing.roundMs);
    };
    this.#timer = setTimeout(() => void next(), 0);
  }

  async #ask(): Promise<void> {
    const wantsFigures = [...this.#clients.keys()].some(({ figures }) => figures);
    const figures = wantsFigures && this.#round % this.#timing.figureRounds === 0;
    this.#round += 1;
    const fed = await this.#fleet.ask({ ask: 'feed', after: this.#newest, figures });
    for (const { node, answer } of fed.answers) this.#newest[node] = answer.newest;
    this.#forward(sorted(fed.answers.map(({ answer }) => answer.events)));
    if (figures) this.#sendFigures(fed);
    this.#keepOpen();
  }

  #forward(events: readonly Event[]): void {
    if (events.length === 0) return;
    const all = Buffer.concat(events.map(encode));
    for (const client of this.#clients.keys()) {
      if (client.channel === undefined) client.send(all);
      else this.#send(client, events);
    }
  }

  #send(client: EventClient, events: readonly Event[]): void {
    const wanted = events.filter((event) => isWanted(client, event));
    if (wanted.length > 0) client.send(Buffer.concat(wanted.map(encode)));
  }

  #sendFigures({ answers, unanswered }: FleetAnswers<'feed'>): void {
    const streams = mergeFigures(answers.flatMap(({ answer }) => answer.figures ?? []));
    const figures: Figures = { at: new Date().toISOString(), streams, unanswered };
    const bytes = encodeEvent('figures', figures);
    // Who has not read the last figures does not need these.
    for (const client of this.#clients.keys()) if (client.figures && client.isIdle) client.send(bytes);
  }

  #keepOpen(): void {
    const now = performance.now();
    if (now - this.#heartbeatAt < this.#timing.heartbeatMs) return;
    this.#heartbeatAt = now;
    for (const client of this.#clients.keys()) client.send(HEARTBEAT);
  }
}

function encode(event: Event): Buffer {
  return encodeEvent(event.type, event, event.id);
}

function isWanted({ channel }: EventClient, event: Event): boolean {
  return channel === undefined || ('channel' in event && event.channel === channel);
}

/** As many of the last ones as have together at most so many bytes. */
function newestOf(encoded: readonly Buffer[], maxBytes: number): readonly Buffer[] {
  let bytes = 0;
  let first = encoded.length;
  while (first > 0 && bytes + encoded[first - 1]!.length <= maxBytes) {
    first -= 1;
    bytes += encoded[first]!.length;
  }
  return encoded.slice(first);
}

function sorted(lists: readonly (readonly Event[])[]): Event[] {
  return lists.flat().sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Whether a client whose last event was `lastId` had this one: ids of one process are in the order of its events. */
function isKnown(id: string, lastId: string): boolean {
  return id.split('-')[1] === lastId.split('-')[1] && id <= lastId;
}
