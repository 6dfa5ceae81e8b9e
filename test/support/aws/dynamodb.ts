import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { standInClientOptions } from './stand-in-identity';

/** DynamoDB on a free loopback port, in memory. */
export interface DynamoDbStandIn {
  /** For AWS_ENDPOINT_URL_DYNAMODB. */
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  /** Makes an on-demand table with the partition key `pk` and waits until it takes items. */
  createTable(name: string): Promise<void>;
  /** The item under `pk`, undefined when there is none. */
  getItem(table: string, pk: string): Promise<Record<string, AttributeValue> | undefined>;
  stop(): Promise<void>;
}

export async function startDynamoDb(): Promise<DynamoDbStandIn> {
  const server = dynalite({ createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new DynamoDBClient(standInClientOptions(endpoint));

  const createTable = async (name: string): Promise<void> => {
    await client.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      }),
    );
    for (;;) {
      const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
      if (Table?.TableStatus === 'ACTIVE') return;
    }
  };

  return {
    endpoint,
    client,
    createTable,
    async getItem(table, pk) {
      const command = new GetItemCommand({ TableName: table, Key: { pk: { S: pk } }, ConsistentRead: true });
      return (await client.send(command)).Item;
    },
    async stop() {
      client.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
