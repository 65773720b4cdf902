-- Asks that a job ends: at once where it waits, by its worker where it runs.
-- ARGV: id, legal statuses, error of a lost attempt. Returns 'missing', 'illegal' or 'done'.
local id, sources, failure = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', record(id)) == 0 then
    return 'missing'
end
local status, queue, owner = get(id, 'status'), origin(id), get(id, 'stager_owner')
if status == 'stopped' or status == 'canceled' then
    return 'done'
end
if not legal(status, sources) then
    return 'illegal'
end
if status ~= 'started' then
    settle(id, queue, owner, 'canceled')
elseif get(id, 'stager_order') == '' then
    redis.call('HSET', record(id), 'stager_order', 'stop')
    changed(id, owner)
    lose_if_overdue(id, queue, failure)
end
return 'done'
