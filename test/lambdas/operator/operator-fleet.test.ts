import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuditLog } from '../../../lambdas/operator/audit-log';
import { exchangeCommand } from '../../../lambdas/operator/command-exchange';
import { createOperatorHandler, type OrderOutcome } from '../../../lambdas/operator/operator-handler';
import { startDynamoDb, type DynamoDbStandIn } from '../../support/aws/dynamodb';
import { FleetOfFile } from '../../support/servers/fleet';
import { redisKinds } from '../../support/servers/redis-server';
import { MemoryLogger } from '../../support/memory-logger';

describe.each(redisKinds)('on a %s Redis', (kind) => {
  const ofFile = FleetOfFile.start({ nodes: 2, redis: { kind } });
  let dynamoDb: DynamoDbStandIn;
  let operate: (event: unknown, requestId: string) => Promise<OrderOutcome>;
  beforeAll(async () => {
    dynamoDb = await startDynamoDb();
    await dynamoDb.createTable('audit');
    const { port } = ofFile.fleet.redis;
    const { username, password } = ofFile.fleet.redis.login('operator');
    const address = { host: '127.0.0.1', port, username, tls: undefined };
    const handler = createOperatorHandler({
      exchange: (request) => exchangeCommand(request, { address, password, channel: 'rtmp_commands' }),
      read: () => Promise.reject(new Error('nobody reads here')),
      audit: new AuditLog(dynamoDb.client, 'audit'),
      log: new MemoryLogger(),
    });
    operate = async (event, requestId) => (await handler(event, requestId)) as OrderOutcome;
    const heard = ofFile.fleet.nodes.map((node) => node.waitForLog(/Listening for commands/));
    await Promise.all(heard);
  });
  afterAll(() => dynamoDb.stop());

  test('list says what is live on every node', async () => {
    const { fleet } = ofFile;
    await fleet.publisher(0, 'one');
    await fleet.publisher(1, 'two');
    const { answered, silent, replies = [] } = await operate({ command: 'list' }, 'list-1');
    expect([answered, silent]).toEqual([2, undefined]);
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

  test('a command that nobody can act on is answered by everybody', async () => {
    const result = await operate({ command: 'kill', channel: 'nobody-here' }, 'kill-2');
    expect(result).toEqual({ command: 'kill', channel: 'nobody-here', answered: 2, replies: [], audited: true });
  });

  test('a node that does not answer is named', async () => {
    const { fleet } = ofFile;
    fleet.node(1).program.signal('SIGSTOP');
    try {
      const { answered, silent, replies = [] } = await operate({ command: 'list' }, 'list-2');
      expect([answered, silent, replies.map(({ node }) => node)]).toEqual([1, ['n1'], ['n0']]);
    } finally {
      fleet.node(1).program.signal('SIGCONT');
    }
  });

  test('drain empties and ends the node it names, and everything is on record', async () => {
    const { fleet } = ofFile;
    expect(await operate({ command: 'drain', node: 'n1', reason: 'new kernel' }, 'drain-1')).toEqual({
      command: 'drain',
      node: 'n1',
      answered: expect.any(Number),
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
});
