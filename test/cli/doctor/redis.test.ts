import { afterEach, describe, expect, test } from '@jest/globals';
import { RedisServer, type RedisServerOptions } from '../../support/servers/redis-server';
import { createTestCa, type TestCa } from '../../support/servers/test-ca';
import { examined, line } from './examined';

const servers: RedisServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.remove()));
});

async function redis(options: RedisServerOptions = {}): Promise<Record<string, string>> {
  const server = await RedisServer.start(options);
  servers.push(server);
  return { RTMP_PORT: '0', REDIS_USE: 'YES', FLEET: 'YES', REDIS_PORT: String(server.port) };
}

const CHECKS = ['redis.connection', 'redis.rights', 'redis.pubsub', 'redis.eviction', 'redis.clock'];

test('a Redis that can do everything', async () => {
  const findings = await examined(await redis());
  expect(CHECKS.map((check) => line(findings.get(check)).split(' ')[0])).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
});

test('a cache as it is deployed on AWS, with the user of the service', async () => {
  const settings = await redis({ kind: 'serverless' });
  const findings = await examined({ ...settings, REDIS_USERNAME: 'service', REDIS_PASSWORD: 'service' });
  const marks = CHECKS.map((check) => line(findings.get(check)).split(' ')[0]);
  // Managed caches do not tell their eviction policy.
  expect(marks).toEqual(['ok', 'ok', 'ok', 'skipped', 'ok']);
});

describe('the connection', () => {
  let ca: TestCa | undefined;
  afterEach(() => ca?.remove());

  test('no server', async () => {
    const settings = await redis();
    await servers[0]?.stop();
    const findings = await examined(settings);
    expect(line(findings.get('redis.connection'))).toMatch(
      /^failed .*ECONNREFUSED.*are REDIS_HOST and REDIS_PORT right\?/,
    );
    expect(findings.has('redis.clock')).toBe(false);
  });

  test('the password is missing, or wrong', async () => {
    const settings = await redis({ password: 'open sesame' });
    const missing = await examined(settings);
    expect(line(missing.get('redis.connection'))).toMatch(/^failed .*NOAUTH.*REDIS_PASSWORD is needed/);
    const wrong = await examined({ ...settings, REDIS_PASSWORD: 'barley' });
    expect(line(wrong.get('redis.connection'))).toMatch(/^failed .*are REDIS_USERNAME and REDIS_PASSWORD right\?/);
    expect([...wrong.values()].map(line).join('\n')).not.toMatch(/barley|sesame/);
  });

  test('TLS on one side only, or with an unknown authority', async () => {
    ca = createTestCa();
    const secured = await redis({ tls: ca });
    const plain = await redis();
    const noTls = await examined(secured);
    expect(line(noTls.get('redis.connection'))).toMatch(/^failed .*REDIS_TLS=YES/);
    const untrusted = await examined({ ...secured, REDIS_TLS: 'YES' });
    expect(line(untrusted.get('redis.connection'))).toMatch(/^failed .*REDIS_TLS_CA can name the authority/);
    const trusted = await examined({ ...secured, REDIS_TLS: 'YES', REDIS_TLS_CA: ca.caPath });
    expect(line(trusted.get('redis.connection'))).toMatch(/^ok .*with TLS$/);
    const tooMuch = await examined({ ...plain, REDIS_TLS: 'YES', REDIS_TLS_CA: ca.caPath });
    expect(line(tooMuch.get('redis.connection'))).toMatch(/^failed .*REDIS_TLS=NO/);
  }, 60_000);
});

test('rights: commands that the user may not run are named', async () => {
  const acl = ['user default on nopass ~* &* +@all', 'user few on >few ~* &* +@all -xadd -hset'];
  const settings = await redis({ acl });
  const findings = await examined({ ...settings, REDIS_USERNAME: 'few', REDIS_PASSWORD: 'few' });
  expect(line(findings.get('redis.connection'))).toMatch(/^ok /);
  expect(line(findings.get('redis.rights'))).toMatch(
    /^failed .*refuses commands that the fleet needs: HSET, XADD → Give/,
  );
});

test('publish and subscribe: channels that the user may not use', async () => {
  const acl = ['user default on nopass ~* &* +@all', 'user deaf on >deaf ~* resetchannels &rtmp_commands +@all'];
  const settings = await redis({ acl });
  const findings = await examined({ ...settings, REDIS_USERNAME: 'deaf', REDIS_PASSWORD: 'deaf' });
  expect(line(findings.get('redis.pubsub'))).toMatch(/^failed .*NOPERM.*→ .*&rtmp_commands:replies/);
});

test('eviction: keys may be dropped when memory is full', async () => {
  const evicting = ['--maxmemory-policy', 'allkeys-lru'];
  const limited = await examined(await redis({ args: [...evicting, '--maxmemory', '100mb'] }));
  expect(line(limited.get('redis.eviction'))).toMatch(/^failed .*\(allkeys-lru\) → .*noeviction/);
  const unlimited = await examined(await redis({ args: evicting }));
  expect(line(unlimited.get('redis.eviction'))).toMatch(/^warning .*no memory limit/);
});

test('clock: this machine is a minute and a half late', async () => {
  const late = await examined(await redis(), { now: () => Date.now() - 90_000 });
  expect(line(late.get('redis.clock'))).toMatch(/^failed The clocks .* 90 s apart → .*time server/);
});

test('without Redis nothing is asked', async () => {
  const findings = await examined({ RTMP_PORT: '0' });
  expect(line(findings.get('redis'))).toMatch(/^skipped /);
});
