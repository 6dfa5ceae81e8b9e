import type { Answer } from './questions';
import type { StreamFigures } from './schemas/figures';
import type { HealthState } from './schemas/health';
import type { Stream, StreamPage } from './schemas/stream';
import type { StreamQuery } from './schemas/stream-query';

type StreamAnswers = readonly { readonly answer: Answer<'streams'> }[];

/** The worst first. */
const BADNESS: Readonly<Record<HealthState, number>> = { bad: 0, noData: 1, ok: 2, good: 3 };

/** The fleet's streams, each once, with the players of all nodes. */
export function mergeStreams(answers: StreamAnswers): Stream[] {
  return merge(
    answers.map(({ answer }) => answer),
    (stream, other) => stream.state === 'live' && other.state === 'held',
  );
}

/** The same for figures. */
export function mergeFigures(answers: readonly NonNullable<Answer<'feed'>['figures']>[]): StreamFigures[] {
  return merge(answers, () => false);
}

/** @param replaces whether to show one of two reports of a channel, which a moving stream has for a moment */
function merge<S extends { readonly channel: string; readonly players: number }>(
  answers: readonly { readonly streams: readonly S[]; readonly relayed: Answer<'streams'>['relayed'] }[],
  replaces: (stream: S, other: S) => boolean,
): S[] {
  const players = new Map<string, number>();
  const streams = new Map<string, S>();
  for (const { streams: own, relayed } of answers) {
    for (const { channel, players: count } of [...own, ...relayed]) {
      players.set(channel, (players.get(channel) ?? 0) + count);
    }
    for (const stream of own) {
      const other = streams.get(stream.channel);
      if (other === undefined || replaces(stream, other)) streams.set(stream.channel, stream);
    }
  }
  return [...streams.values()].map((stream) => ({ ...stream, players: players.get(stream.channel) ?? 0 }));
}

/** Filters and sorts the streams, and cuts out one page. */
export function pageOf(
  streams: readonly Stream[],
  { q, node, health, sort, offset, limit }: StreamQuery,
): Pick<StreamPage, 'streams' | 'total' | 'offset' | 'limit'> {
  const text = q?.toLowerCase() ?? '';
  const matching = streams.filter(
    (stream) =>
      (node === undefined || stream.node === node) &&
      (health === undefined || stream.health.state === health) &&
      (text === '' || searched(stream).some((field) => field.toLowerCase().includes(text))),
  );
  const descending = sort.startsWith('-');
  const compare = COMPARE[(descending ? sort.slice(1) : sort) as keyof typeof COMPARE];
  const sign = descending ? -1 : 1;
  matching.sort((a, b) => sign * compare(a, b) || byChannel(a, b));
  return { streams: matching.slice(offset, offset + limit), total: matching.length, offset, limit };
}

function searched({ channel, streamId, client }: Stream): string[] {
  return [channel, streamId, client.encoder, client.address];
}

const COMPARE = {
  channel: byChannel,
  since: (a: Stream, b: Stream) => order(a.since, b.since),
  node: (a: Stream, b: Stream) => order(a.node, b.node),
  bitrate: (a: Stream, b: Stream) => a.bitrateKbps - b.bitrateKbps,
  players: (a: Stream, b: Stream) => a.players - b.players,
  health: (a: Stream, b: Stream) => BADNESS[a.health.state] - BADNESS[b.health.state],
};

function byChannel(a: Stream, b: Stream): number {
  return order(a.channel, b.channel);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
