-- Puts jobs where their records say that they are: RQ's lists and our index may have been tampered with, or an admin's
-- tool was cut off between two steps. ARGV: error of a lost attempt, then ids. Returns how many were astray.
local astray = 0

local function leased(id, execution)
    for _, queue in ipairs(QUEUES) do
        if execution ~= '' and held_until(id, execution, queue) then
            return true
        end
    end
    return false
end

local function queued(id)
    for _, queue in ipairs(QUEUES) do
        if redis.call('LPOS', list(queue), id) then
            return true
        end
    end
    return false
end

local function place(id, status, queue, owner)
    if status == 'finished' or status == 'failed' or status == 'canceled' or status == 'stopped' then
        return false
    end
    if status == 'started' then
        if leased(id, get(id, 'stager_execution')) then
            return false
        end
        close_attempt(id, ARGV[1])
        hand_back(id, queue, owner)
    elseif status == 'scheduled' then
        if redis.call('ZSCORE', scheduled(queue), id) then
            return false
        end
        redis.call('ZADD', scheduled(queue), now, id)
    elseif queued(id) then
        return false
    else
        enqueue(id, queue, owner, false)
    end
    changed(id, owner)
    return true
end

for _, queue in ipairs(QUEUES) do
    expect_queue(queue)
end
for index = 2, #ARGV do
    local id = ARGV[index]
    local status, queue, owner = get(id, 'status'), get(id, 'origin'), get(id, 'stager_owner')
    if is_id(id) and status ~= '' and is_queue(queue) and owner ~= '' then
        local strayed = place(id, status, queue, owner)
        expect('stager:jobs:' .. owner, 'zset')
        expect('stager:owners', 'set')
        redis.call('SADD', 'stager:owners', owner)
        local made = bounded(get(id, 'stager_created'), 0, 1e11, now)
        if is_record(id) and redis.call('ZADD', 'stager:jobs:' .. owner, 'NX', made, id) == 1 then
            strayed = true
        end
        astray = astray + (strayed and 1 or 0)
    end
end
return astray
