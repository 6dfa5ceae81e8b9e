import { describe, expect, test } from '@jest/globals';
import { loadRotationSettings } from '../../lambdas/rotate-cache-password/rotation-settings';
import { loadCanaryConfig } from '../../lambdas/canary/canary-config';
import { loadOperatorConfig } from '../../lambdas/operator/operator-config';
import { loadRotationConfig } from '../../lambdas/rotate-secret/rotation-config';
import { loadCallbackConfig } from '../../lambdas/stream-callback/callback-config';
import { connectKeys } from '../../lambdas/stream-keys/keys-config';
import { loadOutputsConfig } from '../../service/config/outputs-config';
import { loadServiceConfig } from '../../service/config/service-config';
import { combinations, table } from './option-combinations';
import { templateOf } from './synthesize';
import type { Options, StackName } from './synthesize';
import { containerEnvironment, referred, resourcesOf } from './template-queries';
import type { Json, JsonObject } from './template-queries';

const region = 'us-east-1';

/** Values as the deploy fills them in: by what they refer to, of the form that AWS gives them. */
function deployed(environment: Readonly<Record<string, Json>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, deployedValue(value)]));
}

function deployedValue(value: Json): string {
  if (typeof value === 'string') return value;
  const join = (value as JsonObject)['Fn::Join'];
  if (Array.isArray(join)) return (join[1] as readonly Json[]).map((part) => deployedValue(part)).join('');
  const name = referred(value);
  if (/Secret$|Pepper$|Password$|CanaryKey$|^Token$/.test(name)) {
    return `arn:aws:secretsmanager:${region}:111122223333:secret:${name}-AbCdEf`;
  }
  if (name.includes('FunctionUrl')) return `https://abcdefghij.lambda-url.${region}.on.aws/`;
  return `${name.toLowerCase()}.example`;
}

function serviceConfig(options: Options) {
  return loadServiceConfig(deployed(containerEnvironment(templateOf('Ingest', options))));
}

/** Environment of the function whose role or description tells its name. */
function functionEnvironment(
  stack: StackName,
  idStart: string,
  options: Options = { env: 'dev' },
): Record<string, string> {
  const found = [...resourcesOf(templateOf(stack, options), 'AWS::Lambda::Function')].find(([id]) =>
    id.startsWith(idStart),
  );
  const environment = found?.[1].Properties?.Environment as { Variables: Record<string, Json> } | undefined;
  return { AWS_REGION: region, ...deployed(environment?.Variables ?? {}) };
}

describe('the service understands every variable that the task definition gives it', () => {
  const different = table(
    'dev as it is',
    'prod as it is',
    'TLS in the service',
    'an existing cache',
    'no way out, callback inside the VPC',
    'callback open to anyone who signs',
    'an existing VPC',
    'transcoders beside the tasks',
    'streams recorded, packaged and forwarded',
    'streams recorded into an existing bucket',
  );
  test.each(different)('%s', (_, options) => {
    expect(serviceConfig(options).warnings).toEqual([]);
  });

  test('and reads them all: none is left that it does not know', () => {
    const seen = new Set<string>();
    const values = deployed(containerEnvironment(templateOf('Ingest', combinations['TLS in the service'])));
    const watched = new Proxy(values, {
      get: (target, name: string) => {
        seen.add(name);
        return target[name];
      },
    });
    loadServiceConfig(watched);
    expect(Object.keys(values).filter((name) => !seen.has(name))).toEqual([]);
  });

  test('as the node that prod runs', () => {
    expect(serviceConfig({ env: 'prod' }).config).toMatchObject({
      rtmp: { port: 1935 },
      proxy: { mode: 'v2', trusted: { entries: ['10.42.0.0/24', '10.42.1.0/24', '10.42.2.0/24'] } },
      limits: { maxConnectionsPerIp: 20 },
      callback: { sigv4: { region } },
      redis: { username: 'service', channel: 'rtmp_commands', tls: expect.anything() },
      http: { port: 8080, bindAddress: '0.0.0.0' },
      nodeMetrics: { slots: 40, emf: { service: 'rtmp-prod' } },
      fleet: { taskProtection: { minPublishers: 8 } },
      publishing: { takeover: true, graceMs: 10_000 },
      log: { format: 'json' },
      drainMs: 110_000,
    });
  });
});

describe('so does rtmp-outputs in its container', () => {
  const environment = (options: Options) => deployed(containerEnvironment(templateOf('Ingest', options), 'outputs'));

  test('with both buckets', () => {
    const { config, warnings } = loadOutputsConfig(
      environment(combinations['streams recorded, packaged and forwarded']),
    );
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      outputs: {
        run: 'sidecar',
        link: { port: 7935, token: { arn: expect.stringContaining(':secret:Token-') } },
        forward: { urls: [], allow: { entries: ['10.20.0.0/16', 'fd00::/8'] } },
        record: { place: { kind: 's3', prefix: '' }, streams: 'all', spoolDir: '/spool', spoolBytes: 10 * 2 ** 30 },
        hls: { place: { kind: 's3', prefix: '' }, streams: 'all' },
      },
      log: { format: 'json' },
    });
    // The node needs up to 110 s, and 120 s after the signal the container is killed.
    expect(config.drainMs).toBe(118_000);
  });

  test('with a bucket of its own name, and only for streams that ask', () => {
    const { config } = loadOutputsConfig(environment(combinations['streams recorded into an existing bucket']));
    expect(config.outputs).toMatchObject({
      record: { place: { kind: 's3', bucket: 'our-recordings' }, streams: 'asked' },
      hls: { place: undefined },
    });
  });

  test('the node decides by the same settings', () => {
    const options = combinations['streams recorded, packaged and forwarded'];
    const { record, hls, forward, link } = loadOutputsConfig(environment(options)).config.outputs;
    const spool = { spoolDir: expect.anything(), spoolBytes: expect.anything() };
    expect(serviceConfig(options).config.outputs).toEqual({
      run: 'sidecar',
      link,
      forward,
      hls,
      record: { ...record, ...spool },
    });
  });
});

describe('so do the functions', () => {
  test('stream-callback', () => {
    expect(loadCallbackConfig(functionEnvironment('Callback', 'StreamCallback'))).toMatchObject({
      jwtSubject: 'rtmp_event',
      whenBusyDefault: 'takeover',
      sessionTtlSeconds: 30 * 86_400,
    });
  });

  test('operator', () => {
    const config = loadOperatorConfig(functionEnvironment('Callback', 'Operator'));
    expect(config).toMatchObject({ channel: 'rtmp_commands', redis: { port: 6379, username: 'operator' } });
    expect(config.redis.tls).toBeDefined();
  });

  test('stream-keys', () => {
    const log = { info: () => undefined, warning: () => undefined, error: () => undefined };
    expect(connectKeys(functionEnvironment('Callback', 'StreamKeys'), log)).toBeDefined();
  });

  test('rotate-secret waits as long as the callback may hold on to an old secret', () => {
    const rotation = loadRotationConfig(functionEnvironment('Callback', 'JwtRotation'));
    const callback = loadCallbackConfig(functionEnvironment('Callback', 'StreamCallback'));
    expect(rotation.callbackAuth).toBe('sigv4');
    expect(rotation.settleMs).toBeGreaterThan(callback.secretCacheMs);
    expect(rotation.probeTimeoutMs).toBeGreaterThan(rotation.settleMs);
  });

  test("the rotation of the cache's passwords", () => {
    const { userOf, endpoint } = loadRotationSettings(functionEnvironment('CommandChannel', 'PasswordRotation'));
    expect(userOf.size).toBe(3);
    expect(endpoint.href).toBe('https://elasticache.us-east-1.amazonaws.com/');
  });

  test("canary: one target for each listener, by the deployment's own name where it has one", () => {
    const urls = (options: Options) => {
      const values = functionEnvironment('Observability', 'CanaryFunction', options);
      expect(loadCanaryConfig(values).targets).not.toEqual([]);
      return JSON.parse(values.CANARY_TARGETS ?? '') as unknown;
    };
    expect(urls({ env: 'dev' })).toEqual([
      { name: 'rtmp-dev.rtmp', url: expect.stringMatching(/^rtmp:\/\/.*ingest.*:1935$/) },
    ]);
    expect(urls(combinations['TLS at the load balancer with a given certificate'])).toEqual([
      { name: 'rtmp-prod.rtmp', url: 'rtmp://live.example.com:1935' },
      { name: 'rtmp-prod.rtmps', url: 'rtmps://live.example.com:443' },
    ]);
  });

  test('none of them is told a secret, all are told where it is', () => {
    for (const [stack, template] of [['Callback'], ['Observability'], ['CommandChannel']].map(
      ([name]) => [name, templateOf(name as StackName, { env: 'prod' })] as const,
    )) {
      for (const [id, { Properties = {} }] of resourcesOf(template, 'AWS::Lambda::Function')) {
        const values = JSON.stringify(Properties.Environment ?? {});
        expect([stack, id, values.includes('resolve:secretsmanager')]).toEqual([stack, id, false]);
      }
    }
  });
});
