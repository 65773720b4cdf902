-- Puts a notice off. ARGV: entry, seconds.
return redis.call('ZADD', 'stager:outbox', 'XX', now + tonumber(ARGV[2]), ARGV[1])
