import { createHash } from 'node:crypto';

/** The caller of a script: the node, and `<node>/<incarnation>`, as in the names of keys. */
export interface ScriptCaller {
  readonly node: string;
  readonly member: string;
}

/** A Lua script of the registry: one atomic step of its protocol. */
export interface RegistryScript {
  readonly name: string;
  readonly lua: string;
  readonly sha1: string;
  /** Names, without the prefix, of the keys that it touches in any case. */
  readonly keys: (caller: ScriptCaller, args: readonly (string | number)[]) => readonly string[];
}

/**
 * The common part of all scripts. KEYS are all keys that the script touches, since some servers run no script
 * otherwise. The keys may depend on data that the script reads, such as the owner of a lease: the script has to call
 * `need` for such keys before it writes anything, and to return `undeclared()` if they were not given; it is run again
 * with them then. ARGV begins with the prefix of all names and the calling node: id, incarnation, the number of its
 * connection, which tells commands of an older connection from current ones, and the time. The hash tag of the prefix
 * puts all keys into one slot of a cluster.
 *
 * A script answers with a list: a status, the node's write counter after it (0 when nothing was written), and the rest.
 */
const PRELUDE = `
local P = ARGV[1]
local ME, INC, EPOCH, NOW = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local SELF = ME .. '/' .. INC
local TOMBSTONE_SECONDS = 172800
local MAIL_SECONDS = 86400

local declared, needed, isMissing = {}, {}, false
for _, key in ipairs(KEYS) do declared[key] = true end

-- Whether the script was given all these keys, and all that it asked for before.
local function need(...)
  for _, name in ipairs({ ... }) do
    table.insert(needed, name)
    if not declared[P .. name] then isMissing = true end
  end
  return not isMissing
end

local function undeclared()
  local reply = { 'undeclared', 0 }
  for _, name in ipairs(needed) do table.insert(reply, name) end
  return reply
end

local function k(name)
  local key = P .. name
  if not declared[key] then error('a key that the script was not given: ' .. key) end
  return key
end

-- Microseconds since the epoch by this server's clock, as the node has measured it, and later than all earlier times:
-- the times of two requests are in the order of execution, even if their nodes have measured inaccurately. As text,
-- because Lua would print the number in scientific notation.
local function now()
  local last = tonumber(redis.call('GET', k('clock')) or '0')
  local time = string.format('%.0f', math.max(tonumber(NOW), last + 1))
  redis.call('SET', k('clock'), time)
  return time
end

-- Counts the node's writes: from a counter that goes back the node learns that this server has lost some of them. Each
-- node that has written is in the set of nodes, so that its records are claimed if it dies.
local function count()
  redis.call('SADD', k('nodes'), SELF)
  return redis.call('HINCRBY', k('publishes:' .. SELF), '#', 1)
end

-- The registration of a node as JSON, if it is alive in that incarnation.
local function alive(id, incarnation)
  local text = redis.call('GET', k('node:' .. id))
  if text and cjson.decode(text).incarnation == incarnation then return text end
  return false
end

local function registered()
  local text = alive(ME, INC)
  return text and cjson.decode(text).epoch == EPOCH
end

local function readLease(channel)
  local flat = redis.call('HGETALL', k('lease:' .. channel))
  if #flat == 0 then return nil end
  local lease = {}
  for i = 1, #flat, 2 do lease[flat[i]] = flat[i + 1] end
  return lease
end

local function home(lease)
  return lease.node .. '/' .. lease.incarnation
end

local function blockedMs(channel)
  return redis.call('PTTL', k('block:' .. channel))
end

-- Stores the fate of a publish that lost its lease: lost, continued or claimed.
local function bury(publishId, how)
  redis.call('SET', k('gone:' .. publishId), how, 'EX', TOMBSTONE_SECONDS)
end

-- Announces 'channel <name>' or 'mail <member>' to the nodes that have subscribed to that: to no other.
local function wake(topic)
  -- An error here must not end the script half-way.
  redis.pcall('PUBLISH', P .. topic, '')
end

local function tell(member, order)
  if redis.call('SISMEMBER', k('nodes'), member) == 0 then return end
  local mail = k('mail:' .. member)
  redis.call('XADD', mail, 'MAXLEN', '~', 10000, '*', 'order', cjson.encode(order))
  redis.call('EXPIRE', mail, MAIL_SECONDS)
  wake('mail ' .. member)
end

local function tellMoved(lease, channel, continues, conflict)
  local order = { kind = 'moved', channel = channel, publishId = lease.publishId, continues = continues }
  order.conflict = conflict
  tell(home(lease), order)
end

local function take(channel, publishId, state, keyHash, startedAt, since, stop)
  local key = k('lease:' .. channel)
  local readable, record = pcall(cjson.decode, stop)
  local startJti, beganAt = '', ''
  if readable then
    startJti = record.startJti or ''
    if record.beganAt then beganAt = string.format('%.0f', record.beganAt) end
  end
  redis.call('DEL', key)
  redis.call('HSET', key, 'node', ME, 'incarnation', INC, 'publishId', publishId, 'state', state, 'streamId', '',
    'keyHash', keyHash, 'playKeyHash', '', 'startedAt', startedAt, 'lastTimestamp', '0', 'since', since, 'startJti', startJti,
    'beganAt', beganAt)
end

local function keepRecord(publishId, stop)
  redis.call('HSET', k('publishes:' .. SELF), publishId, stop)
end
`;

/**
 * @param keys the keys that the script touches in any case, in addition to the node's registration, its publishes'
 * records and the list of nodes
 */
export function registryScript(name: string, keys: RegistryScript['keys'], body: string): RegistryScript {
  const lua = `${PRELUDE}${body}`;
  const always = ({ node, member }: ScriptCaller): string[] => [`node:${node}`, `publishes:${member}`, 'nodes'];
  return {
    name,
    lua,
    sha1: createHash('sha1').update(lua).digest('hex'),
    keys: (caller, args) => [...always(caller), ...keys(caller, args)],
  };
}
