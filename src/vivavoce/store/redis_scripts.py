"""What a Redis does in one step, in Lua: between its commands no other server does anything."""

from __future__ import annotations

from typing import Final

__all__ = ["ADD_KEY", "ADD_USAGE", "CLAIM", "RESTORE", "STATE"]

ADD_KEY: Final = """
local keys, names, version = unpack(KEYS)
local owner, name, record, changed = unpack(ARGV)
if redis.call('HEXISTS', keys, owner) == 1 then return 1 end
if redis.call('HEXISTS', names, name) == 1 then return 2 end
redis.call('HSET', keys, owner, record)
redis.call('HSET', names, name, owner)
redis.call('SET', version, changed)
return 0
"""
"""Adds a key; returns 1 if there is this key already, 2 if there is its name, otherwise 0."""

RESTORE: Final = """
local keys, names, version, secret, format = unpack(KEYS)
if redis.call('HLEN', keys) > 0 then return 0 end
local n_keys = tonumber(ARGV[4])
for i = 5, #ARGV, 2 do
  redis.call('HSET', i < 5 + 2 * n_keys and keys or names, ARGV[i], ARGV[i + 1])
end
redis.call('SET', version, ARGV[1])
redis.call('SET', secret, ARGV[2])
redis.call('SET', format, ARGV[3])
return 1
"""
"""Puts keys, their names and the secret into a Redis without any; returns whether it had none."""

STATE: Final = """
local version, keys, served = unpack(KEYS)
return {redis.call('GET', version), redis.call('HLEN', keys), redis.call('EXISTS', served)}
"""
"""Returns the version of the keys, their number, and whether there is what a server has served."""

ADD_USAGE: Final = """
local served, last_days = unpack(KEYS)
local usage, kept_s, kept_own_s = unpack(ARGV)
for i = 4, #ARGV, 3 do
  local day, owner, total = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local field = day .. ' ' .. owner
  local more = tonumber(total) - tonumber(redis.call('HGET', served, field) or '0')
  if more > 0 then
    redis.call('HSET', served, field, total)
    redis.call('HINCRBYFLOAT', usage .. day, owner, string.format('%.17g', more))
    redis.call('EXPIRE', usage .. day, kept_s)
    if tonumber(day) > tonumber(redis.call('HGET', last_days, owner) or '-1') then
      redis.call('HSET', last_days, owner, day)
    end
  end
end
redis.call('EXPIRE', served, kept_own_s)
"""
"""Adds what a server has served to the use of keys, apart from what is in it already."""

CLAIM: Final = """
local server, sessions, limit, lease_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local leases, elsewhere = redis.call('HGETALL', KEYS[1]), 0
for i = 1, #leases, 2 do
  local count, expires = string.match(leases[i + 1], '^(%d+) (%d+)$')
  local left = tonumber(expires) - now
  if left <= 0 or left > lease_ms then  -- from the future: the clock was set back
    redis.call('HDEL', KEYS[1], leases[i])
  elseif leases[i] ~= server then
    elsewhere = elsewhere + tonumber(count)
  end
end
if limit >= 0 and elsewhere + sessions > limit then return 0 end
if sessions > 0 then
  redis.call('HSET', KEYS[1], server, sessions .. ' ' .. string.format('%d', now + lease_ms))
  redis.call('PEXPIRE', KEYS[1], lease_ms)
else
  redis.call('HDEL', KEYS[1], server)
end
return 1
"""
"""Reports the open sessions of a key on a server, unless there are too many on all of them."""
