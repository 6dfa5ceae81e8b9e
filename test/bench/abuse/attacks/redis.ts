import { Redis } from 'ioredis';
import type { Attack, AttackContext } from '../attack';
import { command, connected } from '../attacker-bytes';
import { churn, pause } from '../flood';

/** Before every key and channel of a fleet. */
const PREFIX = '{rtmp}:';
const fakeJwt = `${Buffer.from('{"alg":"HS256"}').toString('base64url')}.${'e30'.repeat(20)}.${'A'.repeat(43)}`;
const HUGE = 'x'.repeat(1_000_000);

/** Whoever may write to Redis can end streams and keep publishers out, but not stop a node from serving the others. */
export const redisAttacks: readonly Attack[] = [
  {
    name: 'relay-tokens',
    title: 'players with forged relay tokens (JWT)',
    ...{ bound: 'STRANGER, MAX_IP_CONNECTIONS_PER_SECOND 20, MAX_UNPROVEN_RELAYS 256', needs: ['redis'] },
    run: (context) =>
      churn(context, Buffer.concat([connected('honest-0'), command(1, ['play', 3, null, `relay?token=${fakeJwt}`])])),
  },
  {
    name: 'redis-commands',
    title: 'commands without number on REDIS_CHANNEL',
    ...{ bound: 'command-intake.ts: BURST 200, 50 a second', needs: ['redis'] },
    run: (context) => publishing(context, () => ['rtmp_commands', `block>nobody-${Math.random()}|60`], 500),
  },
  {
    name: 'redis-large-commands',
    title: 'messages of 1 MB on REDIS_CHANNEL',
    ...{ bound: 'MAX_MESSAGE_LENGTH 4,096', needs: ['redis'] },
    run: (context) => publishing(context, () => ['rtmp_commands', HUGE], 4),
  },
  {
    name: 'redis-messages',
    title: 'messages that make no sense on every channel of the fleet',
    ...{ bound: 'each is read as a hint to look', needs: ['redis'] },
    run: redisMessages,
  },
  {
    name: 'redis-values',
    title: 'values that make no sense, and of 1 MB, in every key of the fleet',
    ...{ bound: 'documents that cannot be read count as another version', needs: ['redis'] },
    run: redisValues,
  },
];

async function connectRedis({ host, redisPort, spent }: AttackContext): Promise<Redis> {
  spent.connections += 1;
  const redis = new Redis({ host, port: redisPort, lazyConnect: true });
  redis.on('error', () => undefined);
  await redis.connect();
  return redis;
}

async function publishing(
  context: AttackContext,
  next: () => readonly [channel: string, text: string],
  atOnce: number,
): Promise<void> {
  const redis = await connectRedis(context);
  while (context.goesOn()) {
    const batch = redis.pipeline();
    for (let i = 0; i < atOnce; i += 1) {
      const [channel, text] = next();
      context.spent.bytes += channel.length + text.length;
      batch.publish(channel, text);
    }
    await batch.exec();
  }
  redis.disconnect();
}

/** On the channels that somebody listens to now. */
async function redisMessages(context: AttackContext): Promise<void> {
  const redis = await connectRedis(context);
  const channels = (await redis.pubsub('CHANNELS')) as string[];
  redis.disconnect();
  const texts = ['', '{', '[[[[', '\x00\xff', '{"__proto__":1}', 'x'.repeat(10_000), '-1', 'moved'];
  let n = 0;
  await publishing(context, () => [channels[(n += 1) % channels.length]!, texts[n % texts.length]!], 100);
}

/** Overwrites keys with values of their own type and of others, over and over. */
async function redisValues(context: AttackContext): Promise<void> {
  const redis = await connectRedis(context);
  const values = ['', '{', '{"schema":1e9}', '[]', '-1', '{"__proto__":{"x":1}}', HUGE];
  let n = 0;
  while (context.goesOn()) {
    for (const key of await redis.keys(`${PREFIX}*`)) {
      const value = values[(n += 1) % values.length]!;
      context.spent.bytes += value.length;
      if (n % 3 === 0) await redis.del(key);
      await (n % 2 === 0 ? redis.set(key, value) : overwriteFields(redis, key, value)).catch(() => undefined);
    }
    await pause(20);
  }
  redis.disconnect();
}

async function overwriteFields(redis: Redis, key: string, value: string): Promise<void> {
  const type = await redis.type(key);
  if (type === 'hash') for (const field of (await redis.hkeys(key)).slice(0, 10)) await redis.hset(key, field, value);
  else if (type === 'zset') await redis.zadd(key, 1e15, value.slice(0, 100));
  else if (type === 'set') await redis.sadd(key, value.slice(0, 100));
  else if (type === 'list') await redis.lpush(key, value);
  else await redis.hset(key, 'field', value);
}
