import { startDynamoDb, type DynamoDbStandIn } from '../../support/aws/dynamodb';
import type { CloudAssembly } from '../synthesis/cloud-assembly';
import type { TemplateValues } from '../synthesis/template-values';
import type { Home } from './api-resources';

/** DynamoDB with the tables of the templates. */
export async function startTables(
  assembly: CloudAssembly,
  values: TemplateValues,
  { region, account }: Home,
): Promise<DynamoDbStandIn> {
  const dynamoDb = await startDynamoDb();
  for (const table of assembly.ofType('AWS::DynamoDB::GlobalTable')) {
    const keySchema = JSON.stringify(table.properties['KeySchema']);
    if (keySchema !== '[{"AttributeName":"pk","KeyType":"HASH"}]') {
      throw new Error(`${table.logicalId} has the key ${keySchema}; only "pk" is supported`);
    }
    const name = `${table.stack}-${table.logicalId}`;
    await dynamoDb.createTable(name);
    const arn = `arn:aws:dynamodb:${region}:${account}:table/${name}`;
    values.provide(table, { ref: name, attributes: { Arn: arn } });
  }
  return dynamoDb;
}
