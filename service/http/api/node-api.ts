import type { EventBus } from '../../events/event-bus';
import { timeOfId } from '../../events/event-ids';
import type { HealthMonitor } from '../../health/health-monitor';
import type { Hub } from '../../hub/hub';
import type { Publication } from '../../hub/publication';
import type { LifeStore } from '../../leases/life-store';
import { flvFile } from './keyframe-file';
import type { LoadMeter } from './node-load';
import type { Answer, Ask, NodeAnswer, Question } from './questions';
import type { StreamOutputs } from './stream-outputs';
import type { Node } from './schemas/node';
import type { OutputOrder } from './schemas/output-order';
import { viewStream } from './stream-view';

/** Most events of one answer. */
const MAX_EVENTS = 1_000;
const CHANNEL_EVENTS = 100;
/** Least time between two events about the players of a channel (ms). */
const PLAYERS_MS = 5_000;

const NOT_HERE = { acted: false, detail: 'the publisher is not on this node' };
const NO_OUTPUTS = {
  acted: false,
  detail: 'This node forwards, records and packages nothing: set OUTPUTS=YES, or RECORD_TO, and restart it',
};

export interface NodeApiOptions {
  readonly hub: Hub;
  readonly events: EventBus;
  readonly store: Pick<LifeStore, 'self'>;
  readonly load: LoadMeter;
  /** Publishers that fill this node. */
  readonly slots: number;
  /** Outgoing chunk size. */
  readonly chunkSize: number;
  /** Whether the stream's publisher is, or was last, a client of this node. */
  readonly isOwn: (publication: Publication) => boolean;
  readonly health: Pick<HealthMonitor, 'report' | 'history'>;
  /** What is known of this node besides its streams. */
  readonly about: () => Pick<
    Node,
    'machine' | 'reason' | 'ready' | 'draining' | 'protected' | 'version' | 'since' | 'connections'
  >;
  /** Carries out an operator's command on this node. */
  readonly order: (text: string) => Promise<Answer<'order'>>;
  /** undefined: this node has no program of outputs. */
  readonly outputs?: StreamOutputs | undefined;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** Answers what the API wants to know of this node. */
export class NodeApi {
  readonly #options: NodeApiOptions;
  readonly #players = new Map<string, { count: number; toldAt: number }>();

  constructor(options: NodeApiOptions) {
    this.#options = options;
  }

  async answer(question: Question): Promise<NodeAnswer> {
    return { node: this.#options.store.self.id, answer: await this.#answer(question) };
  }

  /** Measures the load, and tells of changed numbers of players. To be called once a second (ms). */
  tick(now: number): void {
    this.#options.load.tick(now);
    this.#tellPlayers(now);
  }

  #answer(question: Question): Answer<Ask> | Promise<Answer<Ask>> {
    switch (question.ask) {
      case 'streams':
        return this.#streams(question.history);
      case 'channel':
        return this.#channel(question.channel);
      case 'keyframe':
        return this.#keyframe(question.channel);
      case 'node':
        return this.#node();
      case 'refusals':
        return { refusals: this.#options.events.refusals() };
      case 'feed':
        return this.#feed(question.after[this.#options.store.self.id], question.figures);
      case 'events':
        return { events: this.#eventsSince(question.sinceMs) };
      case 'order':
        return this.#options.order(question.text);
      case 'output':
        return this.#output(question.channel, question.order);
    }
  }

  #streams(history: boolean): Answer<'streams'> {
    const answer: Answer<'streams'> = { streams: [], relayed: [] };
    const { hub, isOwn, health } = this.#options;
    for (const publication of hub.publications()) {
      const { channel, stream } = publication;
      if (!isOwn(publication)) answer.relayed.push({ channel, players: stream.viewerCount });
      else {
        const view = this.#view(publication);
        answer.streams.push(history ? { ...view, history: health.history(publication) } : view);
      }
    }
    return answer;
  }

  #channel(channel: string): Answer<'channel'> {
    const { hub, events, isOwn, health } = this.#options;
    const publication = hub.find(channel)?.publication ?? undefined;
    const own = publication && isOwn(publication) ? publication : undefined;
    return {
      stream: own ? { ...this.#view(own), history: health.history(own) } : null,
      players: publication?.stream.viewerCount ?? 0,
      events: events.of(channel, CHANNEL_EVENTS),
      refusals: events.refusals(channel),
    };
  }

  #keyframe(channel: string): Answer<'keyframe'> {
    const { hub, isOwn, chunkSize } = this.#options;
    const publication = hub.find(channel)?.publication;
    const encoded = publication && isOwn(publication) ? publication.stream.keyframe() : undefined;
    return { flv: encoded === undefined ? null : flvFile(encoded, chunkSize).toString('base64') };
  }

  #node(): Node {
    const { hub, store, load, about, slots, now } = this.#options;
    const { id, host } = store.self;
    return {
      id,
      host,
      reachable: true,
      ...about(),
      streams: hub.publicationCount,
      slots,
      players: hub.viewerCount,
      load: load.read(now()),
    };
  }

  async #output(channel: string, order: OutputOrder): Promise<Answer<'output'>> {
    const { hub, isOwn, outputs } = this.#options;
    const publication = hub.find(channel)?.publication;
    if (!publication || !isOwn(publication)) return { ...NOT_HERE, isHere: false };
    return { ...((await outputs?.order(channel, order)) ?? NO_OUTPUTS), isHere: true };
  }

  #feed(after: string | undefined, figures: boolean): Answer<'feed'> {
    const { events } = this.#options;
    const fresh = after === undefined ? [] : events.since(after).slice(-MAX_EVENTS);
    return { events: fresh, newest: fresh.at(-1)?.id ?? events.newest, figures: figures ? this.#figures() : null };
  }

  #figures(): NonNullable<Answer<'feed'>['figures']> {
    const { streams, relayed } = this.#streams(false);
    return {
      streams: streams.map(({ channel, node, bitrateKbps, video, players, health }) => ({
        channel,
        node,
        bitrateKbps,
        fps: video?.fps ?? null,
        keyframeIntervalSeconds: video?.keyframeIntervalSeconds ?? null,
        players,
        health: health.state,
      })),
      relayed,
    };
  }

  #eventsSince(sinceMs: number): Answer<'events'>['events'] {
    const all = this.#options.events.since();
    return all.filter(({ id }) => timeOfId(id) >= sinceMs).slice(-MAX_EVENTS);
  }

  #view(publication: Publication): Answer<'streams'>['streams'][number] {
    const { store, health, outputs, now } = this.#options;
    return viewStream(publication, {
      node: store.self.id,
      report: health.report(publication),
      outputs: outputs?.statuses(publication.channel) ?? [],
      now: now(),
    });
  }

  #tellPlayers(now: number): void {
    const { hub, events } = this.#options;
    for (const { channel, stream } of hub.publications()) {
      const players = stream.viewerCount;
      const last = this.#players.get(channel);
      if (players === (last?.count ?? 0) || now - (last?.toldAt ?? -Infinity) < PLAYERS_MS) continue;
      this.#players.set(channel, { count: players, toldAt: now });
      events.tell({ type: 'stream.players', channel, players });
    }
    for (const channel of this.#players.keys()) {
      if (!hub.find(channel)?.publication) this.#players.delete(channel);
    }
  }
}
