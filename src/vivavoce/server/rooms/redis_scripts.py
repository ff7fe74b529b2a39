"""What Redis does with a room in one step, and how its keys are named.

A room is a hash, ``state``, and a stream, ``log``. The state holds ``id``, which tells this log from a later
one of the same room; ``n``, the number of the last entry; ``snapshot`` and ``snapshot_n``, the room up to an
entry; and ``key``, the digest of the room's key while nobody has opened it yet. Entry N of the stream has the
id ``N-0``. All entries are published too, as is what need not last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["KEPT_ENTRIES", "Loaded", "RoomKeys", "append", "claim", "is_open", "load", "put_snapshot", "seed"]

_FORMAT: Final = (
    1  # grows when servers of an earlier release can't read what this one writes: they share no rooms
)
KEPT_ENTRIES: Final = 500
"""Entries before a snapshot that stay, for servers that are a little behind."""

_APPEND: Final = """
local id = redis.call('HGET', KEYS[1], 'id')
if (id or '') ~= ARGV[1] then return '' end
if not id then
  id = ARGV[2]
  redis.call('HSET', KEYS[1], 'id', id, 'n', 0, 'snapshot_n', 0)
end
for i = 5, #ARGV do
  local n = redis.call('HINCRBY', KEYS[1], 'n', 1)
  redis.call('XADD', KEYS[2], n .. '-0', 'e', ARGV[i])
  redis.call('PUBLISH', ARGV[3], 'e' .. id .. ' ' .. n .. ' ' .. ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return id
"""

# The first entry that is returned is the last that the server has, so that it can see whether it is the same.
_LOAD: Final = """
local id = redis.call('HGET', KEYS[1], 'id')
if not id then return {} end
local n = tonumber(redis.call('HGET', KEYS[1], 'n'))
local from, snapshot = tonumber(ARGV[2]), false
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
local is_there = first and tonumber(string.match(first[1], '^%d+')) <= from
if id ~= ARGV[1] or from > n or not is_there then
  snapshot = redis.call('HGET', KEYS[1], 'snapshot')
  from = tonumber(redis.call('HGET', KEYS[1], 'snapshot_n')) + 1
end
return {id, n, snapshot, from, redis.call('XRANGE', KEYS[2], from .. '-0', '+')}
"""

_SEED: Final = """
if redis.call('HEXISTS', KEYS[1], 'id') == 1 then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'n', ARGV[2], 'snapshot_n', ARGV[2], 'snapshot', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""

_PUT_SNAPSHOT: Final = """
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
local n = tonumber(ARGV[2])
if tonumber(redis.call('HGET', KEYS[1], 'snapshot_n')) < n then
  redis.call('HSET', KEYS[1], 'snapshot', ARGV[3], 'snapshot_n', n)
  redis.call('XTRIM', KEYS[2], 'MINID', math.max(n - tonumber(ARGV[4]), 0) .. '-0')
  redis.call('PUBLISH', ARGV[5], 's' .. n)
end
return 1
"""

_CLAIM: Final = """
if redis.call('HEXISTS', KEYS[1], 'id') == 1 then return 1 end
redis.call('HSETNX', KEYS[1], 'key', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if redis.call('HGET', KEYS[1], 'key') == ARGV[1] then return 1 end
return 0
"""
_CLAIM_MS: Final = 10_000  # a session opens its room at once, or not at all


class RoomKeys(NamedTuple):
    """The names of a room's keys in Redis; the braces keep them in one slot of a cluster.

    Attributes:
        state: Of the hash.
        log: Of the stream.
        news: Of the channel.
    """

    state: str
    log: str
    news: str

    @classmethod
    def of(cls, prefix: str, name: str) -> RoomKeys:
        """Return the keys of a room."""
        return cls(*(f"{prefix}room:{_FORMAT}:{{{name}}}:{part}" for part in ("state", "log", "news")))


class Loaded(NamedTuple):
    """A room as Redis has it.

    Attributes:
        log_id: Tells its log from others.
        number: Of the last entry.
        snapshot: The room before the entries; None: there is none, and either the entries continue what the
            server has or they are the whole log.
        first: The number of the first entry.
        entries: The entries.
    """

    log_id: str
    number: int
    snapshot: bytes | None
    first: int
    entries: list[bytes]


async def append(
    redis: Any, keys: RoomKeys, entries: Sequence[bytes], *, log_id: str, new_id: str, keep_ms: int
) -> str:
    """Append entries to a log.

    Args:
        redis: The client.
        keys: Of the room.
        entries: The entries.
        log_id: Of the log; empty: there is none yet, and this one gets `new_id`.
        new_id: The id of a new log.
        keep_ms: How long the room is kept without another entry, in milliseconds.

    Returns:
        The id of the log; empty: it is another one by now, and nothing was appended.
    """
    found: bytes = await redis.eval(_APPEND, 2, *keys[:2], log_id, new_id, keys.news, keep_ms, *entries)
    return found.decode()


async def load(redis: Any, keys: RoomKeys, *, log_id: str, number: int) -> Loaded | None:
    """Return what a server lacks of a room, and the last entry that it has; None: there is no such room.

    Args:
        redis: The client.
        keys: Of the room.
        log_id: Of the log that the server knows; empty: none.
        number: Of the last entry that it has.
    """
    found = await redis.eval(_LOAD, 2, *keys[:2], log_id, number)
    if not found:
        return None
    identity, last, snapshot, first, entries = found
    return Loaded(identity.decode(), last, snapshot, first, [fields[1] for _, fields in entries])


async def seed(
    redis: Any, keys: RoomKeys, snapshot: bytes, *, new_id: str, number: int, keep_ms: int
) -> None:
    """Give a room to a Redis that does not know it, or no longer; if it does, this does nothing."""
    await redis.eval(_SEED, 2, *keys[:2], new_id, number, snapshot, keep_ms)


async def put_snapshot(redis: Any, keys: RoomKeys, snapshot: bytes, *, log_id: str, number: int) -> None:
    """Keep a snapshot in place of old entries, unless there is a newer one."""
    await redis.eval(_PUT_SNAPSHOT, 2, *keys[:2], log_id, number, snapshot, KEPT_ENTRIES, keys.news)


async def is_open(redis: Any, keys: RoomKeys) -> bool:
    """Return whether a session has opened a room on any server."""
    return bool(await redis.hexists(keys.state, "id"))


async def claim(redis: Any, keys: RoomKeys, digest: str) -> bool:
    """Reserve a room that nobody has opened for sessions with a key; returns whether none has another key."""
    return bool(await redis.eval(_CLAIM, 2, *keys[:2], digest, _CLAIM_MS))
