import type { ChangeArgument } from './life-scripts';
import { registryScript } from './registry-script';

export interface StopArgument {
  readonly jti: string;
}

/** Stores stops that the caller has to deliver. */
export const KEEP_STOPS = registryScript<{ readonly stops: ChangeArgument['stops'] }>(
  'keep-stops',
  ({ member }) => [`stops:${member}`],
  `
for _, stop in ipairs(a.stops) do redis.call('HSET', k('stops:' .. SELF), stop.jti, stop.stop) end
return { 'kept', count() }
`,
);

/** A stop was delivered. */
export const FORGET_STOP = registryScript<StopArgument>(
  'forget-stop',
  ({ member }) => [`stops:${member}`],
  `
redis.call('HDEL', k('stops:' .. SELF), a.jti)
return { 'forgotten', count() }
`,
);

/** Lists the `jti` of each stop that the registry has for the caller. */
export const LIST_STOPS = registryScript(
  'list-stops',
  ({ member }) => [`stops:${member}`],
  `
local reply = { 'stops', 0 }
for _, jti in ipairs(redis.call('HKEYS', k('stops:' .. SELF))) do table.insert(reply, jti) end
return reply
`,
);

/** Reads one stop; empty if it has been removed. */
export const READ_STOP = registryScript<StopArgument>(
  'read-stop',
  ({ member }) => [`stops:${member}`],
  `return { 'stop', 0, redis.call('HGET', k('stops:' .. SELF), a.jti) or '' }`,
);
