-- Notes that a machine is alive, and returns how many are: each that was heard of within the last five seconds of the server's clock.
--
-- KEYS: the machines; ARGV: the name of one
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time[1] - 5)
redis.call('PEXPIRE', KEYS[1], 60000)
return redis.call('ZCARD', KEYS[1])
