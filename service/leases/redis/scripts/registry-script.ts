import { createHash } from 'node:crypto';

/** The caller of a script: the node, and `<node>/<incarnation>`, as in the names of keys. */
export interface ScriptCaller {
  readonly node: string;
  readonly member: string;
}

/** The argument of a script that needs to know its caller only. */
export type NoArgument = Readonly<Record<string, never>>;

/** A Lua script of the registry: one atomic step of its protocol. */
export interface RegistryScript<Argument extends object = NoArgument> {
  readonly name: string;
  readonly lua: string;
  readonly sha1: string;
  /** Names, without the prefix, of the keys that it touches in any case. */
  readonly keys: (caller: ScriptCaller, argument: Argument) => readonly string[];
}

/** What a script gets, as JSON: who calls it, and its own argument. */
export interface ScriptCall {
  readonly schema: number;
  /** Of the names of all keys and announcements. */
  readonly prefix: string;
  readonly node: string;
  readonly incarnation: string;
  /** The number of the node's connection, which tells requests of an older connection from current ones. */
  readonly epoch: number;
  /** Microseconds since the epoch by the server's clock, as the node has measured it. */
  readonly now: string;
  readonly argument: object;
}

/** Version of what scripts get. */
export const CALL_SCHEMA = 1;

/**
 * The common part of all scripts. KEYS are all keys that the script touches, since some servers run no script
 * otherwise. The keys may depend on data that the script reads, such as the owner of a stream: the script has to call
 * `need` for such keys before it writes anything, and to return `undeclared()` if they were not given; it is run again
 * with them then. ARGV is a ScriptCall; the hash tag of its prefix puts all keys into one slot of a cluster.
 *
 * A script answers with a list: a status, the node's write counter after it (0 when nothing was written), and the rest.
 */
const PRELUDE = `
local called = cjson.decode(ARGV[1])
local a = called.argument
local P = called.prefix
local ME, INC, EPOCH, NOW = called.node, called.incarnation, called.epoch, called.now
local SELF = ME .. '/' .. INC
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

-- Milliseconds since the epoch by this server's clock at this moment, however late the request is carried out. Scripts
-- may not ask for the time on every server, but how long a key still lives they may: the key \`era\` holds when it ends.
local YEAR_MS = 31536000000
local function serverMs()
  local era = k('era')
  local left = redis.call('PTTL', era)
  if left > 0 then return tonumber(redis.call('GET', era)) - left end
  local time = math.floor(tonumber(NOW) / 1000)
  redis.call('SET', era, string.format('%.0f', time + YEAR_MS), 'PX', string.format('%.0f', YEAR_MS))
  return time
end

-- Counts the node's writes: from a counter that goes back the node learns that this server has lost some of them. Each
-- node that has written is in the set of nodes, so that its records are claimed if it dies.
local function count()
  redis.call('SADD', k('nodes'), SELF)
  return redis.call('HINCRBY', k('channels:' .. SELF), '#', 1)
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

-- Announces 'channel <name>' or 'mail <member>' to the nodes that have subscribed to that: to no other.
local function wake(topic)
  -- An error here must not end the script half-way.
  redis.pcall('PUBLISH', P .. topic, '')
end

-- A look-up of the channel gives another result.
local function wakeChannel(channel)
  wake('channel ' .. channel)
end

local function post(member, letter)
  if redis.call('SISMEMBER', k('nodes'), member) == 0 then return end
  local mail = k('mail:' .. member)
  redis.call('XADD', mail, 'MAXLEN', '~', 10000, '*', 'order', letter)
  redis.call('EXPIRE', mail, MAIL_SECONDS)
  wake('mail ' .. member)
end

-- Adds what has arrived in the caller's mailbox to a reply: pairs of a letter's id and the letter.
local function unread(reply, readMail)
  local from = readMail == '' and '-' or '(' .. readMail
  local entries = redis.call('XRANGE', k('mail:' .. SELF), from, '+', 'COUNT', 100)
  for _, entry in ipairs(entries) do
    table.insert(reply, entry[1])
    table.insert(reply, entry[2][2])
  end
  return reply
end
`;

/**
 * @param keys the keys that the script touches in any case, in addition to the node's registration, the list
 * of its channels, and the list of nodes
 */
export function registryScript<Argument extends object = NoArgument>(
  name: string,
  keys: RegistryScript<Argument>['keys'],
  body: string,
): RegistryScript<Argument> {
  const lua = `${PRELUDE}${body}`;
  const always = ({ node, member }: ScriptCaller): string[] => [`node:${node}`, `channels:${member}`, 'nodes'];
  return {
    name,
    lua,
    sha1: createHash('sha1').update(lua).digest('hex'),
    keys: (caller, argument) => [...always(caller), ...keys(caller, argument)],
  };
}
