import { textOf, type Item } from './attribute-values';

/** One publishing session in the history, under `pk` = `SESSION#<stream id>`; it expires by the table's `ttl`. */
export interface SessionRecord {
  readonly streamId: string;
  readonly channel: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly clientIp?: string | undefined;
  readonly rtmpHost?: string | undefined;
  /** When a publisher reconnected within the grace time and resumed this stream. */
  readonly resumedAt?: string | undefined;
  /** The stream that took the channel over while this one held it. */
  readonly supersededBy?: string | undefined;
  readonly endedAt?: string | undefined;
}

const SESSION_PREFIX = 'SESSION#';

export function sessionKey(streamId: string): Item {
  return { pk: { S: `${SESSION_PREFIX}${streamId}` } };
}

export const SESSION_PREFIX_VALUE = { S: SESSION_PREFIX };

export function sessionRecordOf(item: Item): SessionRecord {
  return {
    streamId: (textOf(item, 'pk') ?? '').slice(SESSION_PREFIX.length),
    channel: textOf(item, 'channel') ?? '',
    startedAt: textOf(item, 'startedAt') ?? '',
    clientIp: textOf(item, 'clientIp'),
    rtmpHost: textOf(item, 'rtmpHost'),
    resumedAt: textOf(item, 'resumedAt'),
    supersededBy: textOf(item, 'supersededBy'),
    endedAt: textOf(item, 'endedAt'),
  };
}
