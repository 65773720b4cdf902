-- What RQ says of jobs. ARGV: ids. Returns status ('' where there is none) and number of attempts of each.
local reply = {}
for _, id in ipairs(ARGV) do
    local fields = redis.pcall('HMGET', record(id), 'status', 'stager_attempts')
    table.insert(reply, fields[1] or '')
    table.insert(reply, fields[2] or '0')
end
return reply
