-- Stores a job and lets workers have it; a repeat of the same submit finds the job that is there.
-- ARGV: id, queue, owner, fingerprint, how many may wait (0: any number), then field, value, ... of the record.
-- Returns 'new', 'same', 'taken' (another task has this request id) or 'full'.
local id, queue, owner, fingerprint, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if redis.call('EXISTS', record(id)) == 1 then
    return get(id, 'stager_fingerprint') == fingerprint and 'same' or 'taken'
end

local function waiting()
    local sum = 0
    for _, name in ipairs(QUEUES) do
        expect(lane(name, owner), 'list')
        sum = sum + redis.call('LLEN', lane(name, owner))
    end
    return sum
end

if limit > 0 and waiting() >= limit then
    for _, name in ipairs(QUEUES) do
        expect_queue(name)
        mend_lanes(name)
    end
    if waiting() >= limit then
        return 'full'
    end
end
redis.call('HSET', record(id), unpack(ARGV, 6))
redis.call('HSET', record(id), 'created_at', iso(now), 'stager_created', stamp(now))
expect('stager:jobs:' .. owner, 'zset')
expect('stager:owners', 'set')
redis.call('ZADD', 'stager:jobs:' .. owner, now, id)
redis.call('SADD', 'stager:owners', owner)
enqueue(id, queue, owner, false)
changed(id, owner)
return 'new'
