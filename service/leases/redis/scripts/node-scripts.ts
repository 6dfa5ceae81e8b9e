import { registryScript } from './registry-script';
import { ROSTER, ROSTER_KEYS } from './roster-script';

/**
 * Renews the node's registration, and fetches its mail and the changes of the fleet's nodes.
 * ARGV: registration, ttlMs, last mail read, first (1: may take the id over from another incarnation), secret, address,
 * last change of the roster that was read.
 */
export const BEAT = registryScript(
  'beat',
  ({ member }) => ['secret', `mail:${member}`, ...ROSTER_KEYS],
  `${ROSTER}
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
enrollOnce(ME, ARGV[11])
local reply = { state, count(), secret }
addRosterNews(reply, ARGV[12])
local mail = k('mail:' .. SELF)
if readMail ~= '' then redis.call('XTRIM', mail, 'MINID', readMail) end
local entries = redis.call('XRANGE', mail, readMail == '' and '-' or '(' .. readMail, '+', 'COUNT', 100)
for _, entry in ipairs(entries) do
  table.insert(reply, entry[1])
  table.insert(reply, entry[2][2])
end
return reply
`,
);

/** Removes the node; other nodes claim its remaining publishes and stops. */
export const LEAVE = registryScript(
  'leave',
  ({ member }) => ['sweeper', `stops:${member}`, `mail:${member}`, ...ROSTER_KEYS],
  `${ROSTER}
strike(ME, INC)
if alive(ME, INC) then redis.call('DEL', k('node:' .. ME)) end
if redis.call('GET', k('sweeper')) == SELF then redis.call('DEL', k('sweeper')) end
redis.call('HDEL', k('publishes:' .. SELF), '#')
if redis.call('EXISTS', k('publishes:' .. SELF), k('stops:' .. SELF)) == 0 then
  redis.call('SREM', k('nodes'), SELF)
  redis.call('DEL', k('mail:' .. SELF))
end
return { 'left', 0 }
`,
);
