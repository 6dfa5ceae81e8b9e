import { Redis } from 'ioredis';
import { describeError } from '../shared/lambda-logger';
import type { RedisAddress } from './operator-config';

/** The command reached no Redis; it can be given again. */
export class CommandNotPublished extends Error {
  override readonly name = 'CommandNotPublished';
}

/** For name resolution, connecting, TLS, authentication and the command itself, all together. */
const DEADLINE_MS = 6_000;

/** A connection of its own: commands are rare, and one that is kept would not survive the container's being frozen. */
export function openRedis(address: RedisAddress, password: string | undefined, deadlineMs: number): Redis {
  const { host, port, username, tls } = address;
  return new Redis({
    host,
    port,
    username,
    password,
    tls: tls && { ca: tls.ca },
    lazyConnect: true,
    connectTimeout: deadlineMs,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
}

/**
 * Publishes one message. How many heard it, a cluster does not say: Redis counts at the node that it is connected to.
 * @throws CommandNotPublished when that is not done within a few seconds.
 */
export async function publishCommand(
  address: RedisAddress,
  password: string | undefined,
  channel: string,
  message: string,
  deadlineMs: number = DEADLINE_MS,
): Promise<void> {
  const redis = openRedis(address, password, deadlineMs);
  let lastError: unknown;
  redis.on('error', (error: unknown) => (lastError = error));
  const publishing = redis.connect().then(() => redis.publish(channel, message));
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    await Promise.race([publishing, deadline]);
  } catch (error) {
    // What closed the connection says more than the fact that it is closed.
    const cause = lastError ?? error;
    throw new CommandNotPublished(
      `Redis at ${address.host}:${address.port} did not take the command: ${describeError(cause)}`,
      {
        cause,
      },
    );
  } finally {
    publishing.catch(() => undefined); // Past the deadline nobody waits for it.
    clearTimeout(timer);
    if (redis.status !== 'end') redis.disconnect();
  }
}
