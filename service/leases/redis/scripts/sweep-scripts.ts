import { registryScript } from './registry-script';
import { ROSTER, ROSTER_KEYS } from './roster-script';

/**
 * If this node is or can become the sweeper: returns the number of nodes that have departed since the last scan, their
 * ids, and the dead incarnations. ARGV: how long it stays the sweeper (ms).
 */
export const SCAN = registryScript(
  'scan',
  () => ['sweeper', ...ROSTER_KEYS],
  `${ROSTER}
local sweeper = k('sweeper')
local holder = redis.call('GET', sweeper)
if holder and holder ~= SELF then return { 'other', 0 } end
if not registered() then return { 'unregistered', 0 } end
local members = redis.call('SMEMBERS', k('nodes'))
for _, member in ipairs(members) do need('node:' .. string.match(member, '^[^/]*')) end
if isMissing then return undeclared() end
redis.call('SET', sweeper, SELF, 'PX', ARGV[6])
local departed = takeDeparted()
local reply = { 'dead', 0, #departed }
for _, id in ipairs(departed) do table.insert(reply, id) end
for _, member in ipairs(members) do
  local id, incarnation = string.match(member, '^(.*)/([^/]*)$')
  if id and not alive(id, incarnation) then table.insert(reply, member) end
end
return reply
`,
);

/** Some channels in which a dead incarnation has a part. ARGV: id, incarnation, most channels. */
export const REMAINS = registryScript(
  'remains',
  (_, [id, incarnation]) => [`channels:${id}/${incarnation}`],
  `
local reply = { 'remains', 0 }
local channels = redis.call('HRANDFIELD', k('channels:' .. ARGV[6] .. '/' .. ARGV[7]), ARGV[8])
for _, channel in ipairs(channels) do
  if channel ~= '#' then table.insert(reply, channel) end
end
return reply
`,
);

/**
 * Moves some of the stops that a dead incarnation has left to the caller, and returns them. When there is nothing left of
 * the incarnation, it is removed, and the answer begins with `all`. ARGV: id, incarnation, most stops.
 */
export const CLAIM = registryScript(
  'claim',
  ({ member }, [id, incarnation]) => {
    const dead = `${id}/${incarnation}`;
    return [`stops:${member}`, `node:${id}`, `channels:${dead}`, `stops:${dead}`, `mail:${dead}`, ...ROSTER_KEYS];
  },
  `${ROSTER}
local id, incarnation = ARGV[6], ARGV[7]
local dead = id .. '/' .. incarnation
if not registered() then return { 'unregistered', 0 } end
if alive(id, incarnation) then return { 'alive', 0 } end
strike(id, incarnation)
local channels, stops = k('channels:' .. dead), k('stops:' .. dead)
local reply = { 'claimed', 0, 'more' }
local flat = {}
if tonumber(ARGV[8]) > 0 then flat = redis.call('HRANDFIELD', stops, ARGV[8], 'WITHVALUES') end
for i = 1, #flat, 2 do
  redis.call('HSET', k('stops:' .. SELF), flat[i], flat[i + 1])
  redis.call('HDEL', stops, flat[i])
  table.insert(reply, flat[i + 1])
end
redis.call('HDEL', channels, '#')
if redis.call('EXISTS', channels, stops) == 0 then
  redis.call('SREM', k('nodes'), dead)
  redis.call('DEL', k('mail:' .. dead))
  reply[3] = 'all'
end
reply[2] = count()
return reply
`,
);
