/**
 * The commands of ElastiCache Serverless, from "Supported and restricted Valkey, Memcached, and Redis OSS commands" of
 * the ElastiCache user guide (https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/SupportedCommands.html, read in
 * 2026); geospatial, HyperLogLog and list commands are left out.
 */
export const supportedCommands: ReadonlySet<string> = new Set(
  [
    'bitcount bitfield bitfield_ro bitop bitpos getbit setbit',
    'cluster|countkeysinslot cluster|getkeysinslot cluster|info cluster|keyslot cluster|myid cluster|nodes',
    'cluster|replicas cluster|shards cluster|slots cluster|slot-stats readonly readwrite script|show',
    'auth client|getname client|reply client|setname echo hello ping quit reset select',
    'copy del dump exists expire expireat expiretime persist pexpire pexpireat pexpiretime pttl randomkey rename',
    'renamenx restore scan sort sort_ro touch ttl type unlink',
    'hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx hstrlen hvals',
    'publish pubsub|channels pubsub|numsub pubsub|shardchannels pubsub|shardnumsub spublish ssubscribe subscribe',
    'sunsubscribe unsubscribe',
    'eval eval_ro evalsha evalsha_ro script|exists script|flush script|load',
    'acl|cat acl|genpass acl|getuser acl|list acl|users acl|whoami dbsize command command|count command|docs',
    'command|getkeys command|getkeysandflags command|info command|list flushall flushdb info lolwut role time',
    'sadd scard sdiff sdiffstore sinter sintercard sinterstore sismember smembers smismember smove spop srandmember',
    'srem sscan sunion sunionstore',
    'bzmpop bzpopmax bzpopmin zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop',
    'zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex',
    'zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion',
    'zunionstore',
    'xack xadd xautoclaim xclaim xdel xgroup|create xgroup|createconsumer xgroup|delconsumer xgroup|destroy',
    'xgroup|setid xinfo|consumers xinfo|groups xinfo|stream xlen xpending xrange xread xreadgroup xrevrange xtrim',
    'append decr decrby get getdel getex getrange getset incr incrby incrbyfloat lcs mget mset msetnx psetex set setex',
    'setnx setrange strlen substr',
    'discard exec multi',
  ].flatMap((line) => line.split(' ')),
);

/**
 * Whole commands that the same page calls unavailable: for every cache of ElastiCache, and for serverless ones in
 * addition.
 */
export const unavailableCommands: readonly string[] = [
  'bgrewriteaof bgsave config debug migrate psync replicaof save slaveof shutdown sync',
  'fcall fcall_ro function keys lastsave latency memory monitor move object pfdebug pfselftest psubscribe punsubscribe',
  'slowlog swapdb wait',
].flatMap((line) => line.split(' '));

/**
 * Commands that clients may send and scripts may not, by what users report: "This Redis command is not allowed from
 * script" (cristipufu/aspnetcore-redis-rate-limiting#154, otovo/redis-rate-limiters#11, symfony/symfony#54252).
 */
export const refusedInScripts: readonly string[] = ['time'];
