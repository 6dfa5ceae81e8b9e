import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { cacheAccess } from '../../../infra/cache/cache-access';
import { AuditLog } from '../../../lambdas/operator/audit-log';
import { exchangeCommand } from '../../../lambdas/operator/command-exchange';
import type { CommandOutcome } from '../../../service/operators/exchange/command-exchange';
import { publishCommand } from '../../../lambdas/operator/command-publisher';
import { createOperatorHandler, type OperatorHandler } from '../../../lambdas/operator/operator-handler';
import type { OrderRequest } from '../../../lambdas/operator/operator-request';
import { readRedisPassword } from '../../../lambdas/operator/redis-password';
import { startDynamoDb, type DynamoDbStandIn } from '../../support/aws/dynamodb';
import { MemoryLogger } from '../../support/memory-logger';
import { RedisServer } from '../../support/servers/redis-server';
import { startSecretsManager, type SecretsManagerStandIn } from '../../support/aws/secrets-manager';
import { createTestCa, type TestCa } from '../../support/servers/test-ca';

const PASSWORD = 'password-of-the-command-channel';
const CHANNEL = 'rtmp_commands';
/** What the deployed user may do, and nothing else. */
const ACL = [`user default >${PASSWORD} ${cacheAccess(CHANNEL).operator}`];

let ca: TestCa;
let redis: RedisServer;
let dynamoDb: DynamoDbStandIn;
let secretsManager: SecretsManagerStandIn;
let passwordArn: string;
const log = new MemoryLogger();

beforeAll(async () => {
  ca = createTestCa();
  redis = await RedisServer.start({ tls: ca, acl: ACL });
  dynamoDb = await startDynamoDb();
  await dynamoDb.createTable('audit');
  secretsManager = await startSecretsManager();
  passwordArn = secretsManager.createSecret('redis', JSON.stringify({ username: 'default', password: PASSWORD }));
});
afterAll(async () => {
  await Promise.all([redis.remove(), dynamoDb.stop(), secretsManager.stop()]);
  ca.remove();
});

function address(more: { port?: number } = {}) {
  return { host: '127.0.0.1', port: redis.port, username: undefined, tls: { ca: ca.ca }, ...more };
}

const noReading = (): Promise<never> => Promise.reject(new Error('nobody reads here'));
type Exchange = (request: OrderRequest) => Promise<CommandOutcome>;

const overRedis: Exchange = async (request) => {
  const password = await readRedisPassword(secretsManager.client, passwordArn);
  return exchangeCommand(request, { address: address(), password, channel: CHANNEL, replyMs: 500 });
};

function operator(exchange: Exchange = overRedis, audit = new AuditLog(dynamoDb.client, 'audit')): OperatorHandler {
  return createOperatorHandler({ exchange, read: noReading, audit, log });
}

async function auditOf(requestId: string): Promise<Record<string, AttributeValue> | undefined> {
  const { Items: items = [] } = await dynamoDb.client.send(new ScanCommand({ TableName: 'audit' }));
  return items.find((item) => item['requestId']?.S === requestId);
}

describe('a command', () => {
  test('reaches every subscribed node over TLS, with the rights of the deployed user, and is audited', async () => {
    await redis.withClient(
      async (subscriber) => {
        await subscriber.subscribe(CHANNEL);
        const heard: string[] = [];
        subscriber.on('message', (_channel, message) => heard.push(message));
        const killed = await operator()({ command: 'kill', channel: 'news', reason: 'abuse' }, 'request-1');
        const closed = await operator()({ command: 'close', channel: 'news', streamId: 'id-7' }, 'request-2');
        expect(killed).toEqual({ command: 'kill', channel: 'news', answered: 0, replies: [], audited: true });
        expect(closed).toEqual({ command: 'close', channel: 'news', answered: 0, replies: [], audited: true });
        while (heard.length < 2) await once(subscriber, 'message');
        expect(heard).toEqual(['kill-session>news', 'close-stream>news|id-7']);
      },
      { password: PASSWORD },
    );
    expect(await auditOf('request-1')).toMatchObject({
      pk: { S: expect.stringMatching(/^AUDIT#\d{4}-.*#request-1$/) },
      command: { S: 'kill' },
      channel: { S: 'news' },
      reason: { S: 'abuse' },
      answered: { N: '0' },
      ttl: { N: expect.stringMatching(/^\d{10}$/) },
    });
    expect(await auditOf('request-2')).toMatchObject({ streamId: { S: 'id-7' } });
  });

  test('that nobody hears says so', async () => {
    expect(await operator()({ command: 'kill', channel: 'news' }, 'request-3')).toMatchObject({
      answered: 0,
      replies: [],
    });
  });

  test('is given even when the audit table is away, and says so', async () => {
    const broken = new AuditLog(dynamoDb.client, 'no-such-table');
    const result = await operator(undefined, broken)({ command: 'kill', channel: 'news' }, 'request-4');
    expect(result).toMatchObject({ answered: 0, audited: false });
    expect(log.matching(/audit record not written.*request-4/)).toHaveLength(1);
  });

  test('that could not be published fails, and the attempt is audited', async () => {
    const failing: Exchange = () => Promise.reject(new Error('no Redis'));
    await expect(operator(failing)({ command: 'kill', channel: 'news' }, 'request-5')).rejects.toThrow('no Redis');
    expect(await auditOf('request-5')).toMatchObject({ error: { S: 'Error: no Redis' } });
  });
});

test('a server that lets nobody hear replies gets the command all the same, and the result says nothing of them', async () => {
  const old = await RedisServer.start({ acl: [`user default on >${PASSWORD} resetchannels &${CHANNEL} +@all`] });
  const plain = { host: '127.0.0.1', port: old.port, username: undefined, tls: undefined };
  const exchange: Exchange = (request) =>
    exchangeCommand(request, { address: plain, password: PASSWORD, channel: CHANNEL });
  const result = await operator(exchange)({ command: 'kill', channel: 'news' }, 'request-6');
  expect(result).toEqual({ command: 'kill', channel: 'news', audited: true });
  expect(log.matching(/replies cannot be heard.*NOPERM/)).toHaveLength(1);
  await old.remove();
});

describe('a request is refused before anything is published', () => {
  test.each<[unknown, RegExp]>([
    [undefined, /command must be one of kill, close, block, unblock, drain, list, read/],
    [{ command: 'reboot', channel: 'news' }, /command must be one of kill, close, block, unblock, drain, list, read/],
    [{ command: 'toString', channel: 'news' }, /command must be one of kill, close, block, unblock, drain, list, read/],
    [{ command: 'kill' }, /channel must be a name/],
    [{ command: 'kill', channel: 'news|x' }, /channel must be a name/],
    [{ command: 'kill', channel: 'news>x' }, /channel must be a name/],
    [{ command: 'kill', channel: ['news'] }, /channel must be a name/],
    [{ command: 'kill', channel: 'news', streamId: 'x' }, /kill takes no "streamId"/],
    [{ command: 'close', channel: 'news' }, /streamId must be a name/],
    [{ command: 'close', channel: 'news', streamId: 'a\nb', force: true }, /close takes no "force"; streamId must be/],
    [{ command: 'block', channel: 'news' }, /seconds must be a whole number from 1 to 604800/],
    [{ command: 'block', channel: 'news', seconds: 604_801 }, /seconds must be/],
    [{ command: 'block', channel: 'news', seconds: '60' }, /seconds must be/],
    [{ command: 'unblock', channel: 'a b' }, /channel must be a name/],
    [{ command: 'drain', channel: 'news' }, /drain takes no "channel"; node must be the id of a node/],
    [{ command: 'drain', node: 'n0>x' }, /node must be the id/],
    [{ command: 'list', channel: 'news' }, /list takes no "channel"/],
    [{ command: 'kill', channel: 'news', reason: 'x'.repeat(501) }, /reason must be a text/],
  ])('%j', async (request, message) => {
    let published = 0;
    const exchange: Exchange = () => Promise.resolve({ answered: (published += 1), replies: [] });
    await expect(operator(exchange)(request, 'request')).rejects.toThrow(message);
    expect(published).toBe(0);
  });
});

describe('Redis that does not work is reported clearly and never with the password', () => {
  const silent = createServer();
  afterEach(() => {
    silent.close();
  });

  const failure = async (promise: Promise<void>): Promise<string> => {
    const message = await promise.then(
      () => 'published',
      (error: unknown) => String(error),
    );
    expect(message).not.toContain(PASSWORD);
    return message;
  };

  test('a wrong password', async () => {
    const message = await failure(publishCommand(address(), 'wrong-password', CHANNEL, 'kill-session>news'));
    expect(message).toMatch(/^CommandNotPublished: Redis at 127\.0\.0\.1:\d+ did not take the command: .*WRONGPASS/);
    expect(message).not.toContain('wrong-password');
  });

  test('another channel than the user may use', async () => {
    expect(await failure(publishCommand(address(), PASSWORD, 'other', 'x'))).toMatch(/NOPERM/);
  });

  test('nobody there', async () => {
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    silent.close();
    expect(await failure(publishCommand(address({ port }), PASSWORD, CHANNEL, 'x'))).toMatch(/ECONNREFUSED/);
  });

  test('a certificate of somebody else', async () => {
    const elsewhere = { ...address(), tls: { ca: undefined } };
    expect(await failure(publishCommand(elsewhere, PASSWORD, CHANNEL, 'x'))).toMatch(/certificate/);
  });

  test('a server that takes the connection and says nothing', async () => {
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket.on('error', () => undefined)));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const plain = { ...address({ port }), tls: undefined };
    expect(await failure(publishCommand(plain, PASSWORD, CHANNEL, 'x', 200))).toMatch(/no answer within 200 ms/);
    for (const socket of sockets) socket.destroy();
  });
});
