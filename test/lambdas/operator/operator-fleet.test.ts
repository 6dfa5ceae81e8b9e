import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AuditLog } from '../../../lambdas/operator/audit-log';
import { exchangeCommand } from '../../../lambdas/operator/command-exchange';
import { createOperatorHandler, type OperatorHandler } from '../../../lambdas/operator/operator-handler';
import { startDynamoDb, type DynamoDbStandIn } from '../../support/dynamodb';
import { FleetOfFile } from '../../support/fleet';
import { MemoryLogger } from '../../support/memory-logger';

const ofFile = FleetOfFile.start({ nodes: 2 });
let dynamoDb: DynamoDbStandIn;
let operate: OperatorHandler;
beforeAll(async () => {
  dynamoDb = await startDynamoDb();
  await dynamoDb.createTable('audit');
  const { port } = ofFile.fleet.redis;
  const address = { host: '127.0.0.1', port, username: undefined, tls: undefined };
  operate = createOperatorHandler({
    exchange: (request) => exchangeCommand(request, { address, password: undefined, channel: 'rtmp_commands' }),
    audit: new AuditLog(dynamoDb.client, 'audit'),
    log: new MemoryLogger(),
  });
  const heard = ofFile.fleet.nodes.map((node) => node.waitForLog(/Listening for commands/));
  await Promise.all(heard);
});
afterAll(() => dynamoDb.stop());

test('list says what is live on every node', async () => {
  const { fleet } = ofFile;
  await fleet.publisher(0, 'one');
  await fleet.publisher(1, 'two');
  const { receivers, replies = [] } = await operate({ command: 'list' }, 'list-1');
  expect(receivers).toBe(2);
  const byNode = [...replies].sort((a, b) => a.node.localeCompare(b.node));
  expect(byNode).toMatchObject([
    { node: 'n0', command: 'list', streams: [{ channel: 'one', client: '127.0.0.1', players: 0 }] },
    { node: 'n1', command: 'list', streams: [{ channel: 'two' }] },
  ]);
});

test('kill tells which node ended the stream', async () => {
  const publisher = await ofFile.fleet.publisher(1, 'bad');
  expect(await operate({ command: 'kill', channel: 'bad' }, 'kill-1')).toMatchObject({
    replies: [{ node: 'n1', command: 'kill-session', channel: 'bad', detail: 'publisher disconnected' }],
  });
  await publisher.connection.closed;
});

test('block ends the stream and keeps its encoder out everywhere, until unblock', async () => {
  const { fleet } = ofFile;
  const publisher = await fleet.publisher(0, 'pirate');
  const blocked = await operate({ command: 'block', channel: 'pirate', seconds: 600, reason: 'pirate' }, 'block-1');
  expect(blocked.replies?.map(({ detail }) => detail).join()).toMatch(/publishers are kept out for 600 s/);
  await publisher.connection.closed;
  for (const at of [0, 1]) await expect(fleet.publisher(at, 'pirate')).rejects.toThrow(/blocked|closed/);
  expect(await operate({ command: 'unblock', channel: 'pirate' }, 'unblock-1')).toMatchObject({
    replies: [{ command: 'unblock', channel: 'pirate', detail: 'publishers are let in again' }],
  });
  await fleet.publisher(1, 'pirate');
});

test('drain empties and ends the node it names, and everything is on record', async () => {
  const { fleet } = ofFile;
  expect(await operate({ command: 'drain', node: 'n1', reason: 'new kernel' }, 'drain-1')).toEqual({
    command: 'drain',
    node: 'n1',
    receivers: 2,
    replies: [{ node: 'n1', command: 'drain', channel: '', detail: 'draining' }],
    audited: true,
  });
  expect(await fleet.node(1).exited).toMatchObject({ code: 0 });
  const { Items: items = [] } = await dynamoDb.client.send(new ScanCommand({ TableName: 'audit' }));
  const recordOf = (id: string) => items.find(({ requestId }) => requestId?.S === id);
  expect(recordOf('drain-1')).toMatchObject({
    command: { S: 'drain' },
    node: { S: 'n1' },
    reason: { S: 'new kernel' },
    actedOn: { L: [{ S: 'n1' }] },
  });
  expect(recordOf('block-1')).toMatchObject({ channel: { S: 'pirate' }, seconds: { N: '600' } });
  expect(recordOf('list-1')).toBeDefined();
});
