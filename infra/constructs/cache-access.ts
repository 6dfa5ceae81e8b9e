/** Every key of the fleet begins with this. The hash tag keeps them in one slot of a cluster-mode cache. */
export const fleetKeyPrefix = '{rtmp}:';

/** Answers to commands go out on the command channel's name with this ending. */
export const repliesEnding = ':replies';

/** What every client needs to connect, stay connected and pass its library's ready check. */
const connect = ['+@connection', '-@dangerous', '+info'];

const publishSubscribe = ['+publish', '+subscribe', '+unsubscribe', '+psubscribe', '+punsubscribe', '+pubsub'];

/** Whatever one does with single keys, which the key pattern confines to the fleet's own, also in transactions and Lua. */
const registry = [
  ...['+@string', '+@hash', '+@set', '+@sortedset', '+@list', '+@stream', '+@transaction'],
  ...[
    '+del',
    '+unlink',
    '+exists',
    '+type',
    '+expire',
    '+pexpire',
    '+expireat',
    '+pexpireat',
    '+persist',
    '+ttl',
    '+pttl',
  ],
  ...['+eval', '+evalsha', '+script|load', '+script|exists', '+time'],
];

/**
 * Access strings of the cache's three users: nobody can touch a key outside the fleet's prefix, list keys, flush or
 * reconfigure. `default` is for publishers that know a password only, and can do nothing but publish and listen.
 */
export function cacheAccess(redisChannel: string): { service: string; operator: string; publisher: string } {
  const channels = [`&${redisChannel}`, `&${redisChannel}${repliesEnding}`];
  const fleet = [`~${fleetKeyPrefix}*`, 'resetchannels', ...channels, `&${fleetKeyPrefix}*`];
  return {
    service: ['on', ...fleet, '-@all', ...publishSubscribe, ...registry, ...connect].join(' '),
    operator: ['on', ...fleet, '-@all', ...publishSubscribe, ...registry, ...connect].join(' '),
    publisher: ['on', 'resetchannels', ...channels, '-@all', ...publishSubscribe, ...connect].join(' '),
  };
}
