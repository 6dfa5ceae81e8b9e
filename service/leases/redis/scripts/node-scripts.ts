import { registryScript } from './registry-script';
import { ROSTER, ROSTER_KEYS } from './roster-script';

export interface BeatArgument {
  /** As JSON, as it is stored. */
  readonly registration: string;
  readonly address: string;
  readonly ttlMs: number;
  /** The node may take its id over from another incarnation. */
  readonly isFirst: boolean;
  /** Becomes the fleet's secret if it has none. */
  readonly secret: string;
  /** The last letter that the node has read; empty: none. */
  readonly mailRead: string;
  /** The last change of the roster that it has read; empty: none. */
  readonly rosterRead: string;
}

/** Renews the node's registration, and fetches its mail and the changes of the fleet's nodes. */
export const BEAT = registryScript<BeatArgument>(
  'beat',
  ({ member }) => ['secret', `mail:${member}`, ...ROSTER_KEYS],
  `${ROSTER}
local secret = a.secret
local key = k('node:' .. ME)
local current = redis.call('GET', key)
local state = 'lapsed'
if current then
  current = cjson.decode(current)
  if current.incarnation == INC then
    if current.epoch > EPOCH then return { 'stale', 0 } end
    state = 'kept'
  elseif not a.isFirst then
    return { 'taken', 0 }
  end
end
redis.call('SET', key, a.registration, 'PX', a.ttlMs)
if state == 'lapsed' or a.isFirst then
  redis.call('SET', k('secret'), secret, 'NX')
  secret = redis.call('GET', k('secret'))
end
enrollOnce(ME, a.address)
local reply = { state, count(), secret }
addRosterNews(reply, a.rosterRead)
local mail = k('mail:' .. SELF)
if a.mailRead ~= '' then redis.call('XTRIM', mail, 'MINID', a.mailRead) end
return unread(reply, a.mailRead)
`,
);

/** Removes the node; other nodes see to its remaining channels and stops. */
export const LEAVE = registryScript(
  'leave',
  ({ member }) => ['sweeper', `stops:${member}`, `mail:${member}`, ...ROSTER_KEYS],
  `${ROSTER}
strike(ME, INC)
if alive(ME, INC) then redis.call('DEL', k('node:' .. ME)) end
if redis.call('GET', k('sweeper')) == SELF then redis.call('DEL', k('sweeper')) end
redis.call('HDEL', k('channels:' .. SELF), '#')
if redis.call('EXISTS', k('channels:' .. SELF), k('stops:' .. SELF)) == 0 then
  redis.call('SREM', k('nodes'), SELF)
  redis.call('DEL', k('mail:' .. SELF))
end
return { 'left', 0 }
`,
);
