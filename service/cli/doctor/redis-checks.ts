import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { messageOf } from '../../errors/error-text';
import type { RedisConfig } from '../../config/redis-settings';
import { CapabilityCheck } from '../../leases/redis/capability-check';
import { RegistryConnection } from '../../leases/redis/registry-connection';
import { silentLogger } from '../../logging/silent-logger';
import { openRedis } from '../../redis/open-redis';
import { explainRedisFault } from '../../redis/redis-faults';
import { within } from '../../time/within';
import { type Examination, PATIENCE_MS, place } from './examination';
import { failed, type Finding, passed, skipped, warned } from './finding';

/** Tokens for the callback are valid for two minutes, so a clock that is a minute wrong leaves little of that. */
const WRONG_CLOCK_MS = 60_000;
const DRIFTING_CLOCK_MS = 5_000;
const REGISTRY_PREFIX = '{rtmp}:';

/** Connection, rights, publish and subscribe, eviction and clock of the Redis that the settings name. */
export async function checkRedis(examination: Examination): Promise<readonly Finding[]> {
  const { redis: config, fleet } = examination.config;
  if (config === undefined) {
    return [skipped('redis', "REDIS_USE is not YES: operators' commands and the fleet are off")];
  }
  let password: string | undefined;
  try {
    password = typeof config.password === 'object' ? await examination.readSecret(config.password) : config.password;
  } catch (error) {
    return [skipped('redis', `Redis cannot be asked without its password: ${messageOf(error)}`)];
  }
  const known: RedisConfig = { ...config, password };
  const redis = openRedis(known, QUICK);
  try {
    const fault = await connected(redis, known);
    if (fault !== undefined) return [fault];
    return [
      passed('redis.connection', connectionSentence(known)),
      fleet === undefined
        ? skipped('redis.rights', 'FLEET is not YES: no rights on keys are needed')
        : await rights(known),
      await pubSub(redis, known),
      fleet === undefined ? skipped('redis.eviction', 'FLEET is not YES: nothing is stored') : await eviction(redis),
      await clock(redis, examination.now),
    ];
  } finally {
    redis.disconnect();
  }
}

/** Options of connections that try once. */
const QUICK = {
  lazyConnect: true,
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  commandTimeout: PATIENCE_MS,
} as const;

function connectionSentence({ host, port, username, password, tls }: RedisConfig): string {
  const login = password === undefined ? 'without a password' : `as ${username ?? 'default'}`;
  return `Redis answers on ${place(host, port)} ${login}, ${tls === undefined ? 'without' : 'with'} TLS`;
}

/** Connects and logs in; returns what prevents that. */
async function connected(redis: Redis, config: RedisConfig): Promise<Finding | undefined> {
  let cause: unknown;
  redis.on('error', (error: unknown) => (cause ??= error));
  try {
    await within(PATIENCE_MS, redis.connect(), () => {
      throw Object.assign(new Error(`no answer within ${PATIENCE_MS / 1000} s`), { code: 'ETIMEDOUT' });
    });
    // An unauthenticated connection is noticed with the first command; a user without the right to PING is connected.
    await redis.ping().catch((error: unknown) => {
      if (!messageOf(error).startsWith('NOPERM')) throw error;
    });
    return undefined;
  } catch (error) {
    const why = explainRedisFault(cause ?? error, { secured: config.tls !== undefined, answered: false });
    const todo = 'Check REDIS_HOST, REDIS_PORT, REDIS_USERNAME, REDIS_PASSWORD, REDIS_TLS and REDIS_TLS_CA.';
    return failed('redis.connection', `Redis at ${place(config.host, config.port)} cannot be used: ${why}`, todo);
  }
}

/** Tries every command that the fleet's registry needs. */
async function rights(config: RedisConfig): Promise<Finding> {
  const check = 'redis.rights';
  const connection = new RegistryConnection({
    config,
    prefix: REGISTRY_PREFIX,
    requestTimeoutMs: PATIENCE_MS,
    nodeId: 'doctor',
    incarnation: randomUUID(),
  });
  const capabilities = new CapabilityCheck(connection, silentLogger);
  const ready = new Promise<void>((resolve) => (connection.onConnected = resolve));
  connection.connect();
  try {
    await within(PATIENCE_MS, ready, () => {
      throw new Error(connection.lastError);
    });
    await capabilities.run();
    if (capabilities.refused.length === 0) return passed(check, 'Redis accepts every command that the fleet needs');
    const list = capabilities.refused.join(', ');
    const todo = `Give the user these commands on keys that begin with ${REGISTRY_PREFIX}; infra/cache/cache-access.ts has the list.`;
    return failed(check, `Redis refuses commands that the fleet needs: ${list}`, todo);
  } catch (error) {
    return failed(
      check,
      `The fleet's registry cannot be reached: ${messageOf(error)}`,
      'In a cluster, every node has to be reachable.',
    );
  } finally {
    capabilities.close();
    connection.close();
  }
}

/** A message from this connection to another one, on the channel for replies: nodes take nothing from there. */
async function pubSub(redis: Redis, config: RedisConfig): Promise<Finding> {
  const check = 'redis.pubsub';
  const replies = `${config.channel}:replies`;
  const ears = openRedis(config, QUICK);
  ears.on('error', () => undefined);
  const word = `doctor ${randomUUID()}`;
  try {
    await ears.connect();
    await ears.subscribe(config.channel, replies);
    const heard = new Promise<void>((resolve) => {
      ears.on('message', (_channel: string, text: string) => {
        if (text === word) resolve();
      });
    });
    await redis.publish(replies, word);
    await within(PATIENCE_MS, heard, () => {
      throw new Error(`a message was not delivered within ${PATIENCE_MS / 1000} s`);
    });
    return passed(check, `A message on ${replies} comes back`);
  } catch (error) {
    const todo = `The user needs PUBLISH and SUBSCRIBE, and the channels ${config.channel} and ${replies} (ACL: &${config.channel} &${replies}).`;
    return failed(check, `Messages cannot be published and received: ${messageOf(error)}`, todo);
  } finally {
    ears.disconnect();
  }
}

async function eviction(redis: Redis): Promise<Finding> {
  const check = 'redis.eviction';
  const [policy, limit] = await memorySettings(redis);
  const todo = 'Set maxmemory-policy to noeviction: with others, Redis may drop who publishes what, and pending stops.';
  if (policy === undefined) return skipped(check, 'This user may not read how Redis evicts keys', todo);
  if (policy === 'noeviction') return passed(check, 'Redis evicts no keys (noeviction)');
  if (limit === 0) return warned(check, `Redis has no memory limit, but would evict keys with one (${policy})`, todo);
  return failed(check, `Redis evicts keys when its memory is full (${policy})`, todo);
}

/** Policy and limit (bytes; 0: none); the policy is undefined where it cannot be read. */
async function memorySettings(redis: Redis): Promise<readonly [string | undefined, number]> {
  try {
    const pairs = (await redis.call('CONFIG', 'GET', 'maxmemory*')) as readonly string[];
    const value = (name: string): string | undefined => pairs[pairs.indexOf(name) + 1];
    if (pairs.includes('maxmemory-policy')) return [value('maxmemory-policy'), Number(value('maxmemory') ?? 0)];
  } catch {
    // Managed services have no CONFIG, but some have INFO.
  }
  try {
    const info = String(await redis.call('INFO', 'memory'));
    return [/^maxmemory_policy:(\S+)/m.exec(info)?.[1], Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0)];
  } catch {
    return [undefined, 0];
  }
}

async function clock(redis: Redis, now: () => number): Promise<Finding> {
  const check = 'redis.clock';
  let serverMs: number;
  let ownMs: number;
  try {
    const before = now();
    const [seconds, microseconds] = (await redis.call('TIME')) as readonly [string, string];
    ownMs = (before + now()) / 2;
    serverMs = Number(seconds) * 1000 + Number(microseconds) / 1000;
  } catch (error) {
    return skipped(check, `This user may not read the time of Redis: ${messageOf(error)}`);
  }
  const apartMs = Math.abs(serverMs - ownMs);
  const apart = apartMs < 1000 ? 'less than a second' : `${Math.round(apartMs / 1000)} s`;
  const says = `The clocks of this machine and of Redis are ${apart} apart`;
  const todo = 'Let both machines follow a time server (chrony, systemd-timesyncd): tokens for the callback expire.';
  if (apartMs > WRONG_CLOCK_MS) return failed(check, says, todo);
  return apartMs > DRIFTING_CLOCK_MS ? warned(check, says, todo) : passed(check, says);
}
