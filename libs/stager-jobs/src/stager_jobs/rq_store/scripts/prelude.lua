-- What every script of this package begins with. RQ's own key names; all times are Redis' own clock, in seconds.
local QUEUES = {'critical', 'default', 'low'}
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000

local function stamp(seconds)
    return string.format('%.6f', seconds)
end

-- The time as RQ writes it: 2026-01-31T12:00:00.000000Z. Redis gives scripts no calendar.
local function iso(seconds)
    local days = math.floor(seconds / 86400)
    local rest = seconds - days * 86400
    local z = days + 719468
    local era = math.floor(z / 146097)
    local doe = z - era * 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local day = doy - math.floor((153 * mp + 2) / 5) + 1
    local month = mp < 10 and mp + 3 or mp - 9
    local year = yoe + era * 400 + (month <= 2 and 1 or 0)
    return string.format('%04d-%02d-%02dT%02d:%02d:%09.6fZ', year, month, day,
        math.floor(rest / 3600), math.floor(rest % 3600 / 60), math.floor(rest % 60 * 1000000) / 1000000)
end

local function record(id) return 'rq:job:' .. id end
local function list(queue) return 'rq:queue:' .. queue end
local function wip(queue) return 'rq:wip:' .. queue end
-- Who holds which job, and until when: RQ has no such thing, and what admins do with its tools leaves this alone.
local function leases(queue) return 'stager:leases:' .. queue end
local function scheduled(queue) return 'rq:scheduled:' .. queue end
-- Beside RQ's list of waiting jobs: one list an owner (its lane), and whose turn it is. Both are derived from RQ's
-- list and made anew where they differ from it.
local function lane(queue, owner) return 'stager:lane:' .. queue .. ':' .. owner end
local function turns(queue) return 'stager:turns:' .. queue end
local function turn(queue) return 'stager:turn:' .. queue end

local function faults(id) return 'stager:faults:' .. id end

-- Whoever can write to Redis can write anything, anywhere. What is of another kind than it should be counts as not
-- there, so that it stops no script: one that stops in the middle has done half.
local function get(id, field)
    local value = redis.pcall('HGET', record(id), field)
    return type(value) == 'string' and value or ''
end

local function is_record(id)
    return redis.call('TYPE', record(id)).ok == 'hash'
end

-- RQ's own rule. Ids become names of files.
local function is_id(id)
    return #id <= 128 and string.find(id, '^[%w_-]+$') ~= nil
end

local function is_queue(name)
    return name == QUEUES[1] or name == QUEUES[2] or name == QUEUES[3]
end

local function origin(id)
    local queue = get(id, 'origin')
    return is_queue(queue) and queue or 'default'
end

-- Which job a caller's request id stands for. Beside the record, since an id must never be used again: reports, logs
-- and mails go by it.
local function request_key(principal, request)
    return request ~= '' and 'stager:request:' .. redis.sha1hex(principal .. '\0' .. request) or nil
end

local LONGEST_MEMORY = 2592000 -- also where the record is removed behind our back

-- For how long a repeat of the submit finds the job, in seconds; 0: no longer.
local function remember(id, seconds)
    local key = request_key(get(id, 'stager_principal'), get(id, 'stager_request'))
    if key and seconds > 0 then
        redis.call('SET', key, id, 'EX', seconds)
    elseif key then
        redis.call('DEL', key)
    end
end

-- Makes room for a key of ours where one of another kind stands.
local function expect(key, kind)
    local found = redis.call('TYPE', key).ok
    if found ~= kind and found ~= 'none' then
        redis.call('DEL', key)
    end
end

local function bounded(text, lowest, highest, otherwise)
    local found = tonumber(text or '')
    if not found or not (found >= lowest and found <= highest) then
        return otherwise
    end
    return found
end

-- Adds to a counter in the record.
local function count(id, field, step)
    local sum = math.floor(bounded(get(id, field), -999999, 999999, 0) + step)
    redis.call('HSET', record(id), field, sum)
    return sum
end

local function changed(id, owner)
    redis.call('PUBLISH', 'stager:changes', 'C ' .. id .. ' ' .. owner)
end

local function wake()
    expect('stager:wake', 'list')
    redis.call('RPUSH', 'stager:wake', '1')
    redis.call('LTRIM', 'stager:wake', -64, -1)
end

local LAST_TURN = 1e15

local function current_turn(queue)
    expect(turn(queue), 'string')
    return bounded(redis.call('GET', turn(queue)), 0, LAST_TURN, 0)
end

-- An owner that comes, or comes back, joins the round where it is, and never before the turn it has already had.
local function join_round(queue, owner)
    local current = current_turn(queue)
    local own = bounded(redis.call('ZSCORE', turns(queue), owner), current, LAST_TURN, nil)
    if not own then
        redis.call('ZADD', turns(queue), current, owner)
    end
end

local function expect_queue(queue)
    expect(list(queue), 'list')
    expect(turns(queue), 'zset')
    for _, key in ipairs({wip(queue), leases(queue), scheduled(queue)}) do
        expect(key, 'zset')
    end
end

local function enqueue(id, queue, owner, front)
    local push = front and 'LPUSH' or 'RPUSH'
    expect_queue(queue)
    expect(lane(queue, owner), 'list')
    expect('rq:queues', 'set')
    redis.call('HSET', record(id), 'status', 'queued', 'enqueued_at', iso(now))
    redis.call('HDEL', record(id), 'stager_next')
    redis.call('SADD', 'rq:queues', list(queue))
    redis.call(push, list(queue), id)
    redis.call(push, lane(queue, owner), id)
    join_round(queue, owner)
    wake()
end

local function dequeue(id, queue, owner)
    redis.pcall('LREM', list(queue), 0, id)
    redis.pcall('LREM', lane(queue, owner), 0, id)
end

-- Out of whatever registry of RQ's the job is in.
local function leave_registries(id, queue)
    for _, registry in ipairs({'scheduled', 'finished', 'failed', 'canceled', 'deferred', 'ready'}) do
        redis.pcall('ZREM', 'rq:' .. registry .. ':' .. queue, id)
    end
end

local function close_execution(id, execution, queue, worker)
    local entry = id .. ':' .. execution
    redis.pcall('ZREM', leases(queue), entry)
    redis.pcall('ZREM', wip(queue), entry)
    redis.call('DEL', 'rq:execution:' .. entry)
    redis.pcall('ZREM', 'rq:executions:' .. id, execution)
    redis.pcall('SREM', 'rq:worker:' .. worker .. ':executions', entry)
end

-- Until when somebody holds this attempt; nothing if nobody does.
local function held_until(id, execution, queue)
    return tonumber(redis.call('ZSCORE', leases(queue), id .. ':' .. execution) or '')
end

local function close_attempt(id, failure)
    local number = get(id, 'stager_attempts')
    redis.call('HSET', record(id), 'stager_attempt_' .. number .. '_ended', stamp(now),
        'stager_attempt_' .. number .. '_progress', get(id, 'stager_progress'))
    redis.call('HDEL', record(id), 'stager_current')
    if failure ~= '' then
        redis.call('HSET', record(id), 'stager_attempt_' .. number .. '_error', failure,
            'stager_error', failure, 'stager_failed', stamp(now))
    end
end

-- Somebody is to be told; see outbox.py. Where nobody ever takes a notice there are only so many.
local function tell(id, kind)
    expect('stager:outbox', 'zset')
    if redis.call('ZCARD', 'stager:outbox') < 100000 then
        redis.call('ZADD', 'stager:outbox', 'NX', now, kind .. ' ' .. get(id, 'stager_attempts') .. ' ' .. id)
    end
end

-- A credential goes; the append-only file has it still, see append_only_file.py.
local function wipe(id)
    if redis.pcall('HDEL', record(id), 'stager_credential') == 1 then
        redis.call('SET', 'stager:wiped', '1')
    end
end

-- The job has ended: its credential goes, its record stays for as long as the record itself says.
local function settle(id, queue, owner, status)
    local registry = {finished = 'finished', failed = 'failed', canceled = 'canceled'}
    local keep = math.floor(bounded(get(id, status == 'failed' and 'failure_ttl' or 'result_ttl'), 0, 1e9, 172800))
    leave_registries(id, queue)
    dequeue(id, queue, owner)
    redis.call('HSET', record(id), 'status', status, 'ended_at', iso(now), 'stager_ended', stamp(now))
    wipe(id)
    redis.call('HDEL', record(id), 'stager_order', 'stager_next')
    expect('rq:' .. registry[status] .. ':' .. queue, 'zset')
    redis.call('ZADD', 'rq:' .. registry[status] .. ':' .. queue, now + keep, id)
    redis.call('EXPIRE', record(id), keep)
    redis.call('EXPIRE', 'rq:results:' .. id, keep)
    redis.call('EXPIRE', faults(id), keep)
    remember(id, keep)
    if status ~= 'canceled' then
        tell(id, status == 'finished' and 'completed' or 'failed')
    end
    changed(id, owner)
end

local function forget(id, queue, owner)
    leave_registries(id, queue)
    dequeue(id, queue, owner)
    redis.pcall('ZREM', 'stager:jobs:' .. owner, id)
    wipe(id)
    remember(id, 0)
    redis.call('DEL', record(id), record(id) .. ':dependents', 'rq:results:' .. id, 'rq:executions:' .. id,
        faults(id))
    redis.call('PUBLISH', 'stager:changes', 'D ' .. id .. ' ' .. owner)
end

-- An attempt ended without its job ending: as somebody asked meanwhile, or from the front of the queue.
local function hand_back(id, queue, owner)
    local order = get(id, 'stager_order')
    if order == 'delete' then
        forget(id, queue, owner)
    elseif order == 'stop' then
        settle(id, queue, owner, 'canceled')
    else
        enqueue(id, queue, owner, true)
        changed(id, owner)
    end
end

-- The worker of a running job is gone: no fault of the job's, unless it happens again and again.
local function lose(id, execution, queue, failure, limit)
    local worker = redis.pcall('HGET', 'rq:execution:' .. id .. ':' .. execution, 'worker_name')
    close_execution(id, execution, queue, type(worker) == 'string' and worker or get(id, 'worker_name'))
    if get(id, 'stager_execution') ~= execution or get(id, 'stager_finished') == execution then
        return false
    end
    if get(id, 'status') ~= 'started' then
        close_attempt(id, '') -- an admin has put it elsewhere
        return false
    end
    local owner = get(id, 'stager_owner')
    close_attempt(id, failure)
    if count(id, 'stager_lost', 1) > limit and get(id, 'stager_order') == '' then
        settle(id, queue, owner, 'failed')
    else
        hand_back(id, queue, owner)
    end
    return true
end

-- Where no worker is left that would notice that another one is gone.
local function lose_if_overdue(id, queue, failure)
    local execution = get(id, 'stager_execution')
    if (held_until(id, execution, queue) or 0) <= now then
        lose(id, execution, queue, failure, 0)
    end
end

-- An admin's cancel of a running job, by RQ's tools, is a stop: it runs on until its worker has ended it.
local function heed_cancel(id, execution, queue)
    local status = get(id, 'status')
    if get(id, 'stager_execution') == execution and (status == 'canceled' or status == 'stopped') then
        leave_registries(id, queue)
        redis.call('PERSIST', record(id))
        redis.call('HSET', record(id), 'status', 'started', 'ended_at', '')
        redis.call('HSETNX', record(id), 'stager_order', 'stop')
    end
end

-- Leases say nothing where Redis' clock has been set, or where nobody could keep them since Redis was away: whoever
-- holds a job then holds it for a whole lease from now on. Workers speak up every two seconds.
local function mind_the_clock(lease)
    expect('stager:clock', 'string')
    local last = tonumber(redis.call('GET', 'stager:clock') or '')
    redis.call('SET', 'stager:clock', stamp(now))
    if last and math.abs(now - last) < lease / 4 then
        return
    end
    for _, queue in ipairs(QUEUES) do
        expect_queue(queue)
        for _, entry in ipairs(redis.call('ZRANGE', leases(queue), 0, -1)) do
            redis.call('ZADD', leases(queue), now + lease, entry)
        end
    end
end

-- RQ's record of a worker, as rq-dashboard shows it; the worker makes it anew where it is gone.
local function show_worker(worker, state)
    local key = 'rq:worker:' .. worker
    if redis.call('TYPE', key).ok == 'hash' then
        redis.call('HSET', key, 'last_heartbeat', iso(now), 'state', state)
        redis.call('EXPIRE', key, 480)
    end
end

local function legal(status, sources)
    return string.find(sources, ',' .. status .. ',', 1, true) ~= nil
end

local function limit_attempts(id, number)
    if number > 50 then
        local old = 'stager_attempt_' .. (number - 50)
        redis.call('HDEL', record(id), old .. '_started', old .. '_ended', old .. '_error', old .. '_progress')
    end
end

-- What a worker tells of its attempt. ARGV from `at` on: progress or '', paths under way, where the full list is,
-- how many faults there were so far, how many it had told before, and those that follow.
-- Told twice, a fault is kept once.
local function take_news(id, at)
    if ARGV[at] ~= '' then
        redis.call('HSET', record(id), 'stager_progress', ARGV[at], 'stager_current', ARGV[at + 1])
    end
    redis.call('HSET', record(id), 'stager_report', ARGV[at + 2], 'stager_faults', ARGV[at + 3])
    expect(faults(id), 'list')
    local told, kept = tonumber(ARGV[at + 4]), redis.call('LLEN', faults(id))
    for index = at + 5, #ARGV do
        if told + index - at - 5 >= kept then
            redis.call('RPUSH', faults(id), ARGV[index])
        end
    end
    if #ARGV > at + 4 then
        redis.call('EXPIRE', faults(id), 2592000) -- also where the record is removed behind our back
    end
end

-- Whoever else writes to RQ's list (an admin's requeue or empty) knows nothing of lanes.
local function mend_lanes(queue)
    local laned = 0
    local owners = redis.call('ZRANGE', turns(queue), 0, -1)
    for _, owner in ipairs(owners) do
        local length = redis.pcall('LLEN', lane(queue, owner))
        laned = laned + (type(length) == 'number' and length or math.huge)
    end
    if laned == redis.call('LLEN', list(queue)) then
        return
    end
    for _, owner in ipairs(owners) do
        redis.call('DEL', lane(queue, owner))
    end
    for _, id in ipairs(redis.call('LRANGE', list(queue), 0, -1)) do
        if is_id(id) and is_record(id) then
            local owner = get(id, 'stager_owner')
            expect(lane(queue, owner), 'list')
            redis.call('PERSIST', record(id)) -- RQ lets the record of a requeued job expire
            redis.call('RPUSH', lane(queue, owner), id)
            join_round(queue, owner)
        else
            redis.call('LREM', list(queue), 0, id)
        end
    end
end

-- Whether as many of an owner's jobs wait as may (0: any number).
local function crowded(owner, limit)
    local function waiting()
        local sum = 0
        for _, name in ipairs(QUEUES) do
            expect(lane(name, owner), 'list')
            sum = sum + redis.call('LLEN', lane(name, owner))
        end
        return sum
    end
    if limit == 0 or waiting() < limit then
        return false
    end
    for _, name in ipairs(QUEUES) do
        expect_queue(name)
        mend_lanes(name)
    end
    return waiting() >= limit
end
