/** Every key of the fleet begins with this. The hash tag keeps them in one slot of a cluster-mode cache. */
export const fleetKeyPrefix = '{rtmp}:';

/** Answers to commands go out on the command channel's name with this ending. */
export const repliesEnding = ':replies';

/** What our own clients need besides their work. No category: each would name commands that serverless caches lack. */
const connect = ['+ping', '+client|setname'];

const publishSubscribe = ['+publish', '+subscribe', '+unsubscribe'];

/** What the fleet's registry does, in scripts mostly; the key pattern confines it to the fleet's own keys. */
const registry = [
  ...['+eval', '+evalsha', '+time'],
  ...['+get', '+set', '+del', '+exists', '+expire', '+pttl'],
  ...['+hget', '+hset', '+hdel', '+hgetall', '+hkeys', '+hincrby', '+hrandfield'],
  ...['+sadd', '+srem', '+sismember', '+smembers'],
  ...['+xadd', '+xrange', '+xtrim'],
];

/** What clients that we do not know ask of a connection: redis-cli, and the libraries that publishers use. */
const anyClient = [
  ...['+auth', '+hello', '+ping', '+echo', '+quit', '+reset', '+select', '+info', '+command'],
  ...['+client|getname', '+client|setname', '+client|reply'],
];

/**
 * Access strings of the cache's three users: nobody can touch a key outside the fleet's prefix, list keys, flush or
 * reconfigure. The operator function and `default`, which is for publishers that know a password only, have no keys at
 * all: they publish and listen.
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
