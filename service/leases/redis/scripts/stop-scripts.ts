import { registryScript } from './registry-script';

/** Stores stops that the caller has to deliver. ARGV: jti and stop, in turn. */
export const KEEP_STOPS = registryScript(
  'keep-stops',
  ({ member }) => [`stops:${member}`],
  `
for i = 6, #ARGV, 2 do redis.call('HSET', k('stops:' .. SELF), ARGV[i], ARGV[i + 1]) end
return { 'kept', count() }
`,
);

/** Stops were delivered. ARGV: jti of each. */
export const FORGET_STOPS = registryScript(
  'forget-stops',
  ({ member }) => [`stops:${member}`],
  `
for i = 6, #ARGV do redis.call('HDEL', k('stops:' .. SELF), ARGV[i]) end
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

/** Reads one stop; empty if it has been removed. ARGV: jti. */
export const READ_STOP = registryScript(
  'read-stop',
  ({ member }) => [`stops:${member}`],
  `return { 'stop', 0, redis.call('HGET', k('stops:' .. SELF), ARGV[6]) or '' }`,
);
