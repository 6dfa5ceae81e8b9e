import type { HealthState } from '../../http/api/schemas/health';
import type { StreamRow } from './fleet-model';

export type SortColumn =
  'channel' | 'node' | 'since' | 'source' | 'video' | 'keyframes' | 'bitrate' | 'players' | 'health';

export interface ListOrder {
  readonly column: SortColumn;
  readonly descending: boolean;
}

export interface ListFilter {
  /** Words that must all occur. */
  readonly search: string;
  /** undefined: any. */
  readonly health: HealthState | undefined;
  /** Id; undefined: any. */
  readonly node: string | undefined;
}

const BY_URGENCY: Readonly<Record<HealthState, number>> = { bad: 0, noData: 1, ok: 2, good: 3 };

type Key = string | number;

const KEYS: Readonly<Record<SortColumn, (row: StreamRow) => Key>> = {
  channel: ({ channelKey }) => channelKey,
  node: ({ stream }) => stream.node,
  since: ({ stream }) => stream.since,
  source: ({ stream }) => `${stream.client.encoder.toLowerCase()} ${stream.client.address}`,
  video: ({ stream }) => (stream.video?.width ?? 0) * (stream.video?.height ?? 0),
  keyframes: ({ stream }) => stream.video?.keyframeIntervalSeconds ?? 0,
  bitrate: ({ stream }) => stream.bitrateKbps,
  players: ({ stream }) => stream.players,
  health: ({ stream }) => BY_URGENCY[stream.health.state],
};

/** The rows that pass the filter, in order; rows that are equal in the column are ordered by channel. */
export function listStreams(rows: Iterable<StreamRow>, filter: ListFilter, order: ListOrder): StreamRow[] {
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  const keyOf = KEYS[order.column];
  const found: { readonly row: StreamRow; readonly key: Key }[] = [];
  for (const row of rows) {
    if (filter.health !== undefined && row.stream.health.state !== filter.health) continue;
    if (filter.node !== undefined && row.stream.node !== filter.node) continue;
    if (words.every((word) => row.searchText.includes(word))) found.push({ row, key: keyOf(row) });
  }
  const sign = order.descending ? -1 : 1;
  found.sort((a, b) => {
    if (a.key !== b.key) return a.key < b.key ? -sign : sign;
    return a.row.channelKey < b.row.channelKey ? -1 : 1;
  });
  return found.map(({ row }) => row);
}

/** What a click on a column's head leads to: the other direction, or the column in its usual direction. */
export function orderAfterClick(order: ListOrder, column: SortColumn): ListOrder {
  if (order.column === column) return { column, descending: !order.descending };
  const largestFirst = column === 'bitrate' || column === 'players' || column === 'video' || column === 'keyframes';
  return { column, descending: largestFirst || column === 'since' };
}
