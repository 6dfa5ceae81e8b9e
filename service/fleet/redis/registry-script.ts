import { createHash } from 'node:crypto';

/** A Lua script of the registry: one atomic step of its protocol. */
export interface RegistryScript {
  readonly name: string;
  readonly lua: string;
  readonly sha1: string;
}

/**
 * What all scripts have in common. KEYS[1] is the prefix of every key; its hash tag puts them all into one slot, which
 * is why a script may derive the others from it. ARGV begins with the calling node: id, incarnation, and the number of
 * its connection, so that a command which an older connection left behind is told from a current one.
 *
 * A script answers with a list: a status, the node's write counter after it (0 when nothing was written), and the rest.
 */
const PRELUDE = `
local P = KEYS[1]
local ME, INC, EPOCH = ARGV[1], ARGV[2], tonumber(ARGV[3])
local SELF = ME .. '/' .. INC
local TOMBSTONE_SECONDS = 172800
local MAIL_SECONDS = 86400

-- Microseconds since the epoch by this server's clock, so that hardly two requests have the same. As text: Lua would
-- print the number in scientific notation.
local function now()
  local time = redis.call('TIME')
  return time[1] .. string.format('%06d', tonumber(time[2]))
end

-- Counts the node's writes: a counter that goes back tells it that this server has lost some of them. Whoever has
-- written something is known, so that somebody will look after it.
local function count()
  redis.call('SADD', P .. 'nodes', SELF)
  return redis.call('HINCRBY', P .. 'sessions:' .. SELF, '#', 1)
end

-- The registration of a node as JSON, if it is alive in that incarnation.
local function alive(id, incarnation)
  local text = redis.call('GET', P .. 'node:' .. id)
  if text and cjson.decode(text).incarnation == incarnation then return text end
  return false
end

local function registered()
  local text = alive(ME, INC)
  return text and cjson.decode(text).epoch == EPOCH
end

local function readLease(channel)
  local flat = redis.call('HGETALL', P .. 'lease:' .. channel)
  if #flat == 0 then return nil end
  local lease = {}
  for i = 1, #flat, 2 do lease[flat[i]] = flat[i + 1] end
  return lease
end

local function home(lease)
  return lease.node .. '/' .. lease.incarnation
end

local function blockedMs(channel)
  return redis.call('PTTL', P .. 'block:' .. channel)
end

-- Remembers what became of a session that lost its lease: lost, continued or claimed.
local function bury(session, how)
  redis.call('SET', P .. 'gone:' .. session, how, 'EX', TOMBSTONE_SECONDS)
end

local function wake(text)
  -- Not worth failing for, in the middle of a script.
  redis.pcall('PUBLISH', P .. 'events', text)
end

local function tell(member, order)
  if redis.call('SISMEMBER', P .. 'nodes', member) == 0 then return end
  local mail = P .. 'mail:' .. member
  redis.call('XADD', mail, 'MAXLEN', '~', 10000, '*', 'order', cjson.encode(order))
  redis.call('EXPIRE', mail, MAIL_SECONDS)
  wake('mail ' .. member)
end

local function tellMoved(lease, channel, continues, conflict)
  local order = { kind = 'moved', channel = channel, session = lease.session, continues = continues }
  order.conflict = conflict
  tell(home(lease), order)
end

local function take(channel, session, state, keyHash, startedAt, since)
  local key = P .. 'lease:' .. channel
  redis.call('DEL', key)
  redis.call('HSET', key, 'node', ME, 'incarnation', INC, 'session', session, 'state', state, 'streamId', '',
    'keyHash', keyHash, 'playKeyHash', '', 'startedAt', startedAt, 'lastTimestamp', '0', 'since', since)
end

local function keepRecord(session, stop)
  redis.call('HSET', P .. 'sessions:' .. SELF, session, stop)
end
`;

export function registryScript(name: string, body: string): RegistryScript {
  const lua = `${PRELUDE}${body}`;
  return { name, lua, sha1: createHash('sha1').update(lua).digest('hex') };
}
