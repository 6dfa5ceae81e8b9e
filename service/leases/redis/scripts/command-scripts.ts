import { registryScript } from './registry-script';

export interface RememberArgument {
  readonly verb: string;
  /** A channel or a node. */
  readonly target: string;
  readonly text: string;
  /** The time that the caller's last report of this text was answered with; empty: none. */
  readonly reported: string;
}

/**
 * Finds out whether an operator's command was reported before: every node that receives a command reports it, and one of
 * them has to act. Within some seconds, the same text counts as the same command, unless the caller has reported it
 * before and no other node has done so since: then the operator has repeated it. A command for a node is posted to it,
 * because it may have missed it. Answers with the time of the report that counts.
 */
export const REMEMBER = registryScript<RememberArgument>(
  'remember',
  (_, { verb, target }) =>
    verb === 'drain' ? [`order-node:${target}`, `node:${target}`, 'clock'] : [`order:${target}`, 'clock'],
  `
local verb, target, text, reported = a.verb, a.target, a.text, a.reported
local SAME_US, KEEP_SECONDS = 5000000, 600
local registration = verb == 'drain' and redis.call('GET', k('node:' .. target))
local member = registration and (target .. '/' .. cjson.decode(registration).incarnation)
if member and not need('mail:' .. member) then return undeclared() end
local key = k((verb == 'drain' and 'order-node:' or 'order:') .. target)
local at, former = string.match(redis.call('GET', key) or '', '^(%d+) (.*)$')
local time = now()
local same = former == text and tonumber(time) - tonumber(at) < SAME_US
if same and at ~= reported then return { 'known', 0, at } end
redis.call('SET', key, time .. ' ' .. text, 'EX', KEEP_SECONDS)
if member then post(member, cjson.encode({ kind = 'command', text = text })) end
return { 'first', count(), time }
`,
);
