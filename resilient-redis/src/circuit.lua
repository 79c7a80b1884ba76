-- Answers one question of a machine about one circuit breaker, as `CircuitLedger::answer` of resilient-runtime does; times are in microseconds of the
-- server's clock.
--
-- KEYS: the breaker
-- ARGV: 1 epoch, 2 open for, 3 reopenings, 4 cause, 5 epoch of the probes, 6 succeeded, 7 failed, 8 returned, 9 wanted, and the terms of probes:
--       10 first, 11 probes, 12 failure rate in millionths, 13 limit, 14 open for, 15 patience
local CLOSED, OPEN, HALF_OPEN = 0, 1, 2
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ask = {}
for index = 1, 15 do
    ask[index] = tonumber(ARGV[index])
end
local said_epoch, open_for, said_reopenings, said_cause = ask[1], ask[2], ask[3], ask[4]
local probed, wanted = ask[5], ask[9]

local NAMES = { 'epoch', 'state', 'until', 'length', 'reopenings', 'cause', 'issued', 'succeeded', 'failed', 'first', 'probes', 'rate', 'limit',
    'open_for', 'patience' }
local kept = redis.call('HMGET', KEYS[1], unpack(NAMES))
local it = {}
for index, name in ipairs(NAMES) do
    it[name] = tonumber(kept[index] or 0) or 0
end
local changed = false

-- Begins a state without probes.
local function enter(epoch, state)
    for index = 7, 15 do
        it[NAMES[index]] = 0
    end
    it.epoch, it.state, it['until'], it.length = epoch, state, 0, 0
    changed = true
end

local function open(length)
    enter(it.epoch + 1, OPEN)
    it['until'], it.length = now + length, length
end

local function most()
    if it.succeeded == 0 then
        return it.first
    end
    return it.probes
end

if it.epoch < said_epoch then
    enter(said_epoch, CLOSED)
    it.reopenings, it.cause = 0, 0
end
if it['until'] > now + it.length then
    it['until'], changed = now + it.length, true
end

if it.state == HALF_OPEN then
    if probed == it.epoch then
        local under_way = math.max(it.issued - it.succeeded - it.failed, 0)
        local succeeded = math.min(ask[6], under_way)
        local failed = math.min(ask[7], under_way - succeeded)
        local returned = math.min(ask[8], under_way - succeeded - failed)
        it.succeeded, it.failed, it.issued = it.succeeded + succeeded, it.failed + failed, it.issued - returned
        if failed > 0 then
            it.cause = said_cause
        end
        changed = changed or succeeded + failed + returned > 0
    end
    local late = now >= it['until'] and it.issued > 0
    local failed = it.failed
    if late then
        failed = it.issued - it.succeeded
    end
    local ended = it.succeeded + failed
    if late or ended >= most() then
        if failed * 1000000 >= it.rate * ended then
            local already = 0
            if it.succeeded > 0 then
                already = it.patience
            end
            it.reopenings = math.max(it.reopenings, already) + 1
            open(it.open_for)
        else
            enter(it.epoch + 1, CLOSED)
            it.reopenings, it.cause = 0, 0
        end
    end
end
if it.state == CLOSED and said_epoch == it.epoch and open_for > 0 then
    it.reopenings, it.cause = said_reopenings, said_cause
    open(open_for)
end

local granted = 0
if it.state == CLOSED then
    granted = wanted
else
    if it.state == OPEN and wanted > 0 and now >= it['until'] then
        enter(it.epoch + 1, HALF_OPEN)
        it.first, it.probes, it.rate, it.limit, it.open_for, it.patience = ask[10], ask[11], ask[12], ask[13], ask[14], ask[15]
    end
    if it.state == HALF_OPEN then
        granted = math.min(math.max(most() - it.issued, 0), wanted)
        if granted > 0 then
            it.issued, it.length, it['until'] = it.issued + granted, it.limit, now + it.limit
            changed = true
        end
    end
end

if changed then
    local fields = {}
    for _, name in ipairs(NAMES) do
        fields[#fields + 1] = name
        -- a number of its own would lose its last digits as text
        fields[#fields + 1] = string.format('%.0f', it[name])
    end
    redis.call('HSET', KEYS[1], unpack(fields))
    redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(3600000, 2 * math.ceil(math.max(it['until'] - now, 0) / 1000))))
end

local left = 0
if it.state ~= CLOSED then
    left = math.max(it['until'] - now, 0)
end
return { it.epoch, it.state, left, it.reopenings, it.cause, granted }
