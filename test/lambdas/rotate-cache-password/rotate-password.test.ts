import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { GetSecretValueCommand, PutSecretValueCommand, RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { CacheUsersApi, CacheUsersApiError } from '../../../lambdas/rotate-cache-password/cache-users-api';
import { rotatePassword } from '../../../lambdas/rotate-cache-password/rotate-password';
import type { PasswordRotationDependencies } from '../../../lambdas/rotate-cache-password/rotate-password';
import { loadRotationSettings } from '../../../lambdas/rotate-cache-password/rotation-settings';
import { parseRotationEvent } from '../../../lambdas/shared/rotation-event';
import { startSecretsManager } from '../../support/aws/secrets-manager';
import type { SecretsManagerStandIn } from '../../support/aws/secrets-manager';
import { signatureFault } from '../../support/aws/sigv4-check';
import { STAND_IN_CREDENTIALS, STAND_IN_REGION } from '../../support/aws/stand-in-identity';

/** ElastiCache's query protocol for one user, whose changes are complete only after several queries. */
class CacheStandIn {
  passwords: readonly string[] = ['old-password-0123456789'];
  looksUntilActive = 0;
  /** Changes that are refused because another user of the group is being changed. */
  busyFor = 0;
  refuseWith: string | undefined;
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const body = Buffer.concat(parts);
        const headers = request.headers as Record<string, string>;
        const signed = { method: request.method ?? '', target: request.url ?? '/', headers, body };
        const identity = { ...STAND_IN_CREDENTIALS, region: STAND_IN_REGION, service: 'elasticache' };
        const fault = signatureFault(signed, identity) ?? this.refuseWith;
        const busy = body.includes('Action=ModifyUser') && this.busyFor > 0;
        if (busy) {
          this.busyFor -= 1;
          response.writeHead(400).end('<Error><Code>InvalidUserState</Code></Error>');
        } else if (fault !== undefined) response.writeHead(400).end(`<Error><Code>${fault}</Code></Error>`);
        else response.end(this.answer(new URLSearchParams(body.toString())));
      });
    });
  }

  async start(): Promise<URL> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return new URL(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`);
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private answer(form: URLSearchParams): string {
    if (form.get('Action') === 'ModifyUser') {
      const given = [form.get('Passwords.member.1'), form.get('Passwords.member.2')];
      this.passwords = given.filter((password) => password !== null);
      this.looksUntilActive = 2;
    } else if (this.looksUntilActive > 0) this.looksUntilActive -= 1;
    const status = this.looksUntilActive > 0 ? 'modifying' : 'active';
    return (
      `<R><UserId>${form.get('UserId')}</UserId><Status>${status}</Status>` +
      `<Authentication><PasswordCount>${this.passwords.length}</PasswordCount></Authentication></R>`
    );
  }
}

describe('rotating the password of a user of the cache', () => {
  let secrets: SecretsManagerStandIn;
  let cache: CacheStandIn;
  let arn: string;
  let lines: string[];
  let dependencies: PasswordRotationDependencies;

  beforeEach(async () => {
    secrets = await startSecretsManager();
    cache = new CacheStandIn();
    const users = new CacheUsersApi(await cache.start(), secrets.client.config);
    arn = secrets.createSecret('service-password', 'old-password-0123456789');
    lines = [];
    const write = (message: string, fields?: object) => void lines.push(JSON.stringify({ message, ...fields }));
    dependencies = {
      client: secrets.client,
      users,
      userOf: new Map([[arn, 'rtmp-prod-service']]),
      log: { info: write, warning: write, error: write },
      attempts: 5,
      pauseMs: 1,
      sleep: () => Promise.resolve(),
    };
    // Each step twice: Secrets Manager repeats a step when it does not know the result.
    secrets.onRotation(arn, async (step) => {
      await rotatePassword(parseRotationEvent(step), dependencies);
      await rotatePassword(parseRotationEvent(step), dependencies);
    });
  });

  afterEach(async () => {
    cache.stop();
    await secrets.stop();
  });

  const current = async () =>
    (await secrets.client.send(new GetSecretValueCommand({ SecretId: arn, VersionStage: 'AWSCURRENT' }))).SecretString;

  const rotate = async (token: string) => {
    await secrets.client.send(new RotateSecretCommand({ SecretId: arn, ClientRequestToken: token }));
    await secrets.rotationsEnded();
  };

  test('the new one is in force only when the cache knows it, and the old one still opens the cache', async () => {
    await rotate('00000000-0000-4000-8000-000000000001');
    const password = await current();
    expect(password).toMatch(/^[0-9a-f]{64}$/);
    expect(cache.passwords).toEqual([password, 'old-password-0123456789']);
  });

  test('the one before last stops working', async () => {
    await rotate('00000000-0000-4000-8000-000000000001');
    const first = await current();
    await rotate('00000000-0000-4000-8000-000000000002');
    expect(cache.passwords).toEqual([await current(), first]);
  });

  test('when Secrets Manager tries out a new schedule, a user with its first password passes', async () => {
    const event = { SecretId: arn, ClientRequestToken: '00000000-0000-4000-8000-000000000001', Step: 'testSecret' };
    const pending = { SecretId: arn, ClientRequestToken: event.ClientRequestToken, VersionStages: ['AWSPENDING'] };
    await secrets.client.send(new PutSecretValueCommand({ ...pending, SecretString: 'tried-out-0123456789' }));
    await rotatePassword(parseRotationEvent(event), dependencies);
    expect(cache.passwords).toEqual(['old-password-0123456789']);
  });

  test('while another user of the group is being changed, it waits for its turn', async () => {
    cache.busyFor = 2;
    await rotate('00000000-0000-4000-8000-000000000001');
    expect(cache.passwords).toEqual([await current(), 'old-password-0123456789']);
  });

  test('one that stays busy leaves the old password in force', async () => {
    cache.busyFor = 1000;
    await expect(rotate('00000000-0000-4000-8000-000000000001')).rejects.toThrow('cannot be changed');
    expect(await current()).toBe('old-password-0123456789');
  });

  test('a cache that refuses leaves the old one in force, and no password reaches an error or a log', async () => {
    cache.refuseWith = 'InvalidParameterValue';
    await expect(rotate('00000000-0000-4000-8000-000000000001')).rejects.toThrow('InvalidParameterValue');
    expect(await current()).toBe('old-password-0123456789');
    cache.refuseWith = undefined;
    expect(lines.join('\n')).not.toMatch(/old-password|[0-9a-f]{64}/);
  });

  test('a secret that belongs to no user is refused', async () => {
    const event = { SecretId: 'arn:other', ClientRequestToken: 't', Step: 'setSecret' };
    const nobody = { userOf: new Map<string, string>() } as unknown as Parameters<typeof rotatePassword>[1];
    await expect(rotatePassword(parseRotationEvent(event), nobody)).rejects.toThrow('belongs to no user');
  });
});

test('an answer without a status is an error, not a guess', async () => {
  const server = createServer((_, response) => void response.end('<html>'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const identity = {
    region: () => Promise.resolve(STAND_IN_REGION),
    credentials: () => Promise.resolve(STAND_IN_CREDENTIALS),
  };
  const address = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await expect(new CacheUsersApi(address, identity as never).describe('u')).rejects.toThrow(CacheUsersApiError);
  server.closeAllConnections();
  server.close();
});

test('settings that cannot be used are named', () => {
  expect(() => loadRotationSettings({})).toThrow('AWS_REGION is not set; CACHE_USERS is not set');
  expect(() => loadRotationSettings({ AWS_REGION: 'eu-west-1', CACHE_USERS: '{}' })).toThrow('must be a JSON list');
  const { endpoint } = loadRotationSettings({
    AWS_REGION: 'cn-north-1',
    CACHE_USERS: '[{"secretArn":"a","userId":"b"}]',
  });
  expect(endpoint.hostname).toBe('elasticache.cn-north-1.amazonaws.com.cn');
});
