-- How many jobs of an owner run. ARGV: owner.
local sum = 0
for _, queue in ipairs(QUEUES) do
    expect(leases(queue), 'zset')
    for _, entry in ipairs(redis.call('ZRANGE', leases(queue), 0, -1)) do
        if get(string.match(entry, '^([^:]*)'), 'stager_owner') == ARGV[1] then
            sum = sum + 1
        end
    end
end
return sum
