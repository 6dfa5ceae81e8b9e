import { registryScript } from './registry-script';

/** What the registry holds for the node: sessions and ids of stops, each as a JSON list. */
export const INVENTORY = registryScript(
  'inventory',
  `
local sessions = redis.call('HKEYS', P .. 'sessions:' .. SELF)
local stops = redis.call('HKEYS', P .. 'stops:' .. SELF)
return { 'inventory', 0, cjson.encode(sessions), cjson.encode(stops) }
`,
);

/** Reads one record; an empty text stands for one that is gone. ARGV: `sessions` or `stops`, field. */
export const READ_RECORD = registryScript(
  'read-record',
  `return { 'record', 0, redis.call('HGET', P .. ARGV[4] .. ':' .. SELF, ARGV[5]) or '' }`,
);

/** Keeps a pending stop that the registry has lost. ARGV: jti, stop. */
export const KEEP_STOP = registryScript(
  'keep-stop',
  `
redis.call('HSET', P .. 'stops:' .. SELF, ARGV[4], ARGV[5])
return { 'kept', count() }
`,
);

/** A stop was delivered. ARGV: jti. */
export const FORGET_STOP = registryScript(
  'forget-stop',
  `
redis.call('HDEL', P .. 'stops:' .. SELF, ARGV[4])
return { 'forgotten', count() }
`,
);
