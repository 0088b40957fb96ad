import { STORE_LIMITS } from "./online-store.ts";

/**
 * Adds reports of one user's events. KEYS: times, records. ARGV: time, id digest, report and embedding of each, merged as
 * `withReport` does. A member of `times` is the event's number in order of arrival: equal times sort by it.
 */
export const APPEND_SCRIPT = `
local added = 0
local function recordOf(embedding, reports)
  if embedding == '' then return reports end
  return embedding .. '\\n' .. reports
end
for i = 1, #ARGV, 4 do
  local member = redis.call('HGET', KEYS[2], 'i' .. ARGV[i + 1])
  local report, embedding = ARGV[i + 2], ARGV[i + 3]
  if member then
    local record = redis.call('HGET', KEYS[2], 'e' .. member)
    local former, reports = string.match(record, '^(%[[^\\n]*)\\n(.*)$')
    if not former then former, reports = '', record end
    if embedding == '' then embedding = former end
    local lines = '\\n' .. reports .. '\\n'
    local _, breaks = string.gsub(reports, '\\n', '\\n')
    if not string.find(lines, '\\n' .. report .. '\\n', 1, true) and breaks + 1 < ${STORE_LIMITS.reports} then
      reports = reports .. '\\n' .. report
    end
    local merged = recordOf(embedding, reports)
    if merged ~= record then redis.call('HSET', KEYS[2], 'e' .. member, merged) end
  else
    member = string.format('%015d', redis.call('ZCARD', KEYS[1]))
    redis.call('ZADD', KEYS[1], ARGV[i], member)
    redis.call('HSET', KEYS[2], 'i' .. ARGV[i + 1], member, 'e' .. member, recordOf(embedding, report))
    added = added + 1
  end
end
return added
`;

/** Past events of one user, newest first. KEYS: times, records. ARGV: time, limit. Returns their number, then records. */
export const READ_SCRIPT = `
local bound = '(' .. ARGV[1]
local result = { redis.call('ZCOUNT', KEYS[1], '-inf', bound) }
local members = redis.call('ZREVRANGEBYSCORE', KEYS[1], bound, '-inf', 'LIMIT', 0, ARGV[2])
for i = 1, #members, 1000 do
  local fields = {}
  for k = i, math.min(i + 999, #members) do fields[#fields + 1] = 'e' .. members[k] end
  for _, record in ipairs(redis.call('HMGET', KEYS[2], unpack(fields))) do result[#result + 1] = record end
end
return result
`;
