-- How many of an owner's jobs RQ says what of. KEYS: the owner's index. ARGV: first and last rank.
-- Drops ids whose records are gone (expired, or removed by an admin).
-- Returns how many it dropped, how many it looked at, then for each kind its status, '1' for those scheduled that have
-- been attempted or else '0', and how many.
local dropped, looked, found = 0, 0, {}
expect(KEYS[1], 'zset')
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2])) do
    looked = looked + 1
    local status = redis.pcall('HGET', record(id), 'status')
    if type(status) == 'string' then
        local kind = '0' .. status
        if status == 'scheduled' and (redis.call('HGET', record(id), 'stager_attempts') or '0') ~= '0' then
            kind = '1' .. status
        end
        found[kind] = (found[kind] or 0) + 1
    elseif not is_record(id) then
        redis.call('ZREM', KEYS[1], id)
        dropped = dropped + 1
    end
end
local reply = {dropped, looked}
for kind, number in pairs(found) do
    table.insert(reply, string.sub(kind, 2))
    table.insert(reply, string.sub(kind, 1, 1))
    table.insert(reply, number)
end
return reply
