import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { useEnvironment } from '../../../support/environment';
import { RtmpClient } from '../../../support/rtmp/rtmp-client';
import { startSecretsManager, type SecretsManagerStandIn } from '../../../support/aws/secrets-manager';
import { STAND_IN_ENVIRONMENT } from '../../../support/aws/stand-in-identity';
import {
  createTestCertificate,
  temporaryDirectory,
  type TestCertificate,
} from '../../../support/servers/test-certificates';
import { startTestNode, type TestNode } from '../../../support/servers/test-node';

const environment = useEnvironment();
const directory = temporaryDirectory();
let first: TestCertificate;
let second: TestCertificate;
beforeAll(() => {
  first = createTestCertificate(directory.path, 'first');
  second = createTestCertificate(directory.path, 'second');
});
afterAll(() => directory.remove());

let keeper: SecretsManagerStandIn;
beforeEach(async () => {
  keeper = await startSecretsManager();
  environment.set({ ...STAND_IN_ENVIRONMENT, AWS_ENDPOINT_URL_SECRETS_MANAGER: keeper.endpoint });
});
afterEach(() => keeper.stop());

async function commonName(node: TestNode): Promise<string | undefined> {
  const socket = connect({ port: node.ports.rtmps!, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

async function put(arn: string, value: string): Promise<void> {
  await keeper.client.send(new PutSecretValueCommand({ SecretId: arn, SecretString: value }));
}

describe('a certificate kept in secrets', () => {
  test('serves RTMPS and is replaced while a stream goes on', async () => {
    const [cert, key] = [keeper.createSecret('cert', first.cert), keeper.createSecret('key', first.key)];
    const node = await startTestNode({ SSL_CERT_ARN: cert, SSL_KEY_ARN: key, SSL_CHECK_RELOAD_SECONDS: '1' });
    const to = { port: node.ports.rtmps!, channel: 'live', key: 'k' };
    const publisher = await RtmpClient.publisher({ ...to, tls: { ca: first.cert, rejectUnauthorized: true } });
    await put(key, second.key);
    await node.log.waitFor(/^warning new TLS certificate cannot be used, the old one stays/);
    await put(cert, second.cert);
    await node.log.waitFor(/^info TLS certificate in use .*CN=second/);
    expect(await commonName(node)).toBe('second');
    await publisher.roundTrip();
    await publisher.close();
  });

  test('may be two fields of one secret, replaced at one stroke', async () => {
    const both = ({ cert, key }: TestCertificate): string => JSON.stringify({ cert, key });
    const arn = keeper.createSecret('pair', both(first));
    const node = await startTestNode({ SSL_CERT_ARN: arn, SSL_KEY_ARN: arn, SSL_CHECK_RELOAD_SECONDS: '1' });
    expect(await commonName(node)).toBe('first');
    await put(arn, both(second));
    await node.log.waitFor(/^info TLS certificate in use .*CN=second/);
    expect(await commonName(node)).toBe('second');
    expect(node.log.matching(/^warning/)).toEqual([]);
  });

  test('may stand beside a key in a file', async () => {
    const cert = keeper.createSecret('cert', first.cert);
    const node = await startTestNode({ SSL_CERT_ARN: cert, SSL_KEY: first.keyPath });
    expect(await commonName(node)).toBe('first');
  });

  test('stays as it was while Secrets Manager is away', async () => {
    const arn = keeper.createSecret('pair', JSON.stringify(first));
    const node = await startTestNode({ SSL_CERT_ARN: arn, SSL_KEY_ARN: arn, SSL_CHECK_RELOAD_SECONDS: '1' });
    await keeper.stop();
    await node.log.waitFor(/^warning new TLS certificate cannot be used, the old one stays/, 15_000);
    expect(await commonName(node)).toBe('first');
  });

  test('that is of no use keeps the service from starting, with the reason', async () => {
    const [cert, key] = [keeper.createSecret('cert', first.cert), keeper.createSecret('key', second.key)];
    await expect(startTestNode({ SSL_CERT_ARN: cert, SSL_KEY_ARN: key })).rejects.toThrow(
      /^RTMPS cannot start, its certificate cannot be used: .*another certificate/,
    );
  });
});
