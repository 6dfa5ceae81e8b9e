import { registryScript } from './registry-script';

/** Lists dead incarnations, if this node is the one that sweeps or can become it. ARGV: how long that lasts (ms). */
export const SCAN = registryScript(
  'scan',
  `
local sweeper = P .. 'sweeper'
local holder = redis.call('GET', sweeper)
if holder and holder ~= SELF then return { 'other', 0 } end
if not registered() then return { 'unregistered', 0 } end
redis.call('SET', sweeper, SELF, 'PX', ARGV[4])
local reply = { 'dead', 0 }
for _, member in ipairs(redis.call('SMEMBERS', P .. 'nodes')) do
  local id, incarnation = string.match(member, '^(.*)/([^/]*)$')
  if id and not alive(id, incarnation) then table.insert(reply, member) end
end
return reply
`,
);

/**
 * Makes a part of a dead incarnation's sessions and pending stops the caller's; each goes to one claimant only. The
 * last part removes the incarnation. ARGV: id, incarnation, the most records to claim at once.
 */
export const CLAIM = registryScript(
  'claim',
  `
local id, incarnation, limit = ARGV[4], ARGV[5], tonumber(ARGV[6])
local dead = id .. '/' .. incarnation
if not registered() then return { 'unregistered', 0 } end
if alive(id, incarnation) then return { 'alive', 0 } end
local sessions, stops = P .. 'sessions:' .. dead, P .. 'stops:' .. dead
local records = {}
local function claim(jti, record)
  redis.call('HSET', P .. 'stops:' .. SELF, jti, record)
  table.insert(records, record)
end
local flat = redis.call('HRANDFIELD', sessions, limit, 'WITHVALUES')
for i = 1, #flat, 2 do
  local session, record = flat[i], flat[i + 1]
  redis.call('HDEL', sessions, session)
  if session ~= '#' then
    local readable, stop = pcall(cjson.decode, record)
    bury(session, 'claimed')
    if readable then
      local lease = readLease(stop.channel)
      if lease and lease.session == session then
        redis.call('DEL', P .. 'lease:' .. stop.channel)
        wake('channel ' .. stop.channel)
      end
      claim(stop.jti, record)
    end
  end
end
if #flat < 2 * limit then
  flat = redis.call('HRANDFIELD', stops, limit, 'WITHVALUES')
  for i = 1, #flat, 2 do
    redis.call('HDEL', stops, flat[i])
    claim(flat[i], flat[i + 1])
  end
end
local more = redis.call('EXISTS', sessions, stops) > 0
if not more then
  redis.call('SREM', P .. 'nodes', dead)
  redis.call('DEL', P .. 'mail:' .. dead)
end
return { 'claimed', count(), more and 'more' or 'all', unpack(records) }
`,
);
