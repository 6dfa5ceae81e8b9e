import { registryScript } from './registry-script';

/**
 * Renews the node's registration and fetches its mail.
 * ARGV: registration, ttlMs, last mail read, first (1: may take the id over from another incarnation), secret.
 */
export const BEAT = registryScript(
  'beat',
  `
local registration, ttlMs, readMail, first, secret = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local key = P .. 'node:' .. ME
local current = redis.call('GET', key)
local state = 'lapsed'
if current then
  current = cjson.decode(current)
  if current.incarnation == INC then
    if current.epoch > EPOCH then return { 'stale', 0 } end
    state = 'kept'
  elseif first ~= '1' then
    return { 'taken', 0 }
  end
end
redis.call('SET', key, registration, 'PX', ttlMs)
if state == 'lapsed' or first == '1' then
  redis.call('SET', P .. 'secret', secret, 'NX')
  secret = redis.call('GET', P .. 'secret')
end
local reply = { state, count(), secret }
local mail = P .. 'mail:' .. SELF
if readMail ~= '' then redis.call('XTRIM', mail, 'MINID', readMail) end
local entries = redis.call('XRANGE', mail, readMail == '' and '-' or '(' .. readMail, '+', 'COUNT', 100)
for _, entry in ipairs(entries) do
  table.insert(reply, entry[1])
  table.insert(reply, entry[2][2])
end
return reply
`,
);

/** The node goes: what it leaves undone is others' to claim. */
export const LEAVE = registryScript(
  'leave',
  `
if alive(ME, INC) then redis.call('DEL', P .. 'node:' .. ME) end
if redis.call('GET', P .. 'sweeper') == SELF then redis.call('DEL', P .. 'sweeper') end
redis.call('HDEL', P .. 'sessions:' .. SELF, '#')
if redis.call('EXISTS', P .. 'sessions:' .. SELF, P .. 'stops:' .. SELF) == 0 then
  redis.call('SREM', P .. 'nodes', SELF)
  redis.call('DEL', P .. 'mail:' .. SELF)
end
return { 'left', 0 }
`,
);

/** Registrations of all nodes that are alive. */
export const LIST_NODES = registryScript(
  'list-nodes',
  `
local reply = { 'nodes', 0 }
for _, member in ipairs(redis.call('SMEMBERS', P .. 'nodes')) do
  local id, incarnation = string.match(member, '^(.*)/([^/]*)$')
  local registration = id and alive(id, incarnation)
  if registration then table.insert(reply, registration) end
end
return reply
`,
);
