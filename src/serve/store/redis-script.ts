import { AFTER_EVENTS, BEFORE_EVENTS, COUNT_KEY, FEW_EVENTS } from "./user-pages.ts";

/** The field of a user's pages that counts their changes; no page has this key. */
const CHANGES = "v";

/**
 * Pages of one user. KEYS: order, pages. ARGV: the most events of which all pages are wanted, then keys of which the floor is
 * wanted if there are more. Returns the number of changes, 1 if these are all pages, then key and value of each.
 */
export const LOAD_SCRIPT = `
local count = redis.call('HGET', KEYS[2], '${COUNT_KEY}')
local isWhole = not count or struct.unpack('>I4', count) <= tonumber(ARGV[1])
local members = {}
if isWhole then
  members = redis.call('ZRANGE', KEYS[1], 0, -1)
else
  local seen = {}
  local function add(member)
    if member and not seen[member] then
      seen[member] = true
      members[#members + 1] = member
    end
  end
  add('${COUNT_KEY}')
  for i = 2, #ARGV do
    add(redis.call('ZREVRANGEBYLEX', KEYS[1], '[' .. ARGV[i], '[' .. string.sub(ARGV[i], 1, 1), 'LIMIT', 0, 1)[1])
  end
end
local result = { redis.call('HGET', KEYS[2], '${CHANGES}') or '0', isWhole and 1 or 0 }
for _, member in ipairs(members) do
  result[#result + 1] = member
  result[#result + 1] = redis.call('HGET', KEYS[2], member)
end
return result
`;

/**
 * Writes pages of one user if nothing has changed since they were loaded. KEYS: order, pages. ARGV: the number of changes
 * then, and key and value of each page. Returns 1 if they were written.
 */
export const WRITE_SCRIPT = `
if (redis.call('HGET', KEYS[2], '${CHANGES}') or '0') ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], 0, ARGV[i])
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
redis.call('HINCRBY', KEYS[2], '${CHANGES}', 1)
return 1
`;

/**
 * Past events of one user. KEYS: order, pages. ARGV: key of the time, limit. Returns the page of the number of events, empty if
 * there is none; the number of events in later blocks; then the other blocks, newest first: all if there is no such page.
 */
export const READ_SCRIPT = `
local function value(member) return redis.call('HGET', KEYS[2], member) end
local later = 0
for _, member in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], '[' .. ARGV[1], '(${AFTER_EVENTS}')) do
  later = later + string.byte(value(member), 1)
end
local count = value('${COUNT_KEY}')
local limit = count and tonumber(ARGV[2]) or ${FEW_EVENTS}
local past = redis.call('ZREVRANGEBYLEX', KEYS[1], '(' .. ARGV[1], '(${BEFORE_EVENTS}', 'LIMIT', 0, limit + 1)
local result = { count or '', later }
local known = 0
for i, member in ipairs(past) do
  local block = value(member)
  result[#result + 1] = block
  -- Events of the newest one may all be later.
  if i > 1 then known = known + string.byte(block, 1) end
  if known >= limit then break end
end
return result
`;
