import { registryScript } from './registry-script';

export interface ChangeArgument {
  readonly channel: string;
  /** Version of the life that the caller has seen; empty: none. */
  readonly seen: string;
  /** The new document; empty: none. */
  readonly life: string;
  /** How long the document is kept (ms); 0: until it is removed. */
  readonly keepMs: number;
  /** The latest time at which this may be carried out (ms since the epoch, by the server's clock). */
  readonly until: number;
  /** The last letter of the caller's mailbox that it has read; empty: none. */
  readonly mailRead: string;
  /** Letters for other members. */
  readonly letters: readonly { readonly member: string; readonly letter: string }[];
  /** Stops that the caller has to deliver. */
  readonly stops: readonly { readonly jti: string; readonly stop: string }[];
  /** Members that have, or no longer have, a part in the life. */
  readonly joins: readonly string[];
  readonly leaves: readonly string[];
  /** The change is made because this member is dead. */
  readonly gone?: string;
  /** Whether a look-up of the channel gives another result. */
  readonly moved: boolean;
}

/**
 * Changes a channel's life if the caller has seen the present one. `other`: something else is stored by now, it is
 * returned and nothing is changed. `late`: the caller does not wait any more. `alive`: the node that was to be gone has
 * returned, and asserts what it has. With `changed` and `other` comes what has arrived in the caller's mailbox, so that a
 * node hears of all earlier changes before the effects of its own.
 */
export const CHANGE = registryScript<ChangeArgument>(
  'change',
  ({ member }) => [`mail:${member}`, `stops:${member}`, 'era'],
  `
if not registered() then return { 'unregistered', 0 } end
local time = serverMs()
if time > a['until'] then return { 'late', 0, string.format('%.0f', time) } end
if a.gone then
  local id, incarnation = string.match(a.gone, '^(.*)/([^/]*)$')
  if alive(id, incarnation) then return { 'alive', 0 } end
end
local key = k('life:' .. a.channel)
local life = redis.call('GET', key) or ''
local version = string.match(life, '^{"schema":%d+,"version":"([^"]*)"') or life
if version ~= a.seen then return unread({ 'other', 0, life }, a.mailRead) end
local reply = unread({ 'changed', 0 }, a.mailRead)
if a.life == '' then
  redis.call('DEL', key)
elseif a.keepMs > 0 then
  redis.call('SET', key, a.life, 'PX', string.format('%.0f', a.keepMs))
else
  redis.call('SET', key, a.life)
end
for _, member in ipairs(a.joins) do redis.call('HSET', k('channels:' .. member), a.channel, '1') end
for _, member in ipairs(a.leaves) do redis.call('HDEL', k('channels:' .. member), a.channel) end
for _, stop in ipairs(a.stops) do redis.call('HSET', k('stops:' .. SELF), stop.jti, stop.stop) end
for _, each in ipairs(a.letters) do post(each.member, each.letter) end
if a.moved then wakeChannel(a.channel) end
reply[2] = count()
return reply
`,
);

export interface ChannelArgument {
  readonly channel: string;
}

/**
 * The life of a channel, and the registration of the node where it is live or held. Empty if there is no such stream, or
 * its node is dead.
 */
export const LOCATE = registryScript<ChannelArgument>(
  'locate',
  (_, { channel }) => [`life:${channel}`],
  `
local life = redis.call('GET', k('life:' .. a.channel))
local readable, document = pcall(cjson.decode, life or '')
local stream = readable and type(document.life) == 'table' and document.life.stream
if not stream then return { 'free', 0 } end
local id, incarnation = string.match(stream.node, '^(.*)/([^/]*)$')
if not need('node:' .. id) then return undeclared() end
local owner = alive(id, incarnation)
if not owner then return { 'free', 0 } end
return { 'found', 0, life, owner }
`,
);

/** The life of a channel; empty: none. */
export const READ_LIFE = registryScript<ChannelArgument>(
  'read-life',
  (_, { channel }) => [`life:${channel}`],
  `return { 'life', 0, redis.call('GET', k('life:' .. a.channel)) or '' }`,
);

/** Lists the channels in whose stored lives the caller has a part. */
export const LIST_CHANNELS = registryScript(
  'list-channels',
  ({ member }) => [`channels:${member}`],
  `
local reply = { 'channels', 0 }
for _, channel in ipairs(redis.call('HKEYS', k('channels:' .. SELF))) do
  if channel ~= '#' then table.insert(reply, channel) end
end
return reply
`,
);

/** Which of these members are dead. */
export const DEAD = registryScript<{ readonly members: readonly string[] }>(
  'dead',
  (_, { members }) => members.map((member) => `node:${nodeOf(member)}`),
  `
local reply = { 'dead', 0 }
for _, member in ipairs(a.members) do
  local id, incarnation = string.match(member, '^(.*)/([^/]*)$')
  if id and not alive(id, incarnation) then table.insert(reply, member) end
end
return reply
`,
);

export function nodeOf(member: string): string {
  return member.slice(0, Math.max(0, member.lastIndexOf('/')));
}
