import { ConditionalCheckFailedException, UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Item } from './attribute-values';
import { updateExpression, type ItemChange } from './update-expression';

/** Changes one item atomically; false when its condition did not hold and nothing was changed. */
export async function updateIf(
  client: DynamoDBClient,
  tableName: string,
  key: Item,
  change: ItemChange,
): Promise<boolean> {
  try {
    await client.send(new UpdateItemCommand({ TableName: tableName, Key: key, ...updateExpression(change) }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
