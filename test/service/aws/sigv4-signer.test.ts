import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import { CallbackClient, type CallbackAnswer } from '../../../service/auth/callback-client';
import { lambdaSigner } from '../../../service/aws/sigv4-signer';
import { useEnvironment } from '../../support/environment';
import { startFunctionUrl, type FunctionUrl } from '../../support/aws/function-url';
import { MemoryLogger } from '../../support/memory-logger';
import { STAND_IN_CREDENTIALS, STAND_IN_ENVIRONMENT, STAND_IN_REGION } from '../../support/aws/stand-in-identity';

const environment = useEnvironment();
let log: MemoryLogger;
let events: LambdaFunctionURLEvent[];
let functionUrl: FunctionUrl;
const clients: CallbackClient[] = [];
beforeEach(async () => {
  log = new MemoryLogger();
  events = [];
  functionUrl = await startFunctionUrl(
    (event) => {
      events.push(event);
      return Promise.resolve({ statusCode: 200, headers: { 'stream-id': 'st-1' } });
    },
    { iam: { ...STAND_IN_CREDENTIALS, region: STAND_IN_REGION, service: 'lambda' } },
  );
  environment.set(STAND_IN_ENVIRONMENT);
});
afterEach(async () => {
  clients.splice(0).forEach((client) => client.close());
  await functionUrl.stop();
});

function post(client: CallbackClient, timeoutMs = 5_000): Promise<CallbackAnswer> {
  return client.post('e30.e30.c2ln', timeoutMs);
}

function newClient(path = '', region = STAND_IN_REGION): CallbackClient {
  const client = new CallbackClient({ url: new URL(path, functionUrl.url), sign: lambdaSigner(region, log) });
  clients.push(client);
  return client;
}

describe('a signed callback', () => {
  test('is let through by AWS with its token', async () => {
    await expect(post(newClient())).resolves.toMatchObject({ outcome: 'answered', status: 200 });
    expect(events[0]!.headers).toMatchObject({ 'rtmp-event': 'e30.e30.c2ln', 'content-length': '0' });
    expect(events[0]!.headers['authorization']).toMatch(/SignedHeaders=[^,]*\bhost;rtmp-event\b/);
    expect(functionUrl.denied).toEqual([]);
  });

  test.each(['hooks/rtmp', 'a%20b/c', '?site=1&empty=&twice=2&twice=1', 'x?name=a%20b%2Fc'])(
    'is so too for %j behind the host',
    async (path) => {
      await expect(post(newClient(path))).resolves.toMatchObject({ status: 200 });
      expect(functionUrl.denied).toEqual([]);
    },
  );

  test('carries the session token of a role', async () => {
    environment.set({ AWS_SESSION_TOKEN: 'a-role-was-assumed' });
    await expect(post(newClient())).resolves.toMatchObject({ status: 200 });
    expect(events[0]!.headers['x-amz-security-token']).toBe('a-role-was-assumed');
    expect(events[0]!.headers['authorization']).toContain('x-amz-security-token');
  });

  test('for another region is turned away by AWS', async () => {
    await expect(post(newClient('', 'us-east-1'))).resolves.toMatchObject({ status: 403 });
    expect(functionUrl.denied).toEqual(['scope is us-east-1/lambda']);
  });

  test('uses the role of a task on ECS, and its next credentials once the first run out', async () => {
    const role = await startTaskRole();
    environment.unset('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY');
    environment.set({ AWS_CONTAINER_CREDENTIALS_FULL_URI: role.uri });
    const client = newClient();
    await expect(post(client)).resolves.toMatchObject({ status: 200 });
    role.next('AKIDNEXT');
    // Fetched during the requests, none of which waits for it.
    while (functionUrl.denied.length === 0) await post(client);
    expect(functionUrl.denied).toEqual(['unknown access key']);
    role.stop();
  });

  test('without credentials is not sent, and the log says why, once', async () => {
    environment.unset('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY');
    environment.set({ AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nonexistent' });
    const client = newClient();
    const unsigned = { outcome: 'unreachable', reason: 'the request could not be signed' };
    await expect(post(client)).resolves.toEqual(unsigned);
    await expect(post(client)).resolves.toEqual(unsigned);
    expect(events).toEqual([]);
    expect(log.matching(/^error the callback request cannot be signed for AWS .*Credentials/)).toHaveLength(1);
  });

  test('whose credentials never come is given up in its own time', async () => {
    const role = await startTaskRole({ silent: true });
    environment.unset('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY');
    environment.set({ AWS_CONTAINER_CREDENTIALS_FULL_URI: role.uri });
    await expect(post(newClient(), 100)).resolves.toEqual({ outcome: 'timed-out' });
    role.stop();
  });
});

/** The credentials endpoint of a task; its credentials are always about to expire. */
async function startTaskRole({ silent = false } = {}) {
  let accessKeyId = STAND_IN_CREDENTIALS.accessKeyId;
  const server = createServer((_request, response) => {
    if (silent) return;
    const answer = {
      AccessKeyId: accessKeyId,
      SecretAccessKey: STAND_IN_CREDENTIALS.secretAccessKey,
      Token: 'task-token',
      Expiration: new Date(Date.now() + 60_000).toISOString(),
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/credentials`,
    next: (id: string) => void (accessKeyId = id),
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
