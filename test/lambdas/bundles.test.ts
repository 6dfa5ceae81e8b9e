import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RedisServer } from '../support/servers/redis-server';
import { STAND_IN_ENVIRONMENT } from '../support/aws/stand-in-identity';
import { signEvent, startClaims, startLambdaFixture, type LambdaFixture } from './lambda-fixture';

const ROOT = resolve(__dirname, '../..');
const run = promisify(execFile);

let directory: string;
let fixture: LambdaFixture;
let redis: RedisServer;

/** Bundles a handler as it is deployed: CommonJS, minified, with the AWS SDK left to the runtime. */
async function bundle(name: string): Promise<string> {
  const outfile = join(directory, `${name}.js`);
  const options = ['--bundle', '--platform=node', '--format=cjs', '--target=node24', '--minify'];
  const more = ['--main-fields=module,main', '--external:@aws-sdk/*', '--log-level=warning', `--outfile=${outfile}`];
  const esbuild = join(ROOT, 'node_modules/.bin/esbuild');
  const { stderr } = await run(esbuild, [`lambdas/${name}/handler.ts`, ...options, ...more], { cwd: ROOT });
  expect(stderr.replace(/^npm warn.*$/gm, '').trim()).toBe('');
  return outfile;
}

/** Runs a bundle's handler once, in a separate process, with only these variables in its environment. */
async function invoke(name: string, environment: NodeJS.ProcessEnv, event: unknown): Promise<unknown> {
  const program = `require(process.argv[1]).handler(JSON.parse(process.argv[2]), { awsRequestId: 'bundled' })
    .then((result) => console.log('\\n' + JSON.stringify(result ?? null)))`;
  const args = ['--no-warnings', '-e', program, await bundle(name), JSON.stringify(event)];
  const env = {
    PATH: process.env['PATH'],
    ...STAND_IN_ENVIRONMENT,
    AWS_ENDPOINT_URL_DYNAMODB: fixture.dynamoDb.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: fixture.secretsManager.endpoint,
    ...environment,
  };
  const { stdout } = await run(process.execPath, args, { env });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
}

beforeAll(async () => {
  // Inside the repository, where the packages that are not bundled can be found.
  mkdirSync(join(ROOT, '.build'), { recursive: true });
  directory = mkdtempSync(join(ROOT, '.build/lambdas-'));
  fixture = await startLambdaFixture();
  redis = await RedisServer.start({ password: 'redis-password' });
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await Promise.all([fixture.stop(), redis.remove()]);
});

describe('a bundled handler works by its environment alone:', () => {
  test('stream-callback', async () => {
    const key = await fixture.createChannel('bundled');
    const environment = {
      TABLE_NAME: fixture.tableName,
      JWT_SECRET_ARN: fixture.jwtSecretArn,
      KEY_PEPPER_ARN: fixture.pepperArn,
    };
    const event = { headers: { 'rtmp-event': await signEvent(startClaims('bundled', key)) } };
    expect(await invoke('stream-callback', environment, event)).toMatchObject({
      statusCode: 200,
      headers: { 'stream-id': expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
  }, 30_000);

  test('operator', async () => {
    const environment = {
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: String(redis.port),
      REDIS_TLS: 'NO',
      REDIS_PASSWORD_ARN: fixture.secretsManager.createSecret('redis', 'redis-password'),
      AUDIT_TABLE_NAME: fixture.tableName,
    };
    expect(await invoke('operator', environment, { command: 'kill', channel: 'bundled' })).toEqual({
      command: 'kill',
      channel: 'bundled',
      answered: 0,
      replies: [],
      audited: true,
    });
  }, 30_000);

  test('stream-keys', async () => {
    const environment = { TABLE_NAME: fixture.tableName, KEY_PEPPER_ARN: fixture.pepperArn };
    const created = await invoke('stream-keys', environment, { command: 'create', channel: 'by-invocation' });
    expect(created).toMatchObject({ channel: 'by-invocation', key: expect.stringMatching(/^[\w-]{32}$/) });
  }, 30_000);

  test('rotate-secret', async () => {
    const { arn, token } = fixture.secretsManager.announceRotation(fixture.jwtSecretArn);
    const event = { SecretId: arn, ClientRequestToken: token, Step: 'createSecret' };
    expect(await invoke('rotate-secret', { CALLBACK_URL: 'https://callback.example.com/' }, event)).toBeNull();
    expect(fixture.secretsManager.calls).toContain('PutSecretValue');
  }, 30_000);

  test('canary', async () => {
    const key = JSON.stringify({ channel: 'canary', key: 'the-canary-key' });
    const environment = {
      // An HTTP server is no RTMP server: the check fails, without an exception.
      CANARY_TARGETS: JSON.stringify([{ name: 'rtmp', url: fixture.dynamoDb.endpoint.replace('http:', 'rtmp:') }]),
      CANARY_KEY_ARN: fixture.secretsManager.createSecret('canary', key),
    };
    expect(await invoke('canary', environment, {})).toMatchObject([{ listener: 'rtmp', success: false }]);
  }, 30_000);
});

test.each<[string, RegExp]>([
  ['stream-callback', /TABLE_NAME is not set; JWT_SECRET_ARN is not set; KEY_PEPPER_ARN is not set/],
  ['operator', /REDIS_HOST is not set; AUDIT_TABLE_NAME is not set/],
  ['stream-keys', /TABLE_NAME is not set; KEY_PEPPER_ARN is not set/],
  ['rotate-secret', /CALLBACK_URL is not set/],
  ['canary', /CANARY_TARGETS is not set; CANARY_KEY_ARN is not set/],
])(
  '%s without its settings ends with one message that names them all',
  async (name, message) => {
    await expect(invoke(name, {}, {})).rejects.toThrow(message);
  },
  30_000,
);
