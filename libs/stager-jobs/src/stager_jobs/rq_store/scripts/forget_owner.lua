-- Forgets an owner that has no jobs left. ARGV: owner.
if redis.call('EXISTS', 'stager:jobs:' .. ARGV[1]) == 1 then
    return 0
end
for _, queue in ipairs(QUEUES) do
    if redis.call('EXISTS', lane(queue, ARGV[1])) == 1 then
        return 0
    end
end
expect('stager:owners', 'set')
return redis.call('SREM', 'stager:owners', ARGV[1])
