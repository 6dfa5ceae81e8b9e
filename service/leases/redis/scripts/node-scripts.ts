import { registryScript } from './registry-script';

/**
 * Renews the node's registration and fetches its mail.
 * ARGV: registration, ttlMs, last mail read, first (1: may take the id over from another incarnation), secret.
 */
export const BEAT = registryScript(
  'beat',
  ({ member }) => ['secret', `mail:${member}`],
  `
local registration, ttlMs, readMail, first, secret = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local key = k('node:' .. ME)
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
  redis.call('SET', k('secret'), secret, 'NX')
  secret = redis.call('GET', k('secret'))
end
local reply = { state, count(), secret }
local mail = k('mail:' .. SELF)
if readMail ~= '' then redis.call('XTRIM', mail, 'MINID', readMail) end
return unread(reply, readMail)
`,
);

/** Removes the node; other nodes see to its remaining channels and stops. */
export const LEAVE = registryScript(
  'leave',
  ({ member }) => ['sweeper', `stops:${member}`, `mail:${member}`],
  `
if alive(ME, INC) then redis.call('DEL', k('node:' .. ME)) end
if redis.call('GET', k('sweeper')) == SELF then redis.call('DEL', k('sweeper')) end
redis.call('HDEL', k('channels:' .. SELF), '#')
if redis.call('EXISTS', k('channels:' .. SELF), k('stops:' .. SELF)) == 0 then
  redis.call('SREM', k('nodes'), SELF)
  redis.call('DEL', k('mail:' .. SELF))
end
return { 'left', 0 }
`,
);

/** Registrations of all nodes that are alive. */
export const LIST_NODES = registryScript(
  'list-nodes',
  () => [],
  `
local members = redis.call('SMEMBERS', k('nodes'))
for _, member in ipairs(members) do need('node:' .. string.match(member, '^[^/]*')) end
if isMissing then return undeclared() end
local reply = { 'nodes', 0 }
for _, member in ipairs(members) do
  local id, incarnation = string.match(member, '^(.*)/([^/]*)$')
  local registration = id and alive(id, incarnation)
  if registration then table.insert(reply, registration) end
end
return reply
`,
);
