import { Redis } from 'ioredis';
import { within } from '../../service/time/within';
import { describeError } from '../../service/errors/error-text';
import type { RedisAddress } from './operator-config';

/** The command did not reach Redis; it can be given again. */
export class CommandNotPublished extends Error {
  override readonly name = 'CommandNotPublished';
}

/** Time limit of name resolution, connecting, TLS, authentication and the command, all together. */
const DEADLINE_MS = 6_000;

/** Opens a new connection: commands are rare, and a kept connection would not survive while the container is frozen. */
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
 * Publishes one message. The number of receivers is not returned: a cluster counts those of one of its nodes only.
 * @throws CommandNotPublished when that fails or takes longer than a few seconds.
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
  try {
    await within(deadlineMs, publishing, () => {
      throw new Error(`no answer within ${deadlineMs} ms`);
    });
  } catch (error) {
    // The cause of the close says more than the fact that the connection is closed.
    const cause = lastError ?? error;
    throw new CommandNotPublished(
      `Redis at ${address.host}:${address.port} did not take the command: ${describeError(cause)}`,
      {
        cause,
      },
    );
  } finally {
    publishing.catch(() => undefined); // After the deadline nobody waits for the result.
    if (redis.status !== 'end') redis.disconnect();
  }
}
