-- Ends an attempt. Only the worker that holds the job can.
-- ARGV: id, execution, queue, worker, verdict (complete, fail, retry, hand_back), error or '', retry delays joined by
-- commas, whether a deadline passed ('1'), RQ's result type, its text, then what take_news takes.
-- Returns the job's new status, 'deleted' or 'lost'.
local id, execution, queue, worker, verdict, failure = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local delays, overdue, result, text = ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local owner = get(id, 'stager_owner')
if get(id, 'stager_finished') == execution then
    return get(id, 'status')
end
expect_queue(queue)
heed_cancel(id, execution, queue)
local mine = get(id, 'stager_execution') == execution
if not mine or get(id, 'status') ~= 'started' or not held_until(id, execution, queue) then
    close_execution(id, execution, queue, worker)
    if mine then
        redis.call('HSET', record(id), 'stager_finished', execution)
        close_attempt(id, '')
    end
    return 'lost'
end
close_execution(id, execution, queue, worker)
redis.call('HSET', record(id), 'stager_finished', execution)
take_news(id, 11)
local order = get(id, 'stager_order')
close_attempt(id, failure)
if order == 'delete' then
    forget(id, queue, owner)
    return 'deleted'
end
if verdict == 'complete' then
    settle(id, queue, owner, 'finished')
elseif order == 'stop' then
    settle(id, queue, owner, 'canceled')
elseif verdict == 'hand_back' then
    count(id, 'stager_handed_back', 1)
    hand_back(id, queue, owner)
elseif verdict == 'retry' and bounded(get(id, 'stager_retries_left'), 0, 999999, 0) > 0 then
    local left = count(id, 'stager_retries_left', -1)
    local all = {}
    for delay in string.gmatch(delays, '[^,]+') do
        table.insert(all, tonumber(delay))
    end
    local due = now + (all[math.max(1, #all - left)] or 0)
    redis.call('HSET', record(id), 'status', 'scheduled', 'stager_next', stamp(due))
    redis.call('ZADD', scheduled(queue), due, id)
    if overdue == '1' and redis.call('HSETNX', record(id), 'stager_told_deadline', 1) == 1 then
        tell(id, 'deadline')
    end
    changed(id, owner)
else
    settle(id, queue, owner, 'failed')
end
if result ~= '' then
    expect('rq:results:' .. id, 'stream')
    redis.call('XADD', 'rq:results:' .. id, 'MAXLEN', '10', '*', 'type', result, 'worker_name', worker,
        'execution_id', execution, 'exc_string', text)
    redis.call('EXPIRE', 'rq:results:' .. id, 1209600)
end
return get(id, 'status')
