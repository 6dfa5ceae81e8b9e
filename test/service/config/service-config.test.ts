import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AddressRules } from '../../../service/addresses/address-rules';
import { ConfigError } from '../../../service/config/config-error';
import type { EnvironmentValues } from '../../../service/config/environment';
import { loadServiceConfig } from '../../../service/config/service-config';
import {
  createTestCertificate,
  temporaryDirectory,
  type TestCertificate,
} from '../../support/servers/test-certificates';

const directory = temporaryDirectory();
let first: TestCertificate;
let second: TestCertificate;
let garbage: string;

beforeAll(() => {
  first = createTestCertificate(directory.path, 'first');
  second = createTestCertificate(directory.path, 'second');
  garbage = join(directory.path, 'garbage.pem');
  writeFileSync(garbage, '-----BEGIN CERTIFICATE-----\nnot really\n-----END CERTIFICATE-----\n');
  mkdirSync(join(directory.path, 'folder'));
});
afterAll(() => directory.remove());

const load = (values: EnvironmentValues) => loadServiceConfig(values).config;
const warnings = (values: EnvironmentValues) => loadServiceConfig(values).warnings;

const PLAIN = { maxLength: 128, allowEmpty: false, allowSpecialCharacters: false };
const EVERY_LEVEL_BUT_DEBUG = { error: true, warning: true, info: true, request: true, debug: false };

function faultOf(values: EnvironmentValues): ConfigError {
  try {
    loadServiceConfig(values);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('defaults', () => {
  test('an empty environment gives a plain RTMP server on port 1935 that accepts everybody', () => {
    const { config, warnings } = loadServiceConfig({});
    expect({ config, warnings }).toEqual({
      config: {
        rtmp: { port: 1935, advertisedHost: '', bindAddress: undefined, chunkSize: 60_000, names: PLAIN },
        tls: undefined,
        proxy: undefined,
        limits: {
          maxConnectionsPerIp: 4,
          maxConnectsPerIpAndSecond: 20,
          memoryBudgetBytes: undefined,
          concurrencyWhitelist: AddressRules.parse([]),
          playWhitelist: AddressRules.parse([]),
          gopCacheBytes: 256 * 1024 * 1024,
        },
        timeouts: { mediaMs: 120_000, silentMs: 60_000 },
        callback: undefined,
        redis: undefined,
        publishing: { takeover: false, graceMs: 0 },
        workers: 1,
        fleet: undefined,
        secretRefreshMs: 300_000,
        http: undefined,
        httpPlaying: { maxPlayers: 1000, origins: [] },
        nodeMetrics: { slots: 40, emf: undefined },
        taskMetadataUrl: undefined,
        log: { levels: EVERY_LEVEL_BUT_DEBUG, format: 'text' },
        events: { webhook: undefined, busName: undefined },
        outputs: expect.objectContaining({ run: 'none' }),
        tracing: undefined,
        drainMs: 10_000,
        latencyMs: 100,
      },
      warnings: [],
    });
  });

  test('variables that are set but empty, as compose files do, change nothing', () => {
    const names = [
      'RTMP_PORT',
      'BIND_ADDRESS',
      'SSL_CERT',
      'SSL_KEY',
      'GOP_CACHE_SIZE_MB',
      'CALLBACK_URL',
      'JWT_SECRET',
    ];
    names.push('PROXY_PROTOCOL', 'PROXY_TRUSTED', 'CALLBACK_AUTH', 'JWT_SECRET_ARN', 'SSL_CERT_ARN', 'SSL_KEY_ARN');
    names.push('REDIS_PASSWORD_ARN', 'METRICS_EMF', 'METRICS_SERVICE', 'SLOTS', 'ECS_CONTAINER_METADATA_URI_V4');
    const empty = [...names, 'REDIS_USE', 'HTTP_PORT', 'LOG_FORMAT', 'RTMP_PLAY_WHITELIST', 'PLAY_ALLOWED_FROM'];
    expect(loadServiceConfig(Object.fromEntries(empty.map((name) => [name, ''])))).toEqual(loadServiceConfig({}));
  });

  test('nothing can change the settings after the start', () => {
    const config = load({ HTTP_PORT: '0', CONCURRENT_LIMIT_WHITELIST: '10.0.0.1' });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.limits.concurrencyWhitelist)).toBe(true);
  });
});

describe('values', () => {
  test('every variable arrives where it belongs', () => {
    const config = load({
      RTMP_PORT: '1936',
      RTMP_HOST: 'ingest.example.com',
      BIND_ADDRESS: '::1',
      RTMP_CHUNK_SIZE: '128',
      ID_MAX_LENGTH: '10',
      ID_ALLOW_EMPTY: 'YES',
      ID_ALLOW_SPECIAL_CHARACTERS: 'YES',
      SSL_PORT: '8443',
      SSL_BIND_ADDRESS: '127.0.0.1',
      SSL_CERT: first.certPath,
      SSL_KEY: first.keyPath,
      SSL_CHECK_RELOAD_SECONDS: '1',
      MAX_IP_CONNECTIONS_PER_SECOND: '50',
      MEMORY_BUDGET_MB: '512',
      MAX_IP_CONCURRENT_CONNECTIONS: '100',
      CONCURRENT_LIMIT_WHITELIST: '10.0.0.1, 10.1.0.0/16',
      RTMP_PLAY_WHITELIST: '2001:db8::/32',
      GOP_CACHE_SIZE_MB: '0',
      MEDIA_TIMEOUT_SECONDS: '30',
      SILENT_TIMEOUT_SECONDS: '20',
      CALLBACK_URL: 'https://example.com/rtmp?x=1',
      JWT_SECRET: 'sesame',
      CUSTOM_JWT_SUBJECT: 'mine',
      CALLBACK_TIMEOUT_SECONDS: '3',
      REDIS_USE: 'YES',
      REDIS_HOST: 'cache.internal',
      REDIS_PORT: '6380',
      REDIS_USERNAME: 'node',
      REDIS_PASSWORD: 'open',
      REDIS_TLS: 'YES',
      REDIS_TLS_CA: first.certPath,
      REDIS_CHANNEL: 'orders',
      HTTP_PORT: '8080',
      HTTP_BIND_ADDRESS: '0.0.0.0',
      HTTP_ALLOWED_HOSTS: 'rtmp.example.com, metrics.lan,',
      OPERATOR_TOKEN: 'an-operators-token',
      HTTP_PLAY_ORIGINS: 'https://Example.com/, http://a.lan:81',
      HTTP_MAX_PLAYERS: '0',
      LOG_REQUESTS: 'NO',
      LOG_DEBUG: 'YES',
      LOG_FORMAT: 'json',
      DRAIN_SECONDS: '120',
      LATENCY_MS: '0',
      PROXY_PROTOCOL: 'v2',
      PROXY_TRUSTED: '10.0.0.0/24, 2001:db8::7',
      PROXY_DIRECT: '10.0.9.0/24',
      CALLBACK_AUTH: 'sigv4',
      AWS_REGION: 'eu-west-1',
      STOP_RETRY_HOURS: '2',
      JWT_SECRET_REFRESH_SECONDS: '60',
      METRICS_EMF: 'YES',
      METRICS_SERVICE: 'live',
      SLOTS: '100',
      ECS_CONTAINER_METADATA_URI_V4: 'http://169.254.170.2/v4/abc',
    });
    const names = { maxLength: 10, allowEmpty: true, allowSpecialCharacters: true };
    expect(config).toEqual({
      rtmp: { port: 1936, advertisedHost: 'ingest.example.com', bindAddress: '::1', chunkSize: 128, names },
      tls: { port: 8443, bindAddress: '127.0.0.1', cert: first.certPath, key: first.keyPath, reloadCheckMs: 1000 },
      proxy: {
        mode: 'v2',
        trusted: AddressRules.parse(['10.0.0.0/24', '2001:db8::7']),
        direct: AddressRules.parse(['10.0.9.0/24']),
      },
      limits: {
        maxConnectionsPerIp: 100,
        maxConnectsPerIpAndSecond: 50,
        memoryBudgetBytes: 512 * 2 ** 20,
        concurrencyWhitelist: AddressRules.parse(['10.0.0.1', '10.1.0.0/16']),
        playWhitelist: AddressRules.parse(['2001:db8::/32']),
        gopCacheBytes: 0,
      },
      timeouts: { mediaMs: 30_000, silentMs: 20_000 },
      callback: {
        url: new URL('https://example.com/rtmp?x=1'),
        jwtSecret: 'sesame',
        subject: 'mine',
        timeoutMs: 3000,
        stopRetryMs: 7_200_000,
        sigv4: { region: 'eu-west-1' },
        trustedCa: undefined,
      },
      redis: {
        host: 'cache.internal',
        port: 6380,
        username: 'node',
        password: 'open',
        tls: { ca: first.cert },
        channel: 'orders',
      },
      publishing: { takeover: false, graceMs: 0 },
      workers: 1,
      fleet: undefined,
      secretRefreshMs: 60_000,
      http: {
        port: 8080,
        bindAddress: '0.0.0.0',
        allowedHosts: ['rtmp.example.com', 'metrics.lan'],
        operatorToken: 'an-operators-token',
      },
      httpPlaying: { maxPlayers: 0, origins: ['https://example.com', 'http://a.lan:81'] },
      nodeMetrics: { slots: 100, emf: { service: 'live' } },
      taskMetadataUrl: new URL('http://169.254.170.2/v4/abc'),
      log: { levels: { ...EVERY_LEVEL_BUT_DEBUG, request: false, debug: true }, format: 'json' },
      events: { webhook: undefined, busName: undefined },
      outputs: expect.objectContaining({ run: 'none' }),
      tracing: undefined,
      drainMs: 120_000,
      latencyMs: 0,
    });
  });

  test('the connection limit and the cache size that are set are the ones that hold', () => {
    expect(load({ MAX_IP_CONCURRENT_CONNECTIONS: '2' }).limits.maxConnectionsPerIp).toBe(2);
    expect(load({ GOP_CACHE_SIZE_MB: '1' }).limits.gopCacheBytes).toBe(1_048_576);
  });

  test('port 0 asks for any free port', () => {
    const config = load({
      RTMP_PORT: '0',
      HTTP_PORT: '0',
      SSL_PORT: '0',
      SSL_CERT: first.certPath,
      SSL_KEY: first.keyPath,
    });
    expect([config.rtmp.port, config.http?.port, config.tls?.port]).toEqual([0, 0, 0]);
  });

  test('Redis on its own means the local host, in IPv4', () => {
    expect(load({ REDIS_USE: 'YES' }).redis).toEqual({
      host: '127.0.0.1',
      port: 6379,
      username: undefined,
      password: undefined,
      tls: undefined,
      channel: 'rtmp_commands',
    });
  });

  test.each([undefined, '', 'NO', 'no', 'False', ' no '])('REDIS_USE=%s leaves Redis off', (value) => {
    expect(load({ REDIS_USE: value, REDIS_HOST: 'cache' }).redis).toBeUndefined();
  });

  test.each(['YES', 'yes', 'true', 'True', 'TRUE', 'YES '])('REDIS_USE=%s turns Redis on', (value) => {
    expect(load({ REDIS_USE: value, REDIS_HOST: 'cache' }).redis?.host).toBe('cache');
  });

  test('a YES/NO variable that holds something else stops the start', () => {
    expect(faultOf({ REDIS_USE: '1', LOG_REQUESTS: 'off' }).message.split('\n').slice(1)).toEqual([
      '  REDIS_USE is "1"; allowed: YES or NO (or TRUE or FALSE), in any case',
      '  LOG_REQUESTS is "off"; allowed: YES or NO (or TRUE or FALSE), in any case',
    ]);
  });
});

describe('what belongs to other servers of the family', () => {
  test('RTMPS listens where RTMP does, unless it has an address of its own', () => {
    const pair = { SSL_CERT: first.certPath, SSL_KEY: first.keyPath };
    expect(load(pair).tls).toHaveProperty('bindAddress', undefined);
    expect(load({ ...pair, BIND_ADDRESS: '::1' }).tls).toHaveProperty('bindAddress', '::1');
    const { rtmp, tls } = load({ ...pair, BIND_ADDRESS: '::1', SSL_BIND_ADDRESS: '127.0.0.1' });
    expect([rtmp.bindAddress, tls?.bindAddress]).toEqual(['::1', '127.0.0.1']);
  });

  test('RTMP and RTMPS may have one port on two addresses, but not on one or on all', () => {
    const pair = { SSL_CERT: first.certPath, SSL_KEY: first.keyPath, SSL_PORT: '443', RTMP_PORT: '443' };
    expect(load({ ...pair, BIND_ADDRESS: '127.0.0.1', SSL_BIND_ADDRESS: '127.0.0.2' }).tls?.port).toBe(443);
    for (const ssl of ['127.0.0.1', '0.0.0.0', '::', '']) {
      expect(faultOf({ ...pair, BIND_ADDRESS: '127.0.0.1', SSL_BIND_ADDRESS: ssl }).message).toContain('SSL_PORT');
    }
    expect(faultOf({ ...pair, SSL_BIND_ADDRESS: '127.0.0.1' }).message).toContain('SSL_PORT');
  });

  test('MSG_BUFFER_SIZE is accepted, with a warning that it has no effect', () => {
    expect(load({ MSG_BUFFER_SIZE: '8' })).toEqual(load({}));
    expect(warnings({ MSG_BUFFER_SIZE: '8' })).toEqual([expect.stringContaining('MSG_BUFFER_SIZE has no effect')]);
  });

  test('a control server cannot be asked, so that CONTROL_USE=YES must not let everybody publish', () => {
    expect(faultOf({ CONTROL_USE: 'yes' }).message).toContain('CALLBACK_URL');
    expect(loadServiceConfig({ CONTROL_USE: 'NO', CONTROL_BASE_URL: 'ws://x', EXTERNAL_SSL: 'NO' }).warnings).toEqual(
      [],
    );
  });
});

describe('log levels', () => {
  test.each(['error', 'warning', 'info', 'debug'] as const)('%s has its own variable', (level) => {
    const name = `LOG_${level.toUpperCase()}`;
    expect(load({ [name]: 'no' }).log.levels[level]).toBe(false);
    expect(load({ [name]: 'yes' }).log.levels[level]).toBe(true);
  });

  test('request lines need LOG_REQUESTS and LOG_INFO', () => {
    expect(load({ LOG_REQUESTS: 'YES', LOG_INFO: 'NO' }).log.levels.request).toBe(false);
    expect(load({ LOG_REQUESTS: 'NO', LOG_INFO: 'YES' }).log.levels).toMatchObject({ info: true, request: false });
  });

  test('LOG_TRACE is accepted; where it would add lines, a warning says that there are none', () => {
    expect(warnings({ LOG_TRACE: 'NO' })).toEqual([]);
    expect(warnings({ LOG_TRACE: 'YES', LOG_DEBUG: 'YES' })).toEqual([]);
    expect(warnings({ LOG_TRACE: 'YES' })).toEqual([expect.stringContaining('LOG_DEBUG=YES')]);
  });
});

describe('weak callback settings', () => {
  const long = 'x'.repeat(32);

  test('a secret below 32 bytes is warned of in one sentence that does not tell it', () => {
    const [warning, ...others] = warnings({ CALLBACK_URL: 'https://h.example/cb', JWT_SECRET: 'sesame' });
    expect(warning).toMatch(/^JWT_SECRET is shorter than 32 bytes/);
    expect(warning).not.toContain('sesame');
    expect(others).toEqual([]);
    expect(warnings({ CALLBACK_URL: 'https://h.example/cb', JWT_SECRET: long })).toEqual([]);
    expect(warnings({ CALLBACK_URL: 'https://h.example/cb', JWT_SECRET: 'é'.repeat(16) })).toEqual([]);
  });

  test.each([
    ['JWT_SECRET', long],
    ['JWT_SECRET_ARN', 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:jwt'],
  ])('%s without CALLBACK_URL is warned of: nobody is asked', (name, value) => {
    expect(warnings({ [name]: value })).toEqual([`${name} is not used: without CALLBACK_URL everybody may publish`]);
  });

  test.each(['http://h.example/cb', 'http://10.0.0.1:8000/', 'http://[2001:db8::1]/'])('%s is warned of', (url) => {
    expect(warnings({ CALLBACK_URL: url, JWT_SECRET: long })).toEqual([
      expect.stringMatching(/^CALLBACK_URL is http:\/\/ to another host/),
    ]);
  });

  test.each([
    'http://localhost:8000/cb',
    'http://127.0.0.1/',
    'http://127.1.2.3/',
    'http://[::1]:80/',
    'https://h.example/',
  ])('%s is not', (url) => expect(warnings({ CALLBACK_URL: url, JWT_SECRET: long })).toEqual([]));
});

describe('play whitelist names', () => {
  test('PLAY_ALLOWED_FROM works, with a warning', () => {
    expect(load({ PLAY_ALLOWED_FROM: '10.0.0.0/8' }).limits.playWhitelist.entries).toEqual(['10.0.0.0/8']);
    expect(warnings({ PLAY_ALLOWED_FROM: '10.0.0.0/8' })).toEqual([expect.stringContaining('RTMP_PLAY_WHITELIST')]);
  });

  test('RTMP_PLAY_WHITELIST wins over it, with a warning', () => {
    const both = { RTMP_PLAY_WHITELIST: '127.0.0.1', PLAY_ALLOWED_FROM: 'not even looked at' };
    expect(load(both).limits.playWhitelist.entries).toEqual(['127.0.0.1']);
    expect(warnings(both)).toEqual([expect.stringContaining('PLAY_ALLOWED_FROM is not used')]);
  });
});

describe('faults', () => {
  test('all bad variables are listed at once, one a line, with what they held and what is allowed', () => {
    const { message } = faultOf({
      RTMP_PORT: '99999',
      GOP_CACHE_SIZE_MB: 'lots',
      CONCURRENT_LIMIT_WHITELIST: '10.0.0.0/8,10.0.0.0/99,localhost',
      CALLBACK_URL: 'https://example.com',
      LOG_FORMAT: 'xml',
    });
    expect(message.split('\n')).toEqual([
      '5 settings cannot be used:',
      '  RTMP_PORT is "99999"; allowed: a whole number from 0 to 65535',
      '  CONCURRENT_LIMIT_WHITELIST is "10.0.0.0/8,10.0.0.0/99,localhost" (does not fit: "10.0.0.0/99", "localhost"); ' +
        'allowed: IP addresses and CIDR ranges, IPv4 or IPv6, or *, separated by commas',
      '  GOP_CACHE_SIZE_MB is "lots"; allowed: a whole number from 0 to 65536',
      '  JWT_SECRET is not set; allowed: the secret shared with the callback handler; CALLBACK_URL needs one',
      '  LOG_FORMAT is "xml"; allowed: text or json',
    ]);
  });

  test.each([
    ['RTMP_PORT', ['-1', '65536', '1935.5', '1e3', '0x50', '1935 1936', 'rtmp', '١٩٣٥', ' ']],
    ['SSL_PORT', ['65536']],
    ['RTMP_CHUNK_SIZE', ['127', '65537', '0']],
    ['ID_MAX_LENGTH', ['0', '1025']],
    ['MAX_IP_CONCURRENT_CONNECTIONS', ['abc', '0', '-4']],
    ['GOP_CACHE_SIZE_MB', ['-1', '1.5', '65537']],
    ['MEDIA_TIMEOUT_SECONDS', ['4', '86401', '1m']],
    ['SILENT_TIMEOUT_SECONDS', ['4', '86401', 'never']],
    ['SSL_CHECK_RELOAD_SECONDS', ['0', '86401']],
    ['CALLBACK_TIMEOUT_SECONDS', ['0', '301']],
    ['REDIS_PORT', ['0', '65536']],
    ['HTTP_PORT', ['65536', 'on']],
    ['DRAIN_SECONDS', ['-1', '10s']],
    ['LATENCY_MS', ['501', '-1']],
    ['PROXY_TRUSTED', ['10.0.0.0/33', 'balancer']],
    ['CALLBACK_AUTH', ['SIGV4', 'iam']],
    ['STOP_RETRY_HOURS', ['0', '721']],
    ['JWT_SECRET_REFRESH_SECONDS', ['0', '86401']],
    ['SLOTS', ['0', 'many']],
    ['METRICS_SERVICE', ['zwölf']],
    ['BIND_ADDRESS', ['127.0.0', '256.1.1.1', 'two words', 'http://x', '-x.example']],
    ['HTTP_BIND_ADDRESS', ['*']],
    ['HTTP_ALLOWED_HOSTS', ['https://a.example', 'a.example:8080', 'a b']],
    ['HTTP_PLAY_ORIGINS', ['a.example', 'https://a.example/page', 'ftp://a.example', 'null']],
    ['HTTP_MAX_PLAYERS', ['-1', 'many']],
    ['REDIS_HOST', ['redis://cache:6379', 'cache:6379']],
    ['RTMP_PLAY_WHITELIST', ['10.0.0.0/33', '10.0.0']],
    ['PLAY_ALLOWED_FROM', ['everybody']],
    ['LOG_FORMAT', ['JSON']],
  ])('%s refuses %j', (name, values) => {
    for (const value of values) {
      expect(faultOf({ [name]: value }).faults).toEqual([
        { variable: name, problem: expect.stringContaining(value.trim()) },
      ]);
    }
  });

  test('OPERATOR_TOKEN is long and fits into a header; a bad one is not shown', () => {
    for (const token of ['too-short', 'with spaces in between', 'x'.repeat(1025)]) {
      const { faults } = faultOf({ OPERATOR_TOKEN: token });
      expect(faults).toEqual([{ variable: 'OPERATOR_TOKEN', problem: expect.stringMatching(/not shown.*16 to 1024/) }]);
    }
  });

  test.each(['127.0.0.1', '::', 'fe80::1%eth0', 'localhost', 'node_1.fleet.internal', 'cache-1.example.com.'])(
    'the address %s can be listened on or connected to',
    (host) => expect(load({ BIND_ADDRESS: host, REDIS_USE: 'YES', REDIS_HOST: host }).redis?.host).toBe(host),
  );

  test.each(['ftp://example.com', 'example.com/callback', 'http://', 'file:///etc/passwd'])(
    'the callback address %s is refused',
    (url) => expect(faultOf({ CALLBACK_URL: url, JWT_SECRET: 'sesame' }).faults[0]?.variable).toBe('CALLBACK_URL'),
  );

  test('a callback without a secret does not start; an empty secret is none', () => {
    expect(faultOf({ CALLBACK_URL: 'http://h/cb' }).faults[0]?.variable).toBe('JWT_SECRET');
    expect(faultOf({ CALLBACK_URL: 'http://h/cb', JWT_SECRET: '' }).faults[0]?.variable).toBe('JWT_SECRET');
    expect(load({ JWT_SECRET: 'alone is fine' }).callback).toBeUndefined();
  });

  test('no secret is in the message, whatever else is wrong', () => {
    const { message } = faultOf({
      CALLBACK_URL: 'ftp://user:hunter2@example.com/',
      JWT_SECRET: 'sesame',
      REDIS_PASSWORD: 'opensaysme',
      RTMP_PORT: 'x',
    });
    expect(message).toContain('ftp://***@example.com');
    expect(message).not.toMatch(/hunter2|sesame|opensaysme/);
  });

  test('a value full of control characters stays on its line', () => {
    expect(faultOf({ RTMP_PORT: '1\n[INFO] fine\u001b[2J' }).message.split('\n')).toHaveLength(2);
  });

  test('two listeners cannot have one port', () => {
    expect(faultOf({ RTMP_PORT: '8080', HTTP_PORT: '8080' }).message).toContain('8080 is the port of RTMP_PORT too');
  });
});

describe('certificate files', () => {
  test('one of the two alone leaves RTMPS off, with a warning', () => {
    expect(load({ SSL_CERT: first.certPath }).tls).toBeUndefined();
    expect(warnings({ SSL_CERT: first.certPath })).toEqual([expect.stringContaining('SSL_KEY is not')]);
    expect(warnings({ SSL_KEY: first.keyPath })).toEqual([expect.stringContaining('SSL_CERT is not')]);
  });

  test('both missing: both are named', () => {
    const { faults } = faultOf({ SSL_CERT: join(directory.path, 'no.crt'), SSL_KEY: join(directory.path, 'folder') });
    expect(faults).toEqual([
      { variable: 'SSL_CERT', problem: expect.stringContaining('(no such file or directory)') },
      { variable: 'SSL_KEY', problem: expect.stringContaining('(illegal operation on a directory)') },
    ]);
  });

  test('garbage for a certificate or a key, and the key of another certificate, are named', () => {
    expect(faultOf({ SSL_CERT: garbage, SSL_KEY: first.keyPath }).faults).toEqual([
      { variable: 'SSL_CERT', problem: expect.stringContaining('is not a PEM certificate') },
    ]);
    expect(faultOf({ SSL_CERT: first.certPath, SSL_KEY: garbage }).faults).toEqual([
      { variable: 'SSL_KEY', problem: expect.stringContaining('is not a PEM private key') },
    ]);
    expect(faultOf({ SSL_CERT: first.certPath, SSL_KEY: second.keyPath }).faults).toEqual([
      { variable: 'SSL_KEY', problem: expect.stringContaining('another certificate') },
    ]);
  });

  test('a Redis authority that is no certificate is named, but only where TLS to Redis is used', () => {
    const values = { REDIS_USE: 'YES', REDIS_TLS: 'YES', REDIS_TLS_CA: garbage };
    expect(faultOf(values).faults[0]?.variable).toBe('REDIS_TLS_CA');
    expect(faultOf({ ...values, REDIS_TLS_CA: '/nowhere' }).message).toContain('no such file');
    expect(load({ ...values, REDIS_TLS: 'NO' }).redis?.tls).toBeUndefined();
  });

  test('SSL_CERT_FILE adds an authority for https callbacks and Redis, as it did for the old server', () => {
    const config = load({
      SSL_CERT_FILE: first.certPath,
      CALLBACK_URL: 'https://localhost/',
      JWT_SECRET: 'sesame',
      REDIS_USE: 'YES',
      REDIS_TLS: 'YES',
    });
    expect(config.callback?.trustedCa).toContain(first.cert);
    expect(config.redis?.tls?.ca).toContain(first.cert);
    expect(warnings({ SSL_CERT_FILE: '/nowhere' })).toEqual([expect.stringContaining('SSL_CERT_FILE is not used')]);
  });
});
