import { PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { toItem } from '../shared/attribute-values';
import type { OrderRequest } from './operator-request';

/** An operator's command and its result. */
export interface AuditEntry {
  readonly request: OrderRequest;
  /** Id of the invocation; CloudTrail says who made it. */
  readonly requestId: string;
  /** How many nodes answered, and ids of registered nodes that did not. */
  readonly answered?: number;
  readonly silent?: readonly string[];
  /** Ids of the nodes that said they acted; absent when replies could not be received. */
  readonly actedOn?: readonly string[];
  readonly error?: string;
}

const RETENTION_SECONDS = 400 * 86_400;

/** Records operators' commands, one item per command under `pk` = `AUDIT#<time>#<request id>`. */
export class AuditLog {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
  ) {}

  async write({ request, requestId, answered, silent, actedOn, error }: AuditEntry, now: Date): Promise<void> {
    const at = now.toISOString();
    const item = toItem({
      pk: `AUDIT#${at}#${requestId}`,
      at,
      requestId,
      command: request.command,
      channel: 'channel' in request ? request.channel : undefined,
      streamId: 'streamId' in request ? request.streamId : undefined,
      seconds: 'seconds' in request ? request.seconds : undefined,
      node: 'node' in request ? request.node : undefined,
      reason: request.reason,
      answered,
      silent: silent?.length ? silent : undefined,
      // Every node answers a list, so the names say nothing.
      actedOn: request.command === 'list' || !actedOn?.length ? undefined : actedOn,
      error,
      ttl: Math.floor(now.getTime() / 1000) + RETENTION_SECONDS,
    });
    await this.client.send(new PutItemCommand({ TableName: this.tableName, Item: item }));
  }
}
