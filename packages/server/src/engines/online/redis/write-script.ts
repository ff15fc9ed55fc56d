/**
 * Writes the winning rows in one atomic step of the server. A value starts with its event and created time, eight bytes each,
 * signed and big-endian; within ±2^53 they are exact Lua numbers.
 *
 * KEYS[1]: the sorted set of the view's keys. ARGV: the prefix of value names, then key and value of each row.
 */
export const WRITE_SCRIPT = `
local changed = 0
for i = 2, #ARGV, 2 do
  local key, value = ARGV[i], ARGV[i + 1]
  local name = ARGV[1] .. key
  local there = redis.call('GET', name)
  local counts = true
  if there then
    local event, created = struct.unpack('>i8i8', value)
    local event0, created0 = struct.unpack('>i8i8', there)
    counts = (event > event0 or (event == event0 and created >= created0)) and there ~= value
  end
  if counts then
    redis.call('SET', name, value)
    redis.call('ZADD', KEYS[1], 0, key)
    changed = changed + 1
  end
end
return changed
`;
