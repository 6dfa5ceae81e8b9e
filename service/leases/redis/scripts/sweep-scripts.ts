import { registryScript } from './registry-script';

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
 * Lists a dead incarnation's sessions, as pairs of a session and its record, and ids of its pending stops.
 * ARGV: id, incarnation, the most of each.
 */
export const REMAINS = registryScript(
  'remains',
  (_, [id, incarnation]) => [`sessions:${id}/${incarnation}`, `stops:${id}/${incarnation}`],
  `
local dead = ARGV[6] .. '/' .. ARGV[7]
local sessions = redis.call('HRANDFIELD', k('sessions:' .. dead), ARGV[8], 'WITHVALUES')
local stops = redis.call('HRANDFIELD', k('stops:' .. dead), ARGV[8])
return { 'remains', 0, cjson.encode(sessions), cjson.encode(stops) }
`,
);

/** A session that a dead incarnation left. */
export interface LeftSession {
  readonly session: string;
  /** The channel in its record; empty if the record cannot be read. */
  readonly channel: string;
}

/**
 * Moves the remaining sessions and pending stops of a dead incarnation to the caller: each goes to one claimant only.
 * The last part removes the incarnation. ARGV: id, incarnation, sessions and channels, stops; the last two as JSON
 * lists.
 */
export const CLAIM = registryScript(
  'claim',
  ({ member }, [id, incarnation, sessions]) => {
    const dead = `${id}/${incarnation}`;
    const left = JSON.parse(String(sessions)) as readonly LeftSession[];
    const own = [`stops:${member}`, `node:${id}`, `sessions:${dead}`, `stops:${dead}`, `mail:${dead}`];
    const touched = left.flatMap(({ session, channel }) => [`gone:${session}`, `lease:${channel}`]);
    return [...own, ...touched];
  },
  `
local id, incarnation = ARGV[6], ARGV[7]
local dead = id .. '/' .. incarnation
if not registered() then return { 'unregistered', 0 } end
if alive(id, incarnation) then return { 'alive', 0 } end
local sessions, stops = k('sessions:' .. dead), k('stops:' .. dead)
local records = {}
local function claim(jti, record)
  redis.call('HSET', k('stops:' .. SELF), jti, record)
  table.insert(records, record)
end
for _, left in ipairs(cjson.decode(ARGV[8])) do
  local record = redis.call('HGET', sessions, left.session)
  if record then
    redis.call('HDEL', sessions, left.session)
    if left.session ~= '#' then
      local readable, stop = pcall(cjson.decode, record)
      bury(left.session, 'claimed')
      if readable and stop.channel == left.channel then
        local lease = readLease(stop.channel)
        if lease and lease.session == left.session then
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
local more = redis.call('EXISTS', sessions, stops) > 0
if not more then
  redis.call('SREM', k('nodes'), dead)
  redis.call('DEL', k('mail:' .. dead))
end
return { 'claimed', count(), more and 'more' or 'all', unpack(records) }
`,
);
