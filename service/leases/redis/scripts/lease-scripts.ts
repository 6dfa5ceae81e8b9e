import { registryScript } from './registry-script';

/**
 * Takes a channel's lease unless a valid one exists.
 * ARGV: channel, publishId, keyHash, startedAt, stop, fence, since (empty: now).
 */
export const ACQUIRE = registryScript(
  'acquire',
  (_, [channel]) => [`block:${channel}`, `lease:${channel}`, 'clock'],
  `
local channel, publishId, keyHash, startedAt, stop, fence = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
if not registered() then return { 'unregistered', 0 } end
local blocked = blockedMs(channel)
if blocked > 0 then return { 'blocked', 0, math.ceil(blocked / 1000) } end
local lease = readLease(channel)
local isOthers = lease and lease.publishId ~= publishId
if isOthers and not need('node:' .. lease.node, 'gone:' .. lease.publishId) then return undeclared() end
local since = now()
-- A repeated attempt: commands that were executed since the first attempt apply to it, too.
if (ARGV[12] or '') ~= '' then since = ARGV[12] end
if isOthers then
  local owner = alive(lease.node, lease.incarnation)
  if owner then return { 'busy', 0, cjson.encode(lease), owner, since } end
  if fence == '1' then bury(lease.publishId, 'lost') end
end
take(channel, publishId, 'starting', keyHash, startedAt, since, stop)
keepRecord(publishId, stop)
return { 'acquired', count(), since }
`,
);

/** Stores the record of a publish that is to replace another. ARGV: publishId, stop. */
export const ANNOUNCE = registryScript(
  'announce',
  () => [],
  `
if not registered() then return { 'unregistered', 0 } end
keepRecord(ARGV[6], ARGV[7])
return { 'announced', count() }
`,
);

/**
 * Moves the lease of a channel from one publish to another, and tells the former publish's node.
 * ARGV: channel, publishId, keyHash, startedAt, stop, since (empty: now), from, continues.
 */
export const REPLACE = registryScript(
  'replace',
  ({ member }, args) => [
    ...[`block:${args[0]}`, `lease:${args[0]}`, `gone:${args[6]}`],
    ...[`mail:${member}`, 'clock'],
  ],
  `
local channel, publishId, keyHash, startedAt, stop = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local since, from, continues = ARGV[11], ARGV[12], ARGV[13] == '1'
if not registered() then return { 'unregistered', 0 } end
if blockedMs(channel) > 0 then return { 'blocked', 0 } end
local lease = readLease(channel)
if not lease or lease.publishId ~= from then return { 'lost', 0 } end
if not need('publishes:' .. home(lease), 'mail:' .. home(lease)) then return undeclared() end
if continues then
  redis.call('HDEL', k('publishes:' .. home(lease)), from)
  bury(from, 'continued')
else
  bury(from, 'lost')
end
if since == '' then since = now() end
take(channel, publishId, 'starting', keyHash, startedAt, since, stop)
keepRecord(publishId, stop)
local own = home(lease) == SELF
if not own then tellMoved(lease, channel, continues) end
return { 'replaced', count(), own and 'own' or 'other' }
`,
);

/**
 * Asserts that a publish has its channel: to go live, and again for every live stream after an outage of the registry.
 * ARGV: channel, publishId, keyHash, startedAt, stop, since (empty: as started), state, streamId, playKeyHash,
 * lastTimestamp, contest, fence.
 * contest is the rule if another publish's lease is valid. `no`: that lease stays. Otherwise the earlier publish wins.
 * If that is the other publish, `first` changes nothing and `last` ends this publish.
 */
export const ASSERT = registryScript(
  'assert',
  (_, [channel, publishId]) => [`gone:${publishId}`, `block:${channel}`, `lease:${channel}`, `order:${channel}`],
  `
local channel, publishId, keyHash, startedAt, stop = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local since, state, streamId, playKeyHash, lastTimestamp = ARGV[11], ARGV[12], ARGV[13], ARGV[14], ARGV[15]
local contest, fence = ARGV[16], ARGV[17]
if not registered() then return { 'unregistered', 0 } end
local gone = redis.call('GET', k('gone:' .. publishId))
if gone then return { gone, 0 } end
if blockedMs(channel) > 0 then return { 'blocked', 0 } end
local lease = readLease(channel)
local changed = true
if lease and lease.publishId == publishId and home(lease) == SELF then
  changed = lease.state ~= state or lease.streamId ~= streamId or lease.playKeyHash ~= playKeyHash
  since = lease.since
else
  if lease and lease.publishId ~= publishId then
    if not need('node:' .. lease.node, 'mail:' .. home(lease), 'gone:' .. lease.publishId) then return undeclared() end
    local valid = alive(lease.node, lease.incarnation)
    local own = home(lease) == SELF
    -- Between two publishes of one node the node decides, and a publish that is starting may still be refused.
    if own and state == 'starting' and lease.state ~= 'starting' then return { 'other', 0 } end
    if valid and not own then
      local mine, theirs = tonumber(startedAt), tonumber(lease.startedAt)
      local later = theirs < mine or (theirs == mine and lease.publishId < publishId)
      if later and contest == 'first' then return { 'contested', 0 } end
      if later or contest == 'no' then
        bury(publishId, 'lost')
        return { 'lost', count() }
      end
      tellMoved(lease, channel, false, true)
    end
    if not own and (valid or fence == '1') then bury(lease.publishId, 'lost') end
  end
  if since == '' then since = startedAt .. '000' end
  take(channel, publishId, state, keyHash, startedAt, since, stop)
end
redis.call('HSET', k('lease:' .. channel), 'state', state, 'streamId', streamId, 'playKeyHash', playKeyHash,
  'keyHash', keyHash, 'lastTimestamp', lastTimestamp)
keepRecord(publishId, stop)
if changed and state ~= 'starting' then wake('channel ' .. channel) end
local at, text = string.match(redis.call('GET', k('order:' .. channel)) or '', '^(%d+) (.*)$')
if at and tonumber(at) < tonumber(since) then text = nil end
return { 'mine', count(), text or '' }
`,
);

/** The publisher was lost. ARGV: channel, publishId, lastTimestamp. */
export const HOLD = registryScript(
  'hold',
  (_, [channel]) => [`lease:${channel}`],
  `
local lease = readLease(ARGV[6])
if not lease or lease.publishId ~= ARGV[7] then return { 'lost', 0 } end
redis.call('HSET', k('lease:' .. ARGV[6]), 'state', 'held', 'lastTimestamp', ARGV[8])
return { 'held', count() }
`,
);

/** Whether the publish may be taken over. ARGV: channel, publishId, keeps. */
export const KEEP = registryScript(
  'keep',
  (_, [channel]) => [`lease:${channel}`],
  `
local lease = readLease(ARGV[6])
if not lease or lease.publishId ~= ARGV[7] then return { 'lost', 0 } end
redis.call('HSET', k('lease:' .. ARGV[6]), 'keeps', ARGV[8])
return { 'kept', count() }
`,
);

/**
 * A publish has ended: frees its lease and turns its record into a pending stop, or removes it. Also for a node that is
 * not registered: no other node handles the publish, unless it was claimed or its stream continues on another node.
 * ARGV: channel, publishId, jti (empty: no stop), stop.
 */
export const FINISH = registryScript(
  'finish',
  ({ member }, [channel, publishId]) => [`lease:${channel}`, `gone:${publishId}`, `stops:${member}`],
  `
local channel, publishId, jti, stop = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local lease = readLease(channel)
if lease and lease.publishId == publishId then
  redis.call('DEL', k('lease:' .. channel))
  -- A publish that was never live was not announced.
  if lease.state ~= 'starting' then wake('channel ' .. channel) end
end
redis.call('HDEL', k('publishes:' .. SELF), publishId)
local gone = redis.call('GET', k('gone:' .. publishId))
if gone and gone ~= 'lost' then return { gone, count() } end
if gone then redis.call('DEL', k('gone:' .. publishId)) end
if jti ~= '' then redis.call('HSET', k('stops:' .. SELF), jti, stop) end
return { 'finished', count() }
`,
);

/** The valid lease of a channel and its owner. ARGV: channel. */
export const LOCATE = registryScript(
  'locate',
  (_, [channel]) => [`lease:${channel}`],
  `
local lease = readLease(ARGV[6])
if lease and not need('node:' .. lease.node) then return undeclared() end
local owner = lease and alive(lease.node, lease.incarnation)
if not owner then return { 'free', 0 } end
return { 'found', 0, cjson.encode(lease), owner }
`,
);
