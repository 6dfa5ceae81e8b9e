import { flagOf, listOf, numberOf, textOf, textsOf, type Item } from './attribute-values';
import { RECORD_CHOICES, type ChannelPolicy } from './channel-policy';

/** The stream that holds a channel now. */
export interface ActiveStream {
  readonly streamId: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly clientIp?: string | undefined;
  /** The node that serves the stream, as named in the event token. */
  readonly rtmpHost?: string | undefined;
  /** The id of the event that began the stream. */
  readonly startJti?: string | undefined;
  /** When the stream's last accepted start was first requested (seconds since the epoch). */
  readonly askedAt?: number | undefined;
}

/** One channel as the keys table holds it, under `pk` = `CH#<channel>`. */
export interface ChannelRecord {
  readonly channel: string;
  /** Peppered HMAC of the publishing key; the key itself is stored nowhere. */
  readonly keyHash: string;
  /** The key before the last rotation, while it is still valid. */
  readonly previousKey?: { readonly hash: string; readonly validUntil: number } | undefined;
  readonly policy: ChannelPolicy;
  /** The addresses of `policy.forward` with their keys, encrypted: see forward-targets.ts. */
  readonly sealedForward?: string | undefined;
  readonly active?: ActiveStream | undefined;
  /** Counts the owner's changes: a start that was decided under older rules is not recorded, but decided again. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

const CHANNEL_PREFIX = 'CH#';

export function channelKey(channel: string): Item {
  return { pk: { S: `${CHANNEL_PREFIX}${channel}` } };
}

/** For filters that select the channels among all items of the table. */
export const CHANNEL_PREFIX_VALUE = { S: CHANNEL_PREFIX };

/** The attributes that say which stream holds the channel: set by a start, removed (undefined) by its stop. */
export function activityAttributes(active: ActiveStream | undefined): Record<string, string | number | undefined> {
  return {
    activeStreamId: active?.streamId,
    startedAt: active?.startedAt,
    clientIp: active?.clientIp,
    rtmpHost: active?.rtmpHost,
    startJti: active?.startJti,
    askedAt: active?.askedAt,
  };
}

function activeStreamOf(item: Item): ActiveStream | undefined {
  const streamId = textOf(item, 'activeStreamId');
  if (streamId === undefined) return undefined;
  return {
    streamId,
    startedAt: textOf(item, 'startedAt') ?? '',
    clientIp: textOf(item, 'clientIp'),
    rtmpHost: textOf(item, 'rtmpHost'),
    startJti: textOf(item, 'startJti'),
    askedAt: numberOf(item, 'askedAt'),
  };
}

function policyOf(item: Item): ChannelPolicy {
  const whenBusy = textOf(item, 'whenBusy');
  return {
    // A record without the attribute was not written by this project: disabled until its owner enables it.
    enabled: flagOf(item, 'enabled') ?? false,
    whenBusy: whenBusy === 'takeover' || whenBusy === 'reject' ? whenBusy : undefined,
    allowedCidrs: textsOf(item, 'allowedCidrs'),
    notBefore: numberOf(item, 'notBefore'),
    notAfter: numberOf(item, 'notAfter'),
    playKey: textOf(item, 'playKey'),
    maxDurationSeconds: numberOf(item, 'maxDurationSeconds'),
    maxBitrateKbps: numberOf(item, 'maxBitrateKbps'),
    forward: listOf(item, 'forward'),
    record: RECORD_CHOICES.find((choice) => choice === textOf(item, 'record')),
    hls: flagOf(item, 'hls'),
  };
}

export function channelRecordOf(item: Item): ChannelRecord {
  const previousHash = textOf(item, 'previousKeyHash');
  return {
    channel: (textOf(item, 'pk') ?? '').slice(CHANNEL_PREFIX.length),
    keyHash: textOf(item, 'keyHash') ?? '',
    previousKey:
      previousHash === undefined
        ? undefined
        : { hash: previousHash, validUntil: numberOf(item, 'previousKeyValidUntil') ?? 0 },
    policy: policyOf(item),
    sealedForward: textOf(item, 'sealedForward'),
    active: activeStreamOf(item),
    revision: numberOf(item, 'revision') ?? 0,
    createdAt: textOf(item, 'createdAt') ?? '',
    updatedAt: textOf(item, 'updatedAt') ?? '',
  };
}
