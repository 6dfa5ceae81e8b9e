import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { runCanary } from '../../../lambdas/canary/canary';
import { loadCanaryConfig } from '../../../lambdas/canary/canary-config';
import { readCanaryKey } from '../../../lambdas/canary/canary-key';
import { registerKey } from '../../../lambdas/canary/register-key';
import type { ListenerResult } from '../../../lambdas/canary/canary-metrics';
import { roundTrip } from '../../../service/round-trip/round-trip';
import { hashStreamKey } from '../../../lambdas/shared/stream-key-hash';
import { startFunctionUrl, type FunctionUrl } from '../../support/aws/function-url';
import { ServerProcess } from '../../support/servers/server-process';
import { createTestCa, type TestCa } from '../../support/servers/test-ca';
import { SIGNING_SECRET, startLambdaFixture, type LambdaFixture } from '../lambda-fixture';

let ca: TestCa;
let fixture: LambdaFixture;
let functionUrl: FunctionUrl;
let server: ServerProcess;
let key: string;
let keyArn: string;
let runCount = 0;
const proxies: Server[] = [];

beforeAll(async () => {
  ca = createTestCa();
  fixture = await startLambdaFixture();
  functionUrl = await startFunctionUrl(fixture.createCallback());
  key = await fixture.createChannel('canary');
  keyArn = fixture.secretsManager.createSecret('canary-key', JSON.stringify({ channel: 'canary', key }));
  server = await ServerProcess.start({
    CALLBACK_URL: functionUrl.url,
    JWT_SECRET: SIGNING_SECRET,
    SSL_CERT: ca.certPath,
    SSL_KEY: ca.keyPath,
  });
}, 60_000);
afterEach(() => {
  for (const proxy of proxies.splice(0)) proxy.close();
});
afterAll(async () => {
  await server.stop();
  await Promise.all([functionUrl.stop(), fixture.stop()]);
  ca.remove();
});

/** Runs the canary against these addresses and returns the metric lines and the results. */
async function run(
  targets: readonly { name: string; url: string }[],
  timeoutMs = 15_000,
  secretArn = keyArn,
): Promise<{ lines: Record<string, unknown>[]; results: readonly ListenerResult[] }> {
  const config = loadCanaryConfig({
    CANARY_TARGETS: JSON.stringify(targets),
    CANARY_KEY_ARN: secretArn,
    METRIC_NAMESPACE: 'RtmpFleet',
    CANARY_TLS_CA: ca.caPath,
  });
  const lines: Record<string, unknown>[] = [];
  runCount += 1;
  const nonce = `run ${runCount}`;
  const results = await runCanary({
    targets: config.targets,
    metricNamespace: config.metricNamespace,
    readKey: () => readCanaryKey(fixture.secretsManager.client, config.keyArn),
    tryListener: (address, canaryKey) => roundTrip({ address, key: canaryKey, nonce, timeoutMs, tlsCa: config.tlsCa }),
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  return { lines, results };
}

const rtmp = () => ({ name: 'rtmp', url: `rtmp://127.0.0.1:${server.rtmpPort}` });
const rtmps = () => ({ name: 'rtmps', url: `rtmps://localhost:${server.rtmpsPort}` });

/** A listener in front of the server; `change` may alter what players get, given how many bytes came before. */
async function proxyUrl(change: (chunk: Buffer, offset: number) => Buffer | undefined): Promise<string> {
  const proxy = createServer((client: Socket) => {
    const upstream = connect(server.rtmpPort, '127.0.0.1');
    let offset = 0;
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      const changed = change(chunk, offset);
      offset += chunk.length;
      if (changed !== undefined) client.write(changed);
    });
  });
  proxies.push(proxy);
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return `rtmp://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

describe('the canary is green', () => {
  test('when streams come back bit for bit over every listener', async () => {
    const { lines } = await run([rtmp(), rtmps()]);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({
      Listener: 'rtmp',
      CanarySuccess: 1,
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'RtmpFleet',
            Dimensions: [['Listener']],
            Metrics: [
              { Name: 'CanarySuccess', Unit: 'Count' },
              { Name: 'CanaryDurationMs', Unit: 'Milliseconds' },
            ],
          },
        ],
      },
    });
    expect(lines[1]).toMatchObject({ Listener: 'rtmps', CanarySuccess: 1 });
    expect(Number(lines[0]?.['CanaryDurationMs'])).toBeGreaterThan(0);
  }, 40_000);
});

describe('the key of the canary', () => {
  const keys = { channel: 'first-deploy', key: 'a-key-that-only-the-secret-knows', playKey: '' };

  const opens = async (channel: string, tried: string): Promise<boolean> => {
    const { store, pepper } = fixture.keys;
    const [value = ''] = await pepper.values();
    return (await store.get(channel))?.keyHash === hashStreamKey(value, channel, tried);
  };

  test('is made known by the first run, and again when the secret holds another one', async () => {
    await registerKey(keys, fixture.keys);
    expect(await opens(keys.channel, keys.key)).toBe(true);
    const other = { ...keys, key: 'the-key-after-the-secret-was-made-anew' };
    await registerKey(other, fixture.keys);
    expect(await opens(keys.channel, other.key)).toBe(true);
    expect(await opens(keys.channel, keys.key)).toBe(false);
  });

  test('is left alone where it is known: a run changes nothing', async () => {
    await registerKey({ ...keys, channel: 'known' }, fixture.keys);
    const before = await fixture.keys.store.get('known');
    await registerKey({ ...keys, channel: 'known' }, fixture.keys);
    expect(await fixture.keys.store.get('known')).toEqual(before);
  });

  test('is known before the first listener is tried', async () => {
    const tried: string[] = [];
    await runCanary({
      targets: loadCanaryConfig({ CANARY_TARGETS: JSON.stringify([rtmp()]), CANARY_KEY_ARN: keyArn }).targets,
      metricNamespace: 'RtmpFleet',
      readKey: () => Promise.resolve(keys),
      registerKey: () => Promise.resolve(void tried.push('registered')),
      tryListener: () => Promise.resolve(void tried.push('tried')),
      write: () => undefined,
    });
    expect(tried).toEqual(['registered', 'tried']);
  });
});

describe('the canary is red, and says why,', () => {
  const expectRed = async (
    target: { name: string; url: string },
    error: RegExp,
    ...rest: [timeoutMs?: number, secretArn?: string]
  ): Promise<void> => {
    const { lines, results } = await run([target], ...rest);
    expect(results).toMatchObject([{ success: false, error: expect.stringMatching(error) }]);
    expect(lines).toMatchObject([{ Listener: target.name, CanarySuccess: 0, error: expect.stringMatching(error) }]);
    expect(JSON.stringify(lines)).not.toContain(key);
  };

  test('when nothing listens, while the other listener stays green', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    gone.close();
    const { results } = await run([{ name: 'broken', url: `rtmp://127.0.0.1:${port}` }, rtmp()]);
    expect(results).toMatchObject([
      { listener: 'broken', success: false, error: expect.stringMatching(/ECONNREFUSED/) },
      { listener: 'rtmp', success: true },
    ]);
  }, 40_000);

  test('when a single bit is damaged on the way', async () => {
    const url = await proxyUrl((chunk, offset) => {
      const at = 40_000 - offset;
      const damaged = Buffer.from(chunk);
      if (at >= 0 && at < damaged.length) damaged[at] = (damaged[at] ?? 0) ^ 1;
      return damaged;
    });
    await expectRed({ name: 'damaging', url }, /PlaybackFault: got .* expected/);
  }, 40_000);

  test('when the stream stops in the middle', async () => {
    const url = await proxyUrl((chunk, offset) => (offset > 20_000 ? undefined : chunk));
    await expectRed({ name: 'stalling', url }, /timed out, still missing (audio|video) at \d+ ms/, 4_000);
  }, 40_000);

  test('when a listener takes connections and says nothing', async () => {
    const url = await proxyUrl(() => undefined);
    await expectRed({ name: 'silent', url }, /timed out/, 500);
  });

  test('when the certificate is not trusted', async () => {
    const untrusted = { name: 'rtmps', address: { host: 'localhost', port: server.rtmpsPort, secure: true } };
    const results = await runCanary({
      targets: [untrusted],
      metricNamespace: 'RtmpFleet',
      readKey: () => readCanaryKey(fixture.secretsManager.client, keyArn),
      tryListener: (address, canaryKey) => roundTrip({ address, key: canaryKey, nonce: 'x', timeoutMs: 5_000 }),
      write: () => undefined,
    });
    expect(results).toMatchObject([{ success: false, error: expect.stringMatching(/certificate/) }]);
  });

  test('when its key is refused', async () => {
    await fixture.runKeys({ command: 'disable', channel: 'canary' });
    try {
      await expectRed(rtmp(), /refused: NetStream\.Publish\.Denied/);
    } finally {
      await fixture.runKeys({ command: 'enable', channel: 'canary' });
    }
  });

  test('when its key cannot be read', async () => {
    const plain = fixture.secretsManager.createSecret('canary-plain', 'not json');
    await expectRed(rtmp(), /ResourceNotFoundException/, undefined, 'no-such-secret');
    await expectRed(rtmp(), /SecretFormatError/, undefined, plain);
  });
});

describe('loadCanaryConfig', () => {
  const targetOf = (url: string) =>
    loadCanaryConfig({ CANARY_TARGETS: JSON.stringify([{ name: 'a', url }]), CANARY_KEY_ARN: 'arn' }).targets[0];

  test.each([
    ['rtmp://media.example.com', { host: 'media.example.com', port: 1935, secure: false }],
    ['rtmps://media.example.com/', { host: 'media.example.com', port: 443, secure: true }],
    ['rtmps://media.example.com:1936', { host: 'media.example.com', port: 1936, secure: true }],
    ['rtmp://[2001:db8::1]:19350', { host: '2001:db8::1', port: 19350, secure: false }],
  ])('reads %s', (url, address) => {
    expect(targetOf(url)).toEqual({ name: 'a', address });
  });

  test.each(['http://a', 'rtmp://', 'rtmp://a/app', 'rtmp://a?x', 'rtmp://u:p@a', 'a'])('refuses %s', (url) => {
    expect(() => targetOf(url)).toThrow(/CANARY_TARGETS is .* must be a JSON list/);
  });

  test('lists everything that is missing', () => {
    expect(() => loadCanaryConfig({})).toThrow('CANARY_TARGETS is not set; CANARY_KEY_ARN is not set');
  });
});
