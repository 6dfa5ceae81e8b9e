import type { EventFeed } from './event-feed';
import { explain } from './explain';
import type { FleetView } from './fleet-view';
import { listNodes } from './node-list';
import { giveOrder } from './orders';
import { giveOutputOrder } from './output-orders';
import { ApiProblem } from './problems';
import type { EventPage } from './schemas/event-page';
import type { Explanation } from './schemas/explain';
import type { NodeList } from './schemas/node';
import type { OrderResult } from './schemas/order';
import type { OutputOrder } from './schemas/output-order';
import type { RefusalList } from './schemas/refusal-list';
import type { StreamDetail, StreamPage } from './schemas/stream';
import type { StreamQuery } from './schemas/stream-query';
import { mergeStreams, pageOf } from './stream-pages';

const CHANNEL_EVENTS = 100;

/** Answers the operations of the API for the whole fleet; knows nothing of HTTP. */
export class Api {
  readonly fleet: FleetView;
  readonly #feed: EventFeed;

  constructor(fleet: FleetView, feed: EventFeed) {
    this.fleet = fleet;
    this.#feed = feed;
  }

  async streams(query: StreamQuery): Promise<StreamPage> {
    const history = query.history === 'true';
    const { answers, unanswered } = await this.fleet.ask({ ask: 'streams', history });
    return { ...pageOf(mergeStreams(answers), query), at: now(), unanswered };
  }

  async stream(channel: string): Promise<StreamDetail> {
    const { answers, unanswered } = await this.fleet.ask({ ask: 'channel', channel });
    const found = answers.flatMap(({ answer: { stream } }) => (stream === null ? [] : [stream]));
    const stream = found.find(({ state }) => state === 'live') ?? found[0];
    if (stream === undefined) throw notLive(channel, unanswered.length);
    const watched = answers.filter(({ answer }) => answer.players > 0);
    const events = answers.flatMap(({ answer }) => answer.events);
    events.sort((a, b) => (a.id < b.id ? 1 : -1));
    return {
      ...stream,
      players: watched.reduce((sum, { answer }) => sum + answer.players, 0),
      playersByNode: watched.map(({ node, answer }) => ({ node, players: answer.players })),
      events: events.slice(0, CHANNEL_EVENTS),
      unanswered,
    };
  }

  /** An FLV file. */
  async keyframe(channel: string): Promise<Buffer> {
    const { answers, unanswered } = await this.fleet.ask({ ask: 'keyframe', channel });
    const flv = answers.find(({ answer }) => answer.flv !== null)?.answer.flv ?? undefined;
    if (flv !== undefined) return Buffer.from(flv, 'base64');
    const silent = unanswered.length === 0 ? '' : ` ${unanswered.length} nodes did not answer.`;
    throw new ApiProblem('noKeyframe', `No keyframe of the channel ${channel} is in a GOP cache now.${silent}`);
  }

  async explain(channel: string): Promise<Explanation> {
    const [record, answers] = await Promise.all([
      this.fleet.machine.standing(channel),
      this.fleet.ask({ ask: 'channel', channel }),
    ]);
    return explain(channel, record, answers);
  }

  nodes(): Promise<NodeList> {
    return listNodes(this.fleet);
  }

  async refusals(): Promise<RefusalList> {
    const { answers, unanswered } = await this.fleet.ask({ ask: 'refusals' });
    const refusals = answers.flatMap(({ answer }) => answer.refusals);
    refusals.sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1));
    return { refusals, at: now(), unanswered };
  }

  async events(channel: string | undefined): Promise<EventPage> {
    const { events, unanswered } = await this.#feed.recent(0);
    const wanted = events.filter((event) => channel === undefined || ('channel' in event && event.channel === channel));
    return { events: wanted, at: now(), unanswered };
  }

  end(channel: string): Promise<OrderResult> {
    return giveOrder(this.fleet, 'end', { verb: 'kill-session', channel });
  }

  close(channel: string, streamId: string): Promise<OrderResult> {
    return giveOrder(this.fleet, 'close', { verb: 'close-stream', channel, streamIds: [streamId] });
  }

  block(channel: string, seconds: number): Promise<OrderResult> {
    return giveOrder(this.fleet, 'block', { verb: 'block', channel, seconds });
  }

  unblock(channel: string): Promise<OrderResult> {
    return giveOrder(this.fleet, 'unblock', { verb: 'unblock', channel });
  }

  output(channel: string, order: OutputOrder): Promise<OrderResult> {
    return giveOutputOrder(this.fleet, channel, order);
  }

  drain(node: string): Promise<OrderResult> {
    return giveOrder(this.fleet, 'drain', { verb: 'drain', node });
  }
}

function now(): string {
  return new Date().toISOString();
}

function notLive(channel: string, unanswered: number): ApiProblem {
  const silent = unanswered === 0 ? '' : ` ${unanswered} nodes did not answer.`;
  return new ApiProblem(
    'noStream',
    `No stream is live on the channel ${channel}; /api/v1/streams/${channel}/explain says why.${silent}`,
  );
}
