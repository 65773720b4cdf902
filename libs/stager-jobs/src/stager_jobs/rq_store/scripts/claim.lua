-- Gives a worker the next job whose turn it is, in one step: a job is in the queue or with a worker, never neither.
-- ARGV: worker, execution, lease, active per owner, lost limit, error of a lost attempt, legal statuses, marks of the
-- worker's process (host, pid, its start), then the queues in the order to look.
-- Returns {id, queue, record...}, or {'', seconds until the next scheduled job, or ''}.
local worker, execution, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local share, lost_limit, failure, sources = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
local host, pid, started = ARGV[8], ARGV[9], ARGV[10]

local function split(entry)
    local id, held = string.match(entry, '^([^:]*):(.*)$')
    return id or entry, held or ''
end

local function answer(id, queue)
    local reply = redis.call('HGETALL', record(id))
    table.insert(reply, 1, queue)
    table.insert(reply, 1, id)
    return reply
end

-- The answer to the same question may have been lost on its way.
expect('rq:worker:' .. worker .. ':executions', 'set')
for _, entry in ipairs(redis.call('SMEMBERS', 'rq:worker:' .. worker .. ':executions')) do
    local id, held = split(entry)
    if held == execution and get(id, 'stager_execution') == execution then
        return answer(id, get(id, 'origin'))
    end
end

show_worker(worker, 'idle')
if redis.call('EXISTS', 'rq:suspended') == 1 then
    return {'', '5'} -- an admin said `rq suspend`
end
mind_the_clock(lease)
local due_in = ''
local active, held = {}, {}
for _, queue in ipairs(QUEUES) do
    expect_queue(queue)
    for _, entry in ipairs(redis.call('ZRANGEBYSCORE', leases(queue), '-inf', now)) do
        local id, gone = split(entry)
        lose(id, gone, queue, failure, lost_limit)
    end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', scheduled(queue), '-inf', now)) do
        redis.call('ZREM', scheduled(queue), id)
        if get(id, 'status') == 'scheduled' then
            enqueue(id, queue, get(id, 'stager_owner'), false)
            changed(id, get(id, 'stager_owner'))
        end
    end
    for _, entry in ipairs(redis.call('ZRANGE', leases(queue), 0, -1)) do
        local id = split(entry)
        local owner = get(id, 'stager_owner')
        active[owner] = (active[owner] or 0) + 1
        held[id] = true
    end
    local first = redis.call('ZRANGE', scheduled(queue), 0, 0, 'WITHSCORES')
    if first[2] and (due_in == '' or tonumber(first[2]) - now < tonumber(due_in)) then
        due_in = stamp(tonumber(first[2]) - now)
    end
end

local function next_of(queue, owner)
    local place = 0
    while true do
        local id = redis.call('LINDEX', lane(queue, owner), place)
        if not id then
            return nil
        end
        if held[id] then
            place = place + 1 -- an admin put it back while it ran, and its worker has not ended it yet
        else
            local waits = redis.call('LREM', list(queue), 0, id) > 0
            redis.call('LREM', lane(queue, owner), 0, id)
            if waits and is_id(id) and legal(get(id, 'status'), sources) then
                return id
            end
        end
    end
end

local function take(id, queue, owner)
    local entry = id .. ':' .. execution
    local number = count(id, 'stager_attempts', 1)
    limit_attempts(id, number)
    leave_registries(id, queue)
    redis.call('PERSIST', record(id))
    redis.call('HDEL', record(id), 'stager_order', 'stager_progress', 'stager_current', 'stager_faults', 'stager_ended')
    redis.call('DEL', faults(id))
    redis.call('HSET', record(id), 'status', 'started', 'started_at', iso(now), 'ended_at', '',
        'last_heartbeat', iso(now), 'worker_name', worker, 'origin', queue, 'retries_left', 1,
        'stager_execution', execution, 'stager_attempt_' .. number .. '_started', stamp(now))
    redis.call('ZADD', leases(queue), now + lease, entry)
    redis.call('ZADD', wip(queue), now + 31536000, entry) -- RQ would take it away by then, and by its own clock
    expect('rq:execution:' .. entry, 'hash')
    expect('rq:executions:' .. id, 'zset')
    redis.call('HSET', 'rq:execution:' .. entry, 'id', execution, 'job_id', id, 'created_at', stamp(now),
        'last_heartbeat', stamp(now), 'worker_name', worker, 'host', host, 'pid', pid, 'started', started)
    redis.call('EXPIRE', 'rq:execution:' .. entry, 86400)
    redis.call('ZADD', 'rq:executions:' .. id, now + 31536000, execution)
    redis.call('SADD', 'rq:worker:' .. worker .. ':executions', entry)
    redis.call('EXPIRE', 'rq:worker:' .. worker .. ':executions', 86400)
    local served = bounded(redis.call('ZSCORE', turns(queue), owner), 0, LAST_TURN, 0)
    redis.call('SET', turn(queue), served)
    redis.call('ZADD', turns(queue), served + 1, owner)
    show_worker(worker, 'busy')
    changed(id, owner)
    return answer(id, queue)
end

for index = 11, #ARGV do
    local queue = ARGV[index]
    mend_lanes(queue)
    local current = current_turn(queue)
    local round = redis.call('ZRANGE', turns(queue), 0, -1, 'WITHSCORES')
    for place = 1, #round, 2 do
        local owner = round[place]
        if redis.call('EXISTS', lane(queue, owner)) == 0 then
            if tonumber(round[place + 1]) <= current then
                redis.call('ZREM', turns(queue), owner)
            end
        elseif (active[owner] or 0) < share then
            local id = next_of(queue, owner)
            if id then
                return take(id, queue, owner)
            end
        end
    end
end
return {'', due_in}
