/**
 * Lua functions for scripts that read or change the roster, the list of the fleet's nodes. `roster` is a hash of each
 * node's address as JSON, and under `#` the id of the last change; `roster-log` is a stream of the latest changes. A
 * node that names the last change that it has read gets the later ones: a renewal costs the same however large the
 * fleet is. It gets the whole roster when that change is not in the log any more, or never was: the log is short, and
 * Redis may have lost data. `departed` is a hash of the ids of nodes that were struck off, until the sweeper has read it.
 */
export const ROSTER = `
local ROSTER_LOG_LENGTH = 2000
-- Nobody is told of a departure that was longer ago, because no node was there to tell.
local DEPARTED_SECONDS = 600

-- An empty address: the node is gone.
local function enroll(id, address)
  local key, log = k('roster'), k('roster-log')
  if address == '' then redis.call('HDEL', key, id) else redis.call('HSET', key, id, address) end
  local at = redis.call('XADD', log, 'MAXLEN', '~', ROSTER_LOG_LENGTH, '*', 'node', id, 'address', address)
  redis.call('HSET', key, '#', at)
end

local function enrollOnce(id, address)
  if redis.call('HGET', k('roster'), id) ~= address then enroll(id, address) end
end

-- Another incarnation of the node may have its place by now. The sweeper tells of the departure.
local function strike(id, incarnation)
  local address = redis.call('HGET', k('roster'), id)
  if not address or cjson.decode(address).incarnation ~= incarnation then return end
  enroll(id, '')
  redis.call('HSET', k('departed'), id, incarnation)
  redis.call('EXPIRE', k('departed'), DEPARTED_SECONDS)
end

-- Nodes that have departed since the last call, apart from those that are back.
local function takeDeparted()
  local found = {}
  for _, id in ipairs(redis.call('HKEYS', k('departed'))) do
    if not redis.call('HGET', k('roster'), id) then table.insert(found, id) end
  end
  redis.call('DEL', k('departed'))
  return found
end

-- Adds to the reply: the id of the last change, 'changes' or 'all', the number of nodes, and each node's id and address.
local function addRosterNews(reply, read)
  local key, log = k('roster'), k('roster-log')
  local last = redis.call('HGET', key, '#') or ''
  local how, news = 'changes', {}
  if read ~= last then
    if read ~= '' and #redis.call('XRANGE', log, read, read) > 0 then
      for _, change in ipairs(redis.call('XRANGE', log, '(' .. read, '+')) do
        table.insert(news, change[2][2])
        table.insert(news, change[2][4])
      end
    else
      how = 'all'
      local all = redis.call('HGETALL', key)
      for i = 1, #all, 2 do
        if all[i] ~= '#' then
          table.insert(news, all[i])
          table.insert(news, all[i + 1])
        end
      end
    end
  end
  table.insert(reply, last)
  table.insert(reply, how)
  table.insert(reply, #news / 2)
  for _, text in ipairs(news) do table.insert(reply, text) end
end
`;

/** Names of the roster's keys. */
export const ROSTER_KEYS = ['roster', 'roster-log', 'departed'] as const;
