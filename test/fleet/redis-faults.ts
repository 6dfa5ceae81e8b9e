import type { RedisServer } from '../support/servers/redis-server';

/** What a Redis goes through, for as long as `lasts` takes. */
export type RedisFault = (redis: RedisServer, lasts: () => Promise<unknown>) => Promise<void>;

const restarted =
  (isEmptied: boolean): RedisFault =>
  async (redis, lasts) => {
    // Both in one piece, so that the nodes see no empty Redis that is up.
    await redis.withClient(async (client) => {
      const end = client.pipeline();
      if (isEmptied) end.flushall();
      await end
        .call('SHUTDOWN', 'SAVE')
        .exec()
        .catch(() => undefined);
    });
    await redis.stop();
    await lasts();
    await redis.start();
  };

export const restartsWithData = restarted(false);
export const restartsWithoutData = restarted(true);

/** It has no memory for anything new, and takes nothing away for it. */
export const isFull: RedisFault = async (redis, lasts) => {
  const limit = (bytes: string): Promise<unknown> =>
    redis.withClient((client) => client.call('CONFIG', 'SET', 'maxmemory', bytes));
  await limit('1');
  await lasts();
  await limit('0');
};

/** The nodes' user may do nothing any more. */
export const refusesAll: RedisFault = async (redis, lasts) => {
  await redis.withClient(async (client) => {
    await client.call('ACL', 'SETUSER', 'keeper', 'on', 'nopass', '~*', '&*', '+@all');
    await client.call('AUTH', 'keeper', '');
    await client.call('ACL', 'SETUSER', 'default', '-@all');
    await lasts();
    await client.call('ACL', 'SETUSER', 'default', '+@all');
  });
};
