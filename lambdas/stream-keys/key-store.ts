import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  paginateScan,
  PutItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { toItem, type Item, type StorableValue } from '../shared/attribute-values';
import {
  activityAttributes,
  CHANNEL_PREFIX_VALUE,
  channelKey,
  channelRecordOf,
  type ChannelRecord,
} from '../shared/channel-record';
import { updateIf } from '../shared/conditional-update';
import { SESSION_PREFIX_VALUE, sessionRecordOf, type SessionRecord } from '../shared/session-record';

/** Attributes of a record; undefined removes one. */
export type Attributes = Readonly<Record<string, StorableValue>>;

/**
 * The owners' side of the keys table. Every change increments `revision`, so that no start is accepted by old rules.
 */
export class KeyStore {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
  ) {}

  /** False when there is such a channel already. */
  async create(channel: string, attributes: Attributes, now: Date): Promise<boolean> {
    const time = now.toISOString();
    const item = toItem({ ...attributes, revision: 1, createdAt: time, updatedAt: time });
    return this.#unlessConditionFails(
      new PutItemCommand({
        TableName: this.tableName,
        Item: { ...channelKey(channel), ...item },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
  }

  /** Sets attributes, and removes those that are undefined; false when there is no such channel. */
  async change(channel: string, set: Attributes, now: Date, setFrom: Record<string, string> = {}): Promise<boolean> {
    return updateIf(this.client, this.tableName, channelKey(channel), {
      set: { ...set, updatedAt: now.toISOString() },
      setFrom: { ...setFrom, revision: '#revision + :one' },
      condition: 'attribute_exists(#keyHash)',
      compare: { one: 1 },
    });
  }

  /** Frees the channel, whatever stream holds it. */
  async release(channel: string, now: Date): Promise<boolean> {
    return this.change(channel, activityAttributes(undefined), now);
  }

  async delete(channel: string): Promise<boolean> {
    return this.#unlessConditionFails(
      new DeleteItemCommand({
        TableName: this.tableName,
        Key: channelKey(channel),
        ConditionExpression: 'attribute_exists(pk)',
      }),
    );
  }

  async get(channel: string): Promise<ChannelRecord | undefined> {
    const command = new GetItemCommand({ TableName: this.tableName, Key: channelKey(channel), ConsistentRead: true });
    const { Item: item } = await this.client.send(command);
    return item && channelRecordOf(item);
  }

  /** All channels, by name. Reads the whole table, history included. */
  async channels(): Promise<ChannelRecord[]> {
    const items = await this.#scan('begins_with(pk, :prefix)', { ':prefix': CHANNEL_PREFIX_VALUE });
    return items.map(channelRecordOf).sort((a, b) => (a.channel < b.channel ? -1 : 1));
  }

  /** The channel's sessions that have not expired, newest first. Reads the whole table. */
  async sessions(channel: string): Promise<SessionRecord[]> {
    const values = { ':prefix': SESSION_PREFIX_VALUE, ':channel': { S: channel } };
    const items = await this.#scan('begins_with(pk, :prefix) AND channel = :channel', values);
    return items.map(sessionRecordOf).sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  }

  async #scan(filter: string, values: Item): Promise<Item[]> {
    const items: Item[] = [];
    const pages = paginateScan(
      { client: this.client },
      { TableName: this.tableName, FilterExpression: filter, ExpressionAttributeValues: values },
    );
    for await (const page of pages) items.push(...(page.Items ?? []));
    return items;
  }

  async #unlessConditionFails(command: PutItemCommand | DeleteItemCommand): Promise<boolean> {
    try {
      // The overloads of `send` take one command type each.
      await (command instanceof PutItemCommand ? this.client.send(command) : this.client.send(command));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}
