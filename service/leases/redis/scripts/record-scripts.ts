import { registryScript } from './registry-script';

/** Lists the node's publishes and ids of stops in the registry, each as a JSON list. */
export const INVENTORY = registryScript(
  'inventory',
  ({ member }) => [`stops:${member}`],
  `
local publishes = redis.call('HKEYS', k('publishes:' .. SELF))
local stops = redis.call('HKEYS', k('stops:' .. SELF))
return { 'inventory', 0, cjson.encode(publishes), cjson.encode(stops) }
`,
);

/** Reads one record; empty if it has been removed. ARGV: `publishes` or `stops`, field. */
export const READ_RECORD = registryScript(
  'read-record',
  ({ member }) => [`stops:${member}`],
  `return { 'record', 0, redis.call('HGET', k(ARGV[6] .. ':' .. SELF), ARGV[7]) or '' }`,
);

/** Stores a pending stop that the registry has lost. ARGV: jti, stop. */
export const KEEP_STOP = registryScript(
  'keep-stop',
  ({ member }) => [`stops:${member}`],
  `
redis.call('HSET', k('stops:' .. SELF), ARGV[6], ARGV[7])
return { 'kept', count() }
`,
);

/** A stop was delivered. ARGV: jti. */
export const FORGET_STOP = registryScript(
  'forget-stop',
  ({ member }) => [`stops:${member}`],
  `
redis.call('HDEL', k('stops:' .. SELF), ARGV[6])
return { 'forgotten', count() }
`,
);
