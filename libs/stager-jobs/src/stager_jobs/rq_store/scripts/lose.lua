-- Takes a job from a worker that is known to be gone, without waiting for its lease to end.
-- ARGV: id, execution, queue, error, lost limit.
return lose(ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])) and 1 or 0
