/** Every key of the fleet begins with this. The hash tag keeps them in one slot of a cluster-mode cache. */
export const fleetKeyPrefix = '{rtmp}:';

/** Nodes answer commands on a channel with the command channel's name and this ending. */
export const repliesEnding = ':replies';

/** Commands that our own clients need to connect. No category: each would name commands that serverless caches lack. */
const connect = ['+ping', '+client|setname'];

const publishSubscribe = ['+publish', '+subscribe', '+unsubscribe'];

/** Commands of the fleet's registry, mostly in scripts; the key pattern limits them to the fleet's own keys. */
const registry = [
  ...['+eval', '+evalsha', '+time'],
  ...['+get', '+set', '+del', '+exists', '+expire', '+pttl'],
  ...['+hget', '+hset', '+hdel', '+hgetall', '+hkeys', '+hincrby', '+hrandfield'],
  ...['+sadd', '+srem', '+sismember', '+smembers'],
  ...['+xadd', '+xrange', '+xtrim'],
];

/** Connection commands of clients that we do not know: redis-cli, and the libraries of those who publish commands. */
const anyClient = [
  ...['+auth', '+hello', '+ping', '+echo', '+quit', '+reset', '+select', '+info', '+command'],
  ...['+client|getname', '+client|setname', '+client|reply'],
];

/**
 * Access strings of the cache's three users: nobody can touch a key outside the fleet's prefix, list keys, flush or
 * reconfigure. The operator function and `default`, for clients that only know a password, have access to no keys: they
 * publish and subscribe.
 */
export function cacheAccess(redisChannel: string): { service: string; operator: string; publisher: string } {
  const channels = [`&${redisChannel}`, `&${redisChannel}${repliesEnding}`];
  const fleet = [`~${fleetKeyPrefix}*`, 'resetchannels', ...channels, `&${fleetKeyPrefix}*`];
  return {
    service: ['on', ...fleet, '-@all', ...publishSubscribe, ...registry, ...connect].join(' '),
    operator: ['on', 'resetchannels', ...channels, '-@all', ...publishSubscribe, ...connect].join(' '),
    publisher: ['on', 'resetchannels', ...channels, '-@all', ...publishSubscribe, ...anyClient].join(' '),
  };
}
