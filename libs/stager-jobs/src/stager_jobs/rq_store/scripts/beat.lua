-- A worker's sign of life: keeps its hold on a job, writes how far it is, and hears what is wanted of it.
-- ARGV: id, execution, queue, lease, owner, worker, then what take_news takes.
-- Returns 'run', 'stop', 'delete' or 'lost'. Who hears 'lost' ends its transfer and then says so (finish), which is
-- when somebody else may have the job.
local id, execution, queue, lease, worker = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[6]
local entry = id .. ':' .. execution
mind_the_clock(lease)
local others = get(id, 'stager_execution') ~= execution and is_record(id) and not held_until(id, execution, queue)
if others or get(id, 'stager_finished') == execution then
    close_execution(id, execution, queue, worker)
    return 'lost'
end
redis.call('ZADD', leases(queue), now + lease, entry)
show_worker(worker, 'busy')
heed_cancel(id, execution, queue)
if get(id, 'stager_execution') ~= execution or get(id, 'status') ~= 'started' then
    if not is_record(id) then
        redis.call('PUBLISH', 'stager:changes', 'D ' .. id .. ' ' .. ARGV[5]) -- an admin removed it
    end
    return 'lost'
end
expect('rq:execution:' .. entry, 'hash')
redis.call('HSET', 'rq:execution:' .. entry, 'last_heartbeat', stamp(now))
redis.call('EXPIRE', 'rq:execution:' .. entry, 86400)
redis.call('HSET', record(id), 'last_heartbeat', iso(now))
if ARGV[7] ~= '' then
    take_news(id, 7)
    changed(id, get(id, 'stager_owner'))
end
local order = get(id, 'stager_order')
return (order == 'stop' or order == 'delete') and order or 'run'
