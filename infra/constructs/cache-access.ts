/** Every key of the fleet begins with this. The hash tag keeps them in one slot of a cluster-mode cache. */
export const fleetKeyPrefix = '{rtmp}:';

/** Answers to commands go out on the command channel's name with this ending. */
export const repliesEnding = ':replies';

/** What every client needs to connect, stay connected and pass its library's ready check. */
const connect = ['-@all', '+@connection', '-@dangerous', '+info'];

const publishSubscribe = ['+publish', '+subscribe', '+unsubscribe', '+psubscribe', '+punsubscribe', '+pubsub'];

/** Commands on the fleet's own keys: leases, node keys, pending stops and remembered commands, most of them in Lua. */
const registry = [
  ...['+get', '+mget', '+set', '+del', '+unlink', '+exists', '+expire', '+pexpire', '+ttl', '+pttl', '+incr', '+scan'],
  ...['+hget', '+hgetall', '+hmget', '+hset', '+hsetnx', '+hdel', '+hincrby', '+hlen', '+hscan'],
  ...['+zadd', '+zrem', '+zrange', '+zrangebyscore', '+zscore', '+zcard', '+zcount', '+zremrangebyscore', '+zpopmin'],
  ...['+sadd', '+srem', '+smembers', '+sismember', '+scard'],
  ...['+eval', '+evalsha', '+script|load', '+script|exists', '+multi', '+exec', '+discard', '+time', '+type'],
];

/**
 * Access strings of the cache's three users: nobody can touch a key outside the fleet's prefix, list keys, flush or
 * reconfigure. `default` is for publishers that know a password only, and can do nothing but publish and listen.
 */
export function cacheAccess(redisChannel: string): { service: string; operator: string; publisher: string } {
  const channels = [`&${redisChannel}`, `&${redisChannel}${repliesEnding}`];
  const fleet = [`~${fleetKeyPrefix}*`, 'resetchannels', ...channels, `&${fleetKeyPrefix}*`];
  return {
    service: ['on', ...fleet, ...connect, ...publishSubscribe, ...registry].join(' '),
    operator: ['on', ...fleet, ...connect, ...publishSubscribe, ...registry].join(' '),
    publisher: ['on', 'resetchannels', ...channels, ...connect, ...publishSubscribe].join(' '),
  };
}
