import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../support/servers/redis-server';
import type { ObservedEncoders } from './observed-encoders';
import { ANSWER_MS, GRACE_MS, type History } from './observed-history';
import { missingStops } from './observed-judge';

/** How long the fleet may take to be quiet: far more than the grace time and one answer. */
const QUIET_MS = 30_000;

export interface QuietOptions {
  readonly history: History;
  readonly encoders: ObservedEncoders;
  readonly channels: readonly string[];
  readonly nodes: number;
  readonly redis: RedisServer;
  readonly now: () => number;
}

/** All have left: the channels are free, the stops come, and nothing is kept. What is not so stands in the history. */
export async function becomeQuiet({ history, encoders, channels, nodes, redis, now }: QuietOptions): Promise<void> {
  for (const channel of channels) await redis.publish('rtmp_commands', `unblock>${channel}`);
  const publishable = now() + GRACE_MS + ANSWER_MS + QUIET_MS / 2;
  await Promise.all(channels.map((channel, i) => encoders.publishAgain(channel, i % nodes, publishable)));
  const deadline = now() + QUIET_MS;
  while (missingStops(history).length > 0 || (await left(redis)).length > 0) {
    if (now() > deadline) break;
    await sleep(200);
  }
  history.left.push(...(await left(redis)));
}

/** Keys of channels and stops that stay; what is remembered of a dead node's streams expires. */
async function left(redis: RedisServer): Promise<string[]> {
  const keys = (await Promise.all(['life', 'stops'].map((kind) => redis.keys(`{rtmp}:${kind}:*`)))).flat();
  const expiries = await redis.withClient((client) => Promise.all(keys.map((key) => client.pttl(key))));
  return keys.filter((_, i) => expiries[i] === -1);
}
