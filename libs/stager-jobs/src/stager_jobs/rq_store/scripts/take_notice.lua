-- Gives the next notice that is due, and keeps it from others for a while. ARGV: seconds.
-- Returns {entry, how often it was taken}, or nothing.
expect('stager:outbox', 'zset')
expect('stager:outbox:tries', 'hash')
local due = redis.call('ZRANGEBYSCORE', 'stager:outbox', '-inf', now, 'LIMIT', 0, 1)
if not due[1] then
    return false
end
redis.call('ZADD', 'stager:outbox', now + tonumber(ARGV[1]), due[1])
local tries = bounded(redis.call('HGET', 'stager:outbox:tries', due[1]), 0, 999999, 0) + 1
redis.call('HSET', 'stager:outbox:tries', due[1], tries)
return {due[1], tries}
