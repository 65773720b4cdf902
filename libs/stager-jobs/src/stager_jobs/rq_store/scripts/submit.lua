-- Stores a job and lets workers have it; a repeat of the same submit finds the job that is there.
-- ARGV: id, queue, owner, fingerprint, how many may wait (0: any number), principal, request id or '', then field,
-- value, ... of the record.
-- Returns 'new', 'same', 'taken' (another task has this request id) or 'full', and the job's id.
local id, queue, owner, fingerprint, limit = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local request = request_key(ARGV[6], ARGV[7])
local known = id -- a repeat of this very call
if request then
    expect(request, 'string')
    known = redis.call('GET', request) or id
end
if is_id(known) and is_record(known) then
    return {get(known, 'stager_fingerprint') == fingerprint and 'same' or 'taken', known}
end
if crowded(owner, limit) then
    return {'full', id}
end
redis.call('HSET', record(id), unpack(ARGV, 8))
redis.call('HSET', record(id), 'created_at', iso(now), 'stager_created', stamp(now))
remember(id, LONGEST_MEMORY)
expect('stager:jobs:' .. owner, 'zset')
expect('stager:owners', 'set')
redis.call('ZADD', 'stager:jobs:' .. owner, now, id)
redis.call('SADD', 'stager:owners', owner)
enqueue(id, queue, owner, false)
changed(id, owner)
return {'new', id}
