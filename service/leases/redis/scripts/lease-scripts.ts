import { registryScript } from './registry-script';

/**
 * Takes a channel's lease unless a valid one exists.
 * ARGV: channel, session, keyHash, startedAt, stop, fence, since (empty: now).
 */
export const ACQUIRE = registryScript(
  'acquire',
  (_, [channel]) => [`block:${channel}`, `lease:${channel}`, 'clock'],
  `
local channel, session, keyHash, startedAt, stop, fence = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
if not registered() then return { 'unregistered', 0 } end
local blocked = blockedMs(channel)
if blocked > 0 then return { 'blocked', 0, math.ceil(blocked / 1000) } end
local lease = readLease(channel)
local isOthers = lease and lease.session ~= session
if isOthers and not need('node:' .. lease.node, 'gone:' .. lease.session) then return undeclared() end
local since = now()
-- A repeated attempt: commands that were executed since the first attempt apply to it, too.
if (ARGV[12] or '') ~= '' then since = ARGV[12] end
if isOthers then
  local owner = alive(lease.node, lease.incarnation)
  if owner then return { 'busy', 0, cjson.encode(lease), owner, since } end
  if fence == '1' then bury(lease.session, 'lost') end
end
take(channel, session, 'starting', keyHash, startedAt, since, stop)
keepRecord(session, stop)
return { 'acquired', count(), since }
`,
);

/** Stores the record of a session that is to replace another. ARGV: session, stop. */
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
 * Moves the lease of a channel from one session to another, and tells the former session's node.
 * ARGV: channel, session, keyHash, startedAt, stop, since (empty: now), from, continues.
 */
export const REPLACE = registryScript(
  'replace',
  ({ member }, args) => [
    ...[`block:${args[0]}`, `lease:${args[0]}`, `gone:${args[6]}`],
    ...[`mail:${member}`, 'clock'],
  ],
  `
local channel, session, keyHash, startedAt, stop = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local since, from, continues = ARGV[11], ARGV[12], ARGV[13] == '1'
if not registered() then return { 'unregistered', 0 } end
if blockedMs(channel) > 0 then return { 'blocked', 0 } end
local lease = readLease(channel)
if not lease or lease.session ~= from then return { 'lost', 0 } end
if not need('sessions:' .. home(lease), 'mail:' .. home(lease)) then return undeclared() end
if continues then
  redis.call('HDEL', k('sessions:' .. home(lease)), from)
  bury(from, 'continued')
else
  bury(from, 'lost')
end
if since == '' then since = now() end
take(channel, session, 'starting', keyHash, startedAt, since, stop)
keepRecord(session, stop)
local own = home(lease) == SELF
if not own then tellMoved(lease, channel, continues) end
return { 'replaced', count(), own and 'own' or 'other' }
`,
);

/**
 * Asserts that a session has its channel: to go live, and again for every live stream after an outage of the registry.
 * ARGV: channel, session, keyHash, startedAt, stop, since (empty: as started), state, streamId, playKeyHash,
 * lastTimestamp, contest, fence.
 * contest is the rule if another session's lease is valid. `no`: that lease stays. Otherwise the earlier session wins.
 * If that is the other session, `first` changes nothing and `last` ends this session.
 */
export const ASSERT = registryScript(
  'assert',
  (_, [channel, session]) => [`gone:${session}`, `block:${channel}`, `lease:${channel}`, `order:${channel}`],
  `
local channel, session, keyHash, startedAt, stop = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local since, state, streamId, playKeyHash, lastTimestamp = ARGV[11], ARGV[12], ARGV[13], ARGV[14], ARGV[15]
local contest, fence = ARGV[16], ARGV[17]
if not registered() then return { 'unregistered', 0 } end
local gone = redis.call('GET', k('gone:' .. session))
if gone then return { gone, 0 } end
if blockedMs(channel) > 0 then return { 'blocked', 0 } end
local lease = readLease(channel)
local changed = true
if lease and lease.session == session and home(lease) == SELF then
  changed = lease.state ~= state or lease.streamId ~= streamId or lease.playKeyHash ~= playKeyHash
  since = lease.since
else
  if lease and lease.session ~= session then
    if not need('node:' .. lease.node, 'mail:' .. home(lease), 'gone:' .. lease.session) then return undeclared() end
    local valid = alive(lease.node, lease.incarnation)
    local own = home(lease) == SELF
    -- Between two sessions of one node the node decides, and a session that is starting may still be refused.
    if own and state == 'starting' and lease.state ~= 'starting' then return { 'other', 0 } end
    if valid and not own then
      local mine, theirs = tonumber(startedAt), tonumber(lease.startedAt)
      local later = theirs < mine or (theirs == mine and lease.session < session)
      if later and contest == 'first' then return { 'contested', 0 } end
      if later or contest == 'no' then
        bury(session, 'lost')
        return { 'lost', count() }
      end
      tellMoved(lease, channel, false, true)
    end
    if not own and (valid or fence == '1') then bury(lease.session, 'lost') end
  end
  if since == '' then since = startedAt .. '000' end
  take(channel, session, state, keyHash, startedAt, since, stop)
end
redis.call('HSET', k('lease:' .. channel), 'state', state, 'streamId', streamId, 'playKeyHash', playKeyHash,
  'keyHash', keyHash, 'lastTimestamp', lastTimestamp)
keepRecord(session, stop)
if changed and state ~= 'starting' then wake('channel ' .. channel) end
local at, text = string.match(redis.call('GET', k('order:' .. channel)) or '', '^(%d+) (.*)$')
if at and tonumber(at) < tonumber(since) then text = nil end
return { 'mine', count(), text or '' }
`,
);

/** The publisher was lost. ARGV: channel, session, lastTimestamp. */
export const HOLD = registryScript(
  'hold',
  (_, [channel]) => [`lease:${channel}`],
  `
local lease = readLease(ARGV[6])
if not lease or lease.session ~= ARGV[7] then return { 'lost', 0 } end
redis.call('HSET', k('lease:' .. ARGV[6]), 'state', 'held', 'lastTimestamp', ARGV[8])
return { 'held', count() }
`,
);

/** Whether the session may be taken over. ARGV: channel, session, keeps. */
export const KEEP = registryScript(
  'keep',
  (_, [channel]) => [`lease:${channel}`],
  `
local lease = readLease(ARGV[6])
if not lease or lease.session ~= ARGV[7] then return { 'lost', 0 } end
redis.call('HSET', k('lease:' .. ARGV[6]), 'keeps', ARGV[8])
return { 'kept', count() }
`,
);

/**
 * A session has ended: frees its lease and turns its record into a pending stop, or removes it. Also for a node that is
 * not registered: no other node handles the session, unless it was claimed or its stream continues on another node.
 * ARGV: channel, session, jti (empty: no stop), stop.
 */
export const FINISH = registryScript(
  'finish',
  ({ member }, [channel, session]) => [`lease:${channel}`, `gone:${session}`, `stops:${member}`],
  `
local channel, session, jti, stop = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local lease = readLease(channel)
if lease and lease.session == session then
  redis.call('DEL', k('lease:' .. channel))
  -- A session that was never live was not announced.
  if lease.state ~= 'starting' then wake('channel ' .. channel) end
end
redis.call('HDEL', k('sessions:' .. SELF), session)
local gone = redis.call('GET', k('gone:' .. session))
if gone and gone ~= 'lost' then return { gone, count() } end
if gone then redis.call('DEL', k('gone:' .. session)) end
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
