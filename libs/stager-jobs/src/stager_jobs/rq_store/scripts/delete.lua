-- Removes a job's record; a running one is stopped first, and its worker removes it.
-- ARGV: id, error of a lost attempt. Returns 'missing' or 'done'.
local id, failure = ARGV[1], ARGV[2]
if redis.call('EXISTS', record(id)) == 0 then
    return 'missing'
end
local owner = get(id, 'stager_owner')
if get(id, 'status') == 'started' and get(id, 'stager_execution') ~= '' then
    redis.call('HSET', record(id), 'stager_order', 'delete')
    changed(id, owner)
    lose_if_overdue(id, origin(id), failure)
else
    forget(id, origin(id), owner)
end
return 'done'
