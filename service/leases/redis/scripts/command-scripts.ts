import { registryScript } from './registry-script';

/**
 * Stores an operator's command for nodes that missed it, and sets and lifts blocks. Every node that receives a command
 * reports it; the first report counts. A repetition within some seconds cannot be told from the same command received
 * by another node. For `unblock`, the first report that finds the block counts.
 * ARGV: verb, target (a channel or a node), text, seconds (of a block).
 */
export const REMEMBER = registryScript(
  'remember',
  (_, [verb, target]) =>
    verb === 'drain'
      ? [`order-node:${target}`, `node:${target}`, 'clock']
      : [`order:${target}`, `block:${target}`, 'clock'],
  `
local verb, target, text, seconds = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local SAME_US, KEEP_SECONDS = 5000000, 600
local registration = verb == 'drain' and redis.call('GET', k('node:' .. target))
local member = registration and (target .. '/' .. cjson.decode(registration).incarnation)
if member and not need('mail:' .. member) then return undeclared() end
local key = k((verb == 'drain' and 'order-node:' or 'order:') .. target)
local at, former = string.match(redis.call('GET', key) or '', '^(%d+) (.*)$')
local time = now()
local first = former ~= text or tonumber(time) - tonumber(at) >= SAME_US
if first then redis.call('SET', key, time .. ' ' .. text, 'EX', KEEP_SECONDS) end
if verb == 'block' and (first or blockedMs(target) < 0) then
  redis.call('SET', k('block:' .. target), '1', 'EX', seconds)
elseif verb == 'unblock' then
  first = redis.call('DEL', k('block:' .. target)) > 0
elseif member and first then
  tell(member, { kind = 'command', text = text })
end
return { first and 'first' or 'known', count() }
`,
);

/** Returns commands about streams of this node that it may have missed. ARGV: pairs of channel and since. */
export const MISSED = registryScript(
  'missed',
  (_, args) => args.filter((_each, at) => at % 2 === 0).map((channel) => `order:${channel}`),
  `
local reply = { 'missed', 0 }
for i = 6, #ARGV, 2 do
  local at, text = string.match(redis.call('GET', k('order:' .. ARGV[i])) or '', '^(%d+) (.*)$')
  if at and tonumber(at) >= tonumber(ARGV[i + 1]) then table.insert(reply, text) end
end
return reply
`,
);

/** How much longer the channel is blocked, in seconds; 0: not at all. ARGV: channel. */
export const BLOCKED = registryScript(
  'blocked',
  (_, [channel]) => [`block:${channel}`],
  `
return { 'blocked', 0, math.max(0, math.ceil(blockedMs(ARGV[6]) / 1000)) }
`,
);
