import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { toItem, type Item } from '../shared/attribute-values';
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

/** What the table knows that bears on a start. */
export interface StartContext {
  readonly record: ChannelRecord | undefined;
  readonly earlier: SessionRecord | undefined;
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
   * Reads the session before the channel, one after the other: a concurrent delivery of the same event writes them
   * the other way round, so that a session that is seen here has its channel in the second read.
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
   * Gives the channel to the stream, provided that neither its owner's rules nor its active stream have changed
   * since `decision.record` was read; false when they have, and the decision must be taken again.
   */
  async hold(decision: AcceptedStart, stream: ActiveStream, renewedHash: string | undefined): Promise<boolean> {
    const { record } = decision;
    if (decision.kind === 'repeat') return true;
    const seen = record.active?.streamId;
    return updateIf(this.client, this.tableName, channelKey(record.channel), {
      set: { ...activityAttributes(stream), ...(renewedHash === undefined ? {} : { keyHash: renewedHash }) },
      condition: `#revision = :revision AND ${
        seen === undefined ? 'attribute_not_exists(#activeStreamId)' : '#activeStreamId = :seen'
      }`,
      compare: { revision: record.revision, ...(seen === undefined ? {} : { seen }) },
    });
  }

  /** Writes the start into the history: a new session, or the continuation of one, and whom it replaced. */
  async recordStart(decision: AcceptedStart, stream: ActiveStream, now: Date): Promise<void> {
    const { kind, record } = decision;
    if (kind === 'resume') {
      await this.#changeSession(stream.streamId, { resumedAt: now.toISOString(), clientIp: stream.clientIp }, now);
      return;
    }
    const superseded = kind === 'new' ? record.active?.streamId : undefined;
    await Promise.all([
      this.#createSession(record.channel, stream, now),
      superseded === undefined ? undefined : this.#changeSession(superseded, { supersededBy: stream.streamId }, now),
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

  async #get(key: Item): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: this.tableName, Key: key, ConsistentRead: true });
    return (await this.client.send(command)).Item;
  }

  async #createSession(channel: string, stream: ActiveStream, now: Date): Promise<void> {
    const { startedAt, clientIp, rtmpHost } = stream;
    const session = { channel, startedAt, clientIp, rtmpHost };
    try {
      await this.client.send(
        new PutItemCommand({
          TableName: this.tableName,
          Item: { ...sessionKey(stream.streamId), ...toItem({ ...session, ttl: this.#expiry(now) }) },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }

  async #changeSession(streamId: string, set: Record<string, string | undefined>, now: Date): Promise<void> {
    await updateIf(this.client, this.tableName, sessionKey(streamId), {
      set: { ...set, ttl: this.#expiry(now) },
      condition: 'attribute_exists(#channel)',
    });
  }

  #expiry(now: Date): number {
    return Math.floor(now.getTime() / 1000) + this.sessionTtlSeconds;
  }
}
