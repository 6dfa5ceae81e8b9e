import { registryScript } from './registry-script';
import { ROSTER, ROSTER_KEYS } from './roster-script';

/** Lists dead incarnations, if this node is or can become the sweeper. ARGV: how long it stays the sweeper (ms). */
export const SCAN = registryScript(
  'scan',
  () => ['sweeper'],
  `
local sweeper = k('sweeper')
local holder = redis.call('GET', sweeper)
if holder and holder ~= SELF then return { 'other', 0 } end
if not registered() then return { 'unregistered', 0 } end
local members = redis.call('SMEMBERS', k('nodes'))
for _, member in ipairs(members) do need('node:' .. string.match(member, '^[^/]*')) end
if isMissing then return undeclared() end
redis.call('SET', sweeper, SELF, 'PX', ARGV[6])
local reply = { 'dead', 0 }
for _, member in ipairs(members) do
  local id, incarnation = string.match(member, '^(.*)/([^/]*)$')
  if id and not alive(id, incarnation) then table.insert(reply, member) end
end
return reply
`,
);

/**
 * Lists a dead incarnation's publishes, as pairs of a publish and its record, and ids of its pending stops.
 * ARGV: id, incarnation, the most of each.
 */
export const REMAINS = registryScript(
  'remains',
  (_, [id, incarnation]) => [`publishes:${id}/${incarnation}`, `stops:${id}/${incarnation}`],
  `
local dead = ARGV[6] .. '/' .. ARGV[7]
local publishes = redis.call('HRANDFIELD', k('publishes:' .. dead), ARGV[8], 'WITHVALUES')
local stops = redis.call('HRANDFIELD', k('stops:' .. dead), ARGV[8])
return { 'remains', 0, cjson.encode(publishes), cjson.encode(stops) }
`,
);

/** A publish that a dead incarnation left. */
export interface LeftPublish {
  readonly publishId: string;
  /** The channel in its record; empty if the record cannot be read. */
  readonly channel: string;
}

/**
 * Moves the remaining publishes and pending stops of a dead incarnation to the caller: each goes to one claimant only.
 * The last part removes the incarnation. ARGV: id, incarnation, publishes and channels, stops; the last two as JSON
 * lists.
 */
export const CLAIM = registryScript(
  'claim',
  ({ member }, [id, incarnation, publishes]) => {
    const dead = `${id}/${incarnation}`;
    const left = JSON.parse(String(publishes)) as readonly LeftPublish[];
    const own = [`stops:${member}`, `node:${id}`, `publishes:${dead}`, `stops:${dead}`, `mail:${dead}`];
    const touched = left.flatMap(({ publishId, channel }) => [`gone:${publishId}`, `lease:${channel}`]);
    return [...own, ...touched, ...ROSTER_KEYS];
  },
  `${ROSTER}
local id, incarnation = ARGV[6], ARGV[7]
local dead = id .. '/' .. incarnation
if not registered() then return { 'unregistered', 0 } end
if alive(id, incarnation) then return { 'alive', 0 } end
strike(id, incarnation)
local publishes, stops = k('publishes:' .. dead), k('stops:' .. dead)
local records = {}
local function claim(jti, record)
  redis.call('HSET', k('stops:' .. SELF), jti, record)
  table.insert(records, record)
end
for _, left in ipairs(cjson.decode(ARGV[8])) do
  local record = redis.call('HGET', publishes, left.publishId)
  if record then
    redis.call('HDEL', publishes, left.publishId)
    if left.publishId ~= '#' then
      local readable, stop = pcall(cjson.decode, record)
      bury(left.publishId, 'claimed')
      if readable and stop.channel == left.channel then
        local lease = readLease(stop.channel)
        if lease and lease.publishId == left.publishId then
          redis.call('DEL', k('lease:' .. stop.channel))
          wake('channel ' .. stop.channel)
        end
        claim(stop.jti, record)
      end
    end
  end
end
for _, jti in ipairs(cjson.decode(ARGV[9])) do
  local record = redis.call('HGET', stops, jti)
  if record then
    redis.call('HDEL', stops, jti)
    claim(jti, record)
  end
end
local more = redis.call('EXISTS', publishes, stops) > 0
if not more then
  redis.call('SREM', k('nodes'), dead)
  redis.call('DEL', k('mail:' .. dead))
end
return { 'claimed', count(), more and 'more' or 'all', unpack(records) }
`,
);
