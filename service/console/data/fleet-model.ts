import type { Event } from '../../http/api/schemas/event';
import type { Figures, StreamFigures } from '../../http/api/schemas/figures';
import type { HealthState } from '../../http/api/schemas/health';
import type { NodeList } from '../../http/api/schemas/node';
import type { Refusal } from '../../http/api/schemas/refusal';
import { REGISTRY } from '../../http/api/schemas/registry-name';
import type { Stream, StreamPage } from '../../http/api/schemas/stream';
import { History } from './history';
import { naturalKey } from './natural-key';

/** A live stream as a row of the list. */
export interface StreamRow {
  stream: Stream;
  /** kbit/s. */
  readonly bitrates: History;
  /** What the search looks through, in lower case. */
  searchText: string;
  /** Orders rows by channel as people do: `cam-9` before `cam-10`. */
  readonly channelKey: string;
  /** In how many figures in a row it was missing. */
  missed: number;
}

/** Points of a sparkline. */
const BITRATES_KEPT = 60;

/** Figures may have been collected just before a stream began, so a stream that is missing once has not ended yet. */
const MISSES_UNTIL_ENDED = 2;

const REFUSALS_KEPT = 200;

/** What the console knows of the fleet. The methods only compute: who asks the server for it is `FleetWatch`. */
export class FleetModel {
  readonly rows = new Map<string, StreamRow>();
  nodes: NodeList | undefined;
  /** The newest first. */
  refusals: readonly Refusal[] = [];
  /** False until the first list of streams has come. */
  loaded = false;
  /** Ids of nodes whose streams may be missing. */
  unanswered: readonly string[] = [];

  replaceStreams(page: StreamPage): void {
    const live = new Set(page.streams.map(({ channel }) => channel));
    this.unanswered = page.unanswered.map(({ node }) => node);
    for (const [channel, { stream }] of this.rows) {
      if (!live.has(channel) && !this.#isMissing(stream.node)) this.rows.delete(channel);
    }
    for (const stream of page.streams) this.putStream(stream);
    this.loaded = true;
  }

  putStream(stream: Stream): void {
    const known = this.rows.get(stream.channel);
    if (known !== undefined && isSameStream(known.stream, stream)) {
      known.stream = stream;
      known.searchText = searchTextOf(stream);
      known.missed = 0;
      if (stream.history !== undefined && known.bitrates.size < 2) fill(known.bitrates, stream);
      return;
    }
    const bitrates = new History(BITRATES_KEPT);
    fill(bitrates, stream);
    const channelKey = naturalKey(stream.channel);
    this.rows.set(stream.channel, { stream, bitrates, searchText: searchTextOf(stream), channelKey, missed: 0 });
  }

  /** Without the registry, no node but the answering one is known. */
  #isMissing(node: string): boolean {
    if (this.unanswered.includes(node)) return true;
    return this.unanswered.includes(REGISTRY) && node !== this.nodes?.answering;
  }

  removeStream(channel: string): void {
    this.rows.delete(channel);
  }

  /** @returns channels that live streams have and that are not known here yet, or not well enough */
  applyFigures(figures: Figures): string[] {
    const unknown: string[] = [];
    const at = Date.parse(figures.at);
    this.unanswered = figures.unanswered.map(({ node }) => node);
    for (const row of this.rows.values()) row.missed += 1;
    for (const one of figures.streams) {
      const row = this.rows.get(one.channel);
      if (row === undefined) {
        unknown.push(one.channel);
        continue;
      }
      row.missed = 0;
      row.bitrates.add(at, one.bitrateKbps);
      row.stream = withFigures(row.stream, one);
      if (isIncomplete(row.stream, one)) unknown.push(one.channel);
    }
    for (const [channel, { stream, missed }] of this.rows) {
      if (missed >= MISSES_UNTIL_ENDED && !this.#isMissing(stream.node)) this.rows.delete(channel);
    }
    return unknown;
  }

  /** @returns the channel to ask the server about; undefined when the event says all */
  applyEvent(event: Event): string | undefined {
    switch (event.type) {
      case 'publish.accepted':
        return event.channel;
      case 'publish.refused':
        this.#addRefusal(event);
        return undefined;
      case 'stream.held':
        return event.channel;
      case 'stream.ended': {
        const row = this.rows.get(event.channel);
        if (row?.stream.streamId === event.streamId && row.stream.node === event.node) this.rows.delete(event.channel);
        return undefined;
      }
      case 'stream.health': {
        const row = this.rows.get(event.channel);
        if (row !== undefined) row.stream = { ...row.stream, health: event.health };
        return undefined;
      }
      case 'publish.asked':
      case 'stream.players': // figures have the players of all nodes together
      case 'node.joined':
      case 'node.draining':
      case 'node.left':
      case 'recording.done': // the page of the stream shows its outputs
      case 'recording.failed':
      case 'forward.live':
      case 'forward.waiting':
      case 'forward.failed':
      case 'output.gap':
      case 'outputs.down':
      case 'outputs.up':
        return undefined;
    }
  }

  #addRefusal(event: Extract<Event, { type: 'publish.refused' }>): void {
    const { channel, address, node, code, reason, count, firstAt, sentence } = event;
    const isSame = (one: Refusal): boolean =>
      one.channel === channel && one.address === address && one.node === node && one.code === code;
    const refusal = { channel, address, node, code, reason, count, firstAt, lastAt: event.at, sentence };
    this.refusals = [refusal, ...this.refusals.filter((one) => !isSame(one))].slice(0, REFUSALS_KEPT);
  }
}

/** Sums over all rows, and how many there are of each health. */
export interface Totals {
  readonly streams: number;
  readonly bitrateKbps: number;
  readonly players: number;
  readonly byHealth: Readonly<Record<HealthState, number>>;
}

export function totalsOf(rows: Iterable<StreamRow>): Totals {
  const byHealth: Record<HealthState, number> = { good: 0, ok: 0, bad: 0, noData: 0 };
  let [streams, bitrateKbps, players] = [0, 0, 0];
  for (const { stream } of rows) {
    streams += 1;
    bitrateKbps += stream.bitrateKbps;
    players += stream.players;
    byHealth[stream.health.state] += 1;
  }
  return { streams, bitrateKbps, players, byHealth };
}

/** The server derives the start from its clock for each answer, so it may differ a little. */
const SAME_START_MS = 2_000;

function isSameStream(one: Stream, other: Stream): boolean {
  const apart = Math.abs(Date.parse(one.since) - Date.parse(other.since));
  return one.streamId === other.streamId && apart < SAME_START_MS;
}

function withFigures(stream: Stream, figures: StreamFigures): Stream {
  const { bitrateKbps, fps, keyframeIntervalSeconds, players, node } = figures;
  const health = { ...stream.health, state: figures.health };
  const video = stream.video === null ? null : { ...stream.video, fps, keyframeIntervalSeconds };
  return { ...stream, bitrateKbps, players, node, health, video };
}

/** Media flows, but what it is was not known when the server was asked last. */
function isIncomplete({ video, audio, state }: Stream, { bitrateKbps, fps }: StreamFigures): boolean {
  if (bitrateKbps === 0) return false;
  return state === 'held' || (video === null && fps !== null) || (video === null && audio === null);
}

function searchTextOf({ channel, streamId, node, client }: Stream): string {
  return `${channel}\n${streamId}\n${client.address}\n${client.encoder}\n${node}`.toLowerCase();
}

function fill(bitrates: History, { history }: Stream): void {
  if (history === undefined) return;
  const until = Date.parse(history.until);
  history.bitrateKbps.forEach((value, index) => {
    const age = (history.bitrateKbps.length - 1 - index) * history.stepSeconds * 1000;
    bitrates.add(until - age, value ?? Number.NaN);
  });
}
