-- Answers one question of a machine about one limit, as `Ledger::answer` of resilient-runtime does; times are in microseconds of the server's clock.
--
-- KEYS: the limit
-- ARGV: 1 wanted, 2 least, 3 interval in ns, 4 slack, 5 seen, 6 owed, 7 curbed or -1, 8 pause, 9 slowed, 10 spread in ns or -1, 11 its time, 12 debt
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wanted, interval, slack = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
local least = math.max(math.min(tonumber(ARGV[2]), wanted), 1)
local seen, owed, curbed, pause = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local debt = tonumber(ARGV[12])

local function step(permits)
    return math.ceil(permits * interval / 1000)
end

local kept = redis.call('HMGET', KEYS[1], 'due', 'version', 'paused', 'slowed_at', 'slowdowns', 'spread', 'spread_until')
for index = 1, 7 do
    kept[index] = tonumber(kept[index] or 0) or 0
end
local due, version, paused, slowed_at, slowdowns, spread, spread_until = unpack(kept)
local used_up = now + slack + step(1)

if version < seen then
    version, due = seen, used_up
elseif version == 0 then
    due = now + slack
end
local latest = used_up + debt
if due > latest then
    due = used_up
end
paused = math.min(paused, now + debt)

if owed > 0 then
    due = math.min(math.max(due, now) + step(owed), math.max(latest, due))
elseif owed < 0 then
    local floor = now
    if paused > 0 then
        floor = math.max(now, paused + slack)
    end
    due = math.min(due, math.max(due - step(-owed), floor))
end
if curbed == 0 then
    due = math.max(due, used_up)
elseif curbed > 0 then
    due = math.max(due, now + slack - step(curbed - 1))
end
if pause > 0 then
    paused = math.max(paused, now + pause)
    due = math.max(due, paused + slack)
end
if ARGV[9] == '1' and (slowdowns == 0 or now >= slowed_at + 1000000 or now < slowed_at) then
    slowdowns, slowed_at = slowdowns + 1, now
end
if ARGV[10] ~= '-1' then
    spread, spread_until = tonumber(ARGV[10]), 0
    if spread > 0 then
        spread_until = now + tonumber(ARGV[11])
    end
end
version = version + 1

local granted, wait = 0, 0
if wanted > 0 and paused > now then
    wait = paused - now
elseif wanted > 0 then
    local base, limit = math.max(due, now), now + slack
    if base <= limit then
        granted = math.min(wanted, math.floor((limit - base) * 1000 / interval) + 1)
    end
    if granted < least then
        granted, wait = 0, base + step(least - 1) - limit
    else
        due = base + step(granted)
    end
end

-- a number of its own would lose its last digits as text
local function text(number)
    return string.format('%.0f', number)
end
redis.call('HSET', KEYS[1], 'due', text(due), 'version', text(version), 'paused', text(paused), 'slowed_at', text(slowed_at),
    'slowdowns', text(slowdowns), 'spread', text(spread), 'spread_until', text(spread_until))
redis.call('PEXPIRE', KEYS[1], text(math.max(3600000, 2 * math.ceil(math.max(due - now, 0) / 1000))))

local spread_for = math.max(spread_until - now, 0)
if spread_for == 0 then
    spread = 0
end
return { granted, wait, version, math.max(paused - now, 0), slowdowns, spread, spread_for }
