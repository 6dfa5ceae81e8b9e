import { registryScript } from './registry-script';

/** Commands that the registry can do without: `PUBLISH` only makes nodes notice changes sooner. */
export const DISPENSABLE: ReadonlySet<string> = new Set(['PUBLISH']);

/**
 * Tries each command that the registry's scripts call, on a temporary key of the node. Answers with pairs: a command
 * that the server refuses, and why.
 */
export const TRY_COMMANDS = registryScript(
  'try-commands',
  ({ member }) => [`probe:${member}`],
  `
local key = k('probe:' .. SELF)
local reply = { 'tried', 0 }
local function try(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) ~= 'table' or not answer.err then return end
  table.insert(reply, command)
  table.insert(reply, answer.err)
end
try('DEL', key)
try('SET', key, '1', 'PX', 1000)
try('GET', key)
try('EXPIRE', key, 1)
try('PTTL', key)
try('EXISTS', key)
redis.pcall('DEL', key)
try('HSET', key, 'field', '1')
try('HGET', key, 'field')
try('HGETALL', key)
try('HKEYS', key)
try('HINCRBY', key, 'field', 1)
try('HRANDFIELD', key, 1, 'WITHVALUES')
try('HDEL', key, 'field')
redis.pcall('DEL', key)
try('SADD', key, 'member')
try('SISMEMBER', key, 'member')
try('SMEMBERS', key)
try('SREM', key, 'member')
redis.pcall('DEL', key)
try('XADD', key, 'MAXLEN', '~', 10, '*', 'field', '1')
try('XRANGE', key, '-', '+', 'COUNT', 1)
try('XTRIM', key, 'MINID', '0')
redis.pcall('DEL', key)
try('PUBLISH', P .. 'mail ' .. SELF, '')
return reply
`,
);
