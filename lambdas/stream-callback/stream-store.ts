import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Item } from '../shared/attribute-values';
import {
  activityAttributes,
  channelKey,
  channelRecordOf,
  type ActiveStream,
  type ChannelRecord,
} from '../shared/channel-record';
import { updateIf } from '../shared/conditional-update';
import type { StopEvent } from '../shared/event-claims';
import { sessionKey, sessionRecordOf, type SessionRecord } from '../shared/session-record';
import type { AcceptedStart } from './decide';

/** The records that a decision on a start needs. */
export interface StartContext {
  readonly record: ChannelRecord | undefined;
  readonly earlier: SessionRecord | undefined;
}

/** What was made with an older pepper, made with the newest; undefined: it is not to be replaced. */
export interface Renewed {
  readonly keyHash?: string | undefined;
  readonly sealedForward?: string | undefined;
}

function given(renewed: Renewed): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(renewed).filter(([, value]) => value !== undefined));
}

/** Which stream holds which channel, and the history of sessions, in the keys table. */
export class StreamStore {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
    /** How long a session stays in the history after its last event. */
    private readonly sessionTtlSeconds: number,
  ) {}

  /**
   * Reads the session first and the channel after that: a concurrent delivery of the same event writes them in the
   * reverse order, so if the session is found, the second read finds its channel, too.
   */
  async read(channel: string, streamId: string): Promise<StartContext> {
    const sessionItem = await this.#get(sessionKey(streamId));
    const channelItem = await this.#get(channelKey(channel));
    return {
      record: channelItem && channelRecordOf(channelItem),
      earlier: sessionItem && sessionRecordOf(sessionItem),
    };
  }

  /**
   * Gives the channel to the stream, if neither its owner's rules nor its active stream have changed since
   * `decision.record` was read; false when they have, and the decision must be made again.
   */
  async hold(decision: AcceptedStart, stream: ActiveStream, renewed: Renewed = {}): Promise<boolean> {
    const { record } = decision;
    if (decision.kind === 'repeat') return true;
    const seen = record.active?.streamId;
    return updateIf(this.client, this.tableName, channelKey(record.channel), {
      set: { ...activityAttributes(stream), ...given(renewed) },
      condition: `#revision = :revision AND ${
        seen === undefined ? 'attribute_not_exists(#activeStreamId)' : '#activeStreamId = :seen'
      } AND (attribute_not_exists(#lastOver) OR #lastOver <> :streamId)`,
      compare: { revision: record.revision, streamId: stream.streamId, ...(seen === undefined ? {} : { seen }) },
    });
  }

  /**
   * Writes the start into the history: a new or continued session, and the session that it replaced. The replaced
   * session's own record may not be written yet, so each start writes its part whether or not the record exists.
   */
  async recordStart(decision: AcceptedStart, stream: ActiveStream, now: Date): Promise<void> {
    const { kind, record } = decision;
    const { channel } = record;
    const { streamId, startedAt, clientIp, rtmpHost } = stream;
    if (kind === 'resume') {
      await this.#writeSession(streamId, { channel, clientIp, rtmpHost, resumedAt: now.toISOString() }, now);
      return;
    }
    const superseded = kind === 'new' ? record.active?.streamId : undefined;
    await Promise.all([
      this.#writeSession(streamId, { channel, startedAt, clientIp, rtmpHost }, now),
      superseded === undefined ? undefined : this.#writeSession(superseded, { channel, supersededBy: streamId }, now),
    ]);
  }

  /**
   * Frees the channel if this stream still holds it, and closes its session; true when it held the channel. Repeated
   * and late stops change nothing: another stream may have the channel by now.
   */
  async end({ channel, streamId }: StopEvent, now: Date): Promise<boolean> {
    const [freed] = await Promise.all([
      updateIf(this.client, this.tableName, channelKey(channel), {
        set: activityAttributes(undefined),
        condition: '#activeStreamId = :streamId',
        compare: { streamId },
      }),
      updateIf(this.client, this.tableName, sessionKey(streamId), {
        set: { endedAt: now.toISOString(), ttl: this.#expiry(now) },
        condition: '#channel = :channel AND attribute_not_exists(#endedAt)',
        compare: { channel },
      }),
    ]);
    return freed;
  }

  /**
   * Ends the stream that a start began, if any, and keeps the start from beginning one later: its server has given up
   * the start without knowing its result. True when that stream held the channel.
   *
   * @param streamId the id of the stream that this start began, if it did
   */
  async endStart(channel: string, streamId: string, now: Date): Promise<boolean> {
    if ((await this.#get(channelKey(channel))) === undefined) return false;
    // A start that is handled after this finds its session ended.
    await updateIf(this.client, this.tableName, sessionKey(streamId), {
      set: { channel, endedAt: now.toISOString(), ttl: this.#expiry(now) },
      condition: 'attribute_not_exists(#endedAt)',
    });
    // A start that has read the session before this can no longer write the channel, and reads again.
    await updateIf(this.client, this.tableName, channelKey(channel), { set: { lastOver: streamId } });
    return updateIf(this.client, this.tableName, channelKey(channel), {
      set: activityAttributes(undefined),
      condition: '#activeStreamId = :streamId',
      compare: { streamId },
    });
  }

  async #get(key: Item): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: this.tableName, Key: key, ConsistentRead: true });
    return (await this.client.send(command)).Item;
  }

  async #writeSession(streamId: string, set: Record<string, string | undefined>, now: Date): Promise<void> {
    await updateIf(this.client, this.tableName, sessionKey(streamId), { set: { ...set, ttl: this.#expiry(now) } });
  }

  #expiry(now: Date): number {
    return Math.floor(now.getTime() / 1000) + this.sessionTtlSeconds;
  }
}
