import { nodeOf } from './life-scripts';
import { registryScript } from './registry-script';
import { ROSTER, ROSTER_KEYS } from './roster-script';

export interface ScanArgument {
  /** How long the caller stays the sweeper. */
  readonly ttlMs: number;
}

export interface RemainsArgument {
  /** A dead incarnation. */
  readonly member: string;
  /** Most channels or stops. */
  readonly most: number;
}

/**
 * If this node is or can become the sweeper: returns the number of nodes that have departed since the last scan, their
 * ids, and the dead incarnations.
 */
export const SCAN = registryScript<ScanArgument>(
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
redis.call('SET', sweeper, SELF, 'PX', a.ttlMs)
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

/** Some channels in which a dead incarnation has a part. */
export const REMAINS = registryScript<RemainsArgument>(
  'remains',
  (_, { member }) => [`channels:${member}`],
  `
local reply = { 'remains', 0 }
local channels = redis.call('HRANDFIELD', k('channels:' .. a.member), a.most)
for _, channel in ipairs(channels) do
  if channel ~= '#' then table.insert(reply, channel) end
end
return reply
`,
);

/**
 * Moves some of the stops that a dead incarnation has left to the caller, and returns them. When there is nothing left of
 * the incarnation, it is removed, and the answer begins with `all`.
 */
export const CLAIM = registryScript<RemainsArgument>(
  'claim',
  ({ member: self }, { member }) => [
    ...[`stops:${self}`, `node:${nodeOf(member)}`],
    ...[`channels:${member}`, `stops:${member}`, `mail:${member}`],
    ...ROSTER_KEYS,
  ],
  `${ROSTER}
local LEFT_MAIL_SECONDS = 3600
local dead = a.member
local id, incarnation = string.match(dead, '^(.*)/([^/]*)$')
if not registered() then return { 'unregistered', 0 } end
if alive(id, incarnation) then return { 'alive', 0 } end
strike(id, incarnation)
local channels, stops = k('channels:' .. dead), k('stops:' .. dead)
local reply = { 'claimed', 0, 'more' }
local flat = {}
if a.most > 0 then flat = redis.call('HRANDFIELD', stops, a.most, 'WITHVALUES') end
for i = 1, #flat, 2 do
  redis.call('HSET', k('stops:' .. SELF), flat[i], flat[i + 1])
  redis.call('HDEL', stops, flat[i])
  table.insert(reply, flat[i + 1])
end
redis.call('HDEL', channels, '#')
if redis.call('EXISTS', channels, stops) == 0 then
  redis.call('SREM', k('nodes'), dead)
  -- It may live and come back: then it hears which of its publishes others have ended.
  redis.call('EXPIRE', k('mail:' .. dead), LEFT_MAIL_SECONDS)
  reply[3] = 'all'
end
reply[2] = count()
return reply
`,
);
