-- Lets an ended job run again, under its id and with its history.
-- ARGV: id, legal statuses, a token of this very call, sealed credential or '', retries, how many may wait.
-- Returns 'missing', 'illegal', 'credential', 'full' or 'done'.
local id, sources, token, credential, retries = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('EXISTS', record(id)) == 0 then
    return 'missing'
end
local queue, owner = origin(id), get(id, 'stager_owner')
if get(id, 'stager_restart') == token then
    return 'done' -- the answer was lost on its way, and the question came again
end
if not legal(get(id, 'status'), sources) then
    return 'illegal'
end
if get(id, 'stager_sealed') == '1' and credential == '' then
    return 'credential'
end
if crowded(owner, tonumber(ARGV[6])) then
    return 'full'
end
leave_registries(id, queue)
redis.call('PERSIST', record(id))
remember(id, LONGEST_MEMORY)
redis.call('HSET', record(id), 'ended_at', '', 'started_at', '', 'stager_restart', token,
    'stager_retries_left', retries, 'stager_lost', 0)
redis.call('HDEL', record(id), 'stager_ended', 'stager_order', 'stager_progress', 'stager_faults',
    'stager_told_deadline')
redis.call('DEL', faults(id))
if credential ~= '' then
    redis.call('HSET', record(id), 'stager_credential', credential, 'stager_sealed', '1')
end
enqueue(id, queue, owner, false)
changed(id, owner)
return 'done'
