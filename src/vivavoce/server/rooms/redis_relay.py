"""Rooms on several servers that share a Redis."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from vivavoce.server.rooms.commands import Lose, Update, decode_update
from vivavoce.server.rooms.redis_link import Link
from vivavoce.server.rooms.redis_scripts import (
    KEPT_ENTRIES,
    RoomKeys,
    append,
    claim,
    is_open,
    load,
    put_snapshot,
    seed,
)
from vivavoce.store.redis_connection import REDIS_PREFIX, connect_redis_async

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vivavoce.server.rooms.relay import RelayedRoom

__all__ = ["RedisRelay"]

_log = logging.getLogger(__name__)

_LEASE_S: Final = 15.0
_WAIT_S: Final = 2.0  # for an answer
_CLIENT_WAIT_S: Final = 0.5  # the same, where a client waits for it
_RETRY_S: Final = 0.5
_BATCH: Final = 200  # entries in one call
_MARGIN_S: Final = 600.0  # Redis keeps a room for longer than the servers, so that no server finds it gone


class RedisRelay:
    """Brings what happens in rooms to all servers of a Redis, and what happens there to this one.

    One task sends, one receives, one tells the other servers that this one is alive. When the connection is
    lost, rooms continue on this server; afterwards the copies become equal again.

    Attributes:
        server: Identifies this server among those of the Redis.
    """

    def __init__(self, url: str, *, keep_s: float, lease_s: float = _LEASE_S) -> None:
        """Prepare; `run` connects.

        Args:
            url: Address of the Redis.
            keep_s: How long a room is kept after its last change, in seconds.
            lease_s: After how many seconds a server of which nothing is heard is lost.
        """
        self.server = secrets.token_hex(8)
        self._url = url
        self._redis = connect_redis_async(url, timeout_s=_WAIT_S)
        self._keep_ms = round((keep_s + _MARGIN_S) * 1000)
        self._lease_s = lease_s
        self._seq = 0
        self._links: dict[str, Link] = {}  # by room
        self._channels: dict[str, Link] = {}  # the same by channel
        self._wake = asyncio.Event()  # there is something to send
        self._sending = asyncio.Lock()  # what was sent later must not come first: it would replace the rest
        self._pubsub: Any = None  # None: not connected
        self._is_new: set[str] = set()  # channels to subscribe to, again if need be, or to leave
        self._has_new = asyncio.Event()  # there are some
        self._is_failing = False  # whether the log says so
        self._connected_at = 0.0  # of the monotonic clock
        self._heard_at = 0.0  # when something came last

    # --- what rooms do: nothing here waits, except the last two -----------------------------------

    def next_seq(self) -> int:
        """The number of this server's next command."""
        self._seq += 1
        return self._seq

    def link(self, room: RelayedRoom) -> None:
        """Keep a room equal on all servers from now on."""
        name = room.replica.room.name
        link = Link(room, RoomKeys.of(REDIS_PREFIX, name))
        self._links[name] = self._channels[link.keys.news] = link
        self._change(link.keys.news)

    def unlink(self, room: RelayedRoom) -> bool:
        """Forget a room, if nothing of it has still to be sent; returns whether it did."""
        name = room.replica.room.name
        link = self._links.get(name)
        if link is not None and link.room is room:
            if room.replica.pending:
                return False
            del self._links[name], self._channels[link.keys.news]
            self._change(link.keys.news)
        return True

    def send(self, room: RelayedRoom) -> None:
        """Send what is pending in a room's copy."""
        link = self._links.get(room.replica.room.name)
        if link is not None and room.replica.pending:
            command = room.replica.pending[-1].command
            if isinstance(command, Update):  # the turn is finished: what it was before is old
                link.glimpses.pop((command.session, command.turn.channel), None)
            if room.replica.is_cut:
                self._resync(link)
            self._wake.set()

    def glimpse(self, room: RelayedRoom, update: Update) -> None:
        """Send an unfinished turn, unless a newer one of its channel comes first."""
        link = self._links.get(room.replica.room.name)
        if link is not None and link.is_synced.is_set():
            link.glimpses[update.session, update.turn.channel] = update
            self._wake.set()

    async def ready(self, room: RelayedRoom) -> None:
        """Wait until the copy contains what all servers have, though not for long."""
        link = self._links.get(room.replica.room.name)
        if link is not None and not link.is_synced.is_set() and not self._is_failing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLIENT_WAIT_S):
                    await link.is_synced.wait()

    async def knows(self, name: str) -> bool:
        """Whether there is a room of a name on any server; see `Relay`."""
        if self._is_failing:
            return False
        try:
            async with asyncio.timeout(_CLIENT_WAIT_S):
                return await is_open(self._redis, RoomKeys.of(REDIS_PREFIX, name))
        except _errors() as error:
            self._note(error)
            return False

    async def claim(self, room: RelayedRoom, key_digest: bytes | None) -> bool:
        """Reserve a room that nobody has opened for those who have its key; see `Relay`."""
        if room.replica.room.is_open or self._is_failing:
            return True
        keys = RoomKeys.of(REDIS_PREFIX, room.replica.room.name)
        try:
            async with asyncio.timeout(_CLIENT_WAIT_S):
                return await claim(self._redis, keys, (key_digest or b"").hex())
        except _errors() as error:
            self._note(error)
            return True  # the log decides later

    @property
    def is_usable(self) -> bool:
        """Whether Redis can be used: if not, rooms continue on this server alone."""
        return self._pubsub is not None and not self._is_failing

    # --- tasks ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the connection until this is cancelled."""
        loops = (self._receive, self._subscribe, self._send, self._beat)
        tasks = [asyncio.create_task(each()) for each in loops]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(*_errors()):
                await self._redis.aclose()

    async def close(self) -> None:
        """Send what is waiting, though not for long, and leave."""
        with contextlib.suppress(TimeoutError, *_errors()):
            async with asyncio.timeout(_WAIT_S):
                if not self._is_failing:
                    await self._send_all()
                    await self._redis.delete(self._lease_key(self.server))

    async def _receive(self) -> None:
        """Follow the channels of all rooms; a subscription that Redis confirms lets the log be read."""
        while True:
            client = connect_redis_async(self._url, timeout_s=None)
            try:
                async with client.pubsub() as pubsub:
                    self._is_new.clear()  # before: there may be other rooms by the time it answers
                    async with asyncio.timeout(2 * _WAIT_S):
                        await pubsub.subscribe(self._own_channel(), *self._channels)
                    self._pubsub = pubsub
                    self._has_new.set()
                    self._connected_at = self._heard_at = time.monotonic()
                    await self._renew()
                    if not self._links:
                        self._note(None)  # else when the first log was read
                    await self._follow(pubsub)
            except _errors() as error:
                self._note(error)
            except Exception as error:  # noqa: BLE001 - what comes from Redis may be anything
                self._note(error)
                _log.debug("traceback", exc_info=error)
            finally:
                self._pubsub = None
                for link in self._links.values():
                    link.is_synced.clear()
                with contextlib.suppress(*_errors()):
                    await client.aclose()
            await asyncio.sleep(_RETRY_S)

    async def _follow(self, pubsub: Any) -> None:
        while True:
            message = await pubsub.get_message(timeout=self._lease_s / 3)
            if message is None:
                if time.monotonic() - self._heard_at > self._lease_s:
                    raise TimeoutError("it does not answer")
                continue
            self._heard_at = time.monotonic()
            link = self._channels.get(message["channel"].decode())
            if link is None:
                continue
            try:
                if message["type"] == "subscribe":
                    await self._catch_up(link)
                elif message["type"] == "message":
                    await self._take(link, message["data"])
            except _errors():
                raise
            except Exception as error:  # noqa: BLE001 - what comes from Redis may be anything
                self._spoil(link, error)

    async def _subscribe(self) -> None:
        """Subscribe to the channels of new rooms while others are followed."""
        while True:
            await self._has_new.wait()
            self._has_new.clear()
            if self._pubsub is None:
                continue  # it begins with all of them
            channels, self._is_new = self._is_new, set()
            wanted = channels.intersection(self._channels)
            try:
                if wanted:
                    await self._pubsub.subscribe(*wanted)
                if channels - wanted:
                    await self._pubsub.unsubscribe(*(channels - wanted))
            except _errors() as error:
                self._note(error)  # and whoever follows fails too

    async def _take(self, link: Link, data: bytes) -> None:
        """Take one message about a room."""
        kind, rest = data[:1], data[1:]
        if kind == b"e":
            identity, number, payload = rest.split(b" ", 2)
            link.log_id = link.log_id or identity.decode()
            if link.log_id != identity.decode() or not link.receive(int(number), [payload]):
                await self._catch_up(link)
            link.room.refresh()
            if link.replica.seats:  # another server may believe that this one is lost
                link.room.resubmit()
            await self._tidy(link)
        elif kind == b"g":
            update = decode_update(rest)
            if update.session not in link.replica.seats:
                link.replica.room.glimpse(update.session, update.turn.turn())
                link.room.refresh()
        elif kind == b"s":
            link.snapshot_number = int(rest)

    async def _catch_up(self, link: Link) -> None:
        """Read the log of a room, and bring there what it lacks."""
        replica = link.replica
        before = replica.room
        loaded = await load(self._redis, link.keys, log_id=link.log_id, number=replica.number)
        if loaded is None and before.is_open:
            snapshot = msgspec.msgpack.encode(replica.snapshot())
            number = replica.number
            await seed(
                self._redis,
                link.keys,
                snapshot,
                new_id=secrets.token_hex(4),
                number=number,
                keep_ms=self._keep_ms,
            )
            loaded = await load(self._redis, link.keys, log_id="", number=0)
        if loaded is None:
            link.log_id = ""
        else:
            link.adopt(loaded)
        link.n_sent = 0
        link.is_synced.set()
        for command in [*replica.differences(before), *replica.presence()]:
            replica.submit(command, self.next_seq())
        link.room.refresh()
        self._note(None)
        self._wake.set()

    async def _tidy(self, link: Link) -> None:
        """Replace old entries by a snapshot, from time to time; which server does it does not matter."""
        number = link.replica.number
        if number - link.snapshot_number >= 2 * KEPT_ENTRIES and link.replica.seats:
            link.snapshot_number = number
            snapshot = msgspec.msgpack.encode(link.replica.snapshot())
            await put_snapshot(self._redis, link.keys, snapshot, log_id=link.log_id, number=number)

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._send_all()
            except _errors() as error:
                self._note(error)
                for link in self._links.values():
                    self._resync(link)

    async def _send_all(self) -> None:
        async with self._sending:
            for link in list(self._links.values()):
                await self._send_one(link)

    async def _send_one(self, link: Link) -> None:
        while link.is_synced.is_set() and link.n_sent < len(link.replica.pending):
            some = list(link.replica.pending)[link.n_sent : link.n_sent + _BATCH]
            link.n_sent += len(some)
            found = await append(
                self._redis,
                link.keys,
                [msgspec.msgpack.encode(entry) for entry in some],
                log_id=link.log_id,
                new_id=secrets.token_hex(4),
                keep_ms=self._keep_ms,
            )
            if not found:
                self._resync(link)
                return
            link.log_id = link.log_id or found
        glimpses, link.glimpses = list(link.glimpses.values()), {}
        for update in glimpses:
            await self._redis.publish(link.keys.news, b"g" + msgspec.msgpack.encode(update))

    async def _beat(self) -> None:
        """Keep this server's lease, and note which servers have lost theirs."""
        while True:
            await asyncio.sleep(self._lease_s / 3)
            if self._pubsub is None:
                continue
            try:
                await self._renew()
                await self._look_for_lost()
                if all(link.is_synced.is_set() for link in self._links.values()):
                    self._note(None)
            except _errors() as error:
                self._note(error)

    async def _renew(self) -> None:
        await self._redis.set(self._lease_key(self.server), b"1", px=round(self._lease_s * 1000))
        await self._redis.publish(self._own_channel(), b"b")
        for link in [each for each in self._links.values() if each.replica.seats]:
            for key in link.keys[:2]:
                await self._redis.pexpire(key, self._keep_ms)

    async def _look_for_lost(self) -> None:
        if time.monotonic() - self._connected_at < self._lease_s:
            return  # the others may be just coming back, too
        servers = {server for link in self._links.values() for server in link.replica.room.sessions.values()}
        for server in servers - {self.server}:
            if not await self._redis.exists(self._lease_key(server)):
                _log.warning("a server of this Redis is lost: its sessions no longer speak in their rooms")
                for link, session in list(self._sessions_of(server)):
                    link.replica.submit(Lose(session), self.next_seq())
                    link.room.refresh()
                self._wake.set()

    # --- within -----------------------------------------------------------------------------------

    def _sessions_of(self, server: str) -> Iterator[tuple[Link, str]]:
        for link in self._links.values():
            for session, each in link.replica.room.sessions.items():
                if each == server:
                    yield link, session

    def _change(self, channel: str) -> None:
        """Let a channel be followed, or no longer, soon."""
        self._is_new.add(channel)
        self._has_new.set()

    def _resync(self, link: Link) -> None:
        """Let the log of a room be read again: Redis confirms a second subscription, too."""
        link.is_synced.clear()
        link.n_sent = 0
        self._change(link.keys.news)

    def _spoil(self, link: Link, error: Exception) -> None:
        """Leave a room alone of which Redis holds something else than this version writes."""
        link.is_synced.clear()
        if not link.is_spoilt:
            link.is_spoilt = True
            _log.error("Redis holds something of a room that this version can't read: it is shown here alone")
            _log.debug("traceback", exc_info=error)

    def _note(self, error: BaseException | None) -> None:
        """Log what fails once, and that it works again."""
        if error is not None and not self._is_failing:
            reason = str(error) or type(error).__name__
            _log.error("Redis: %s; rooms are not the same on all servers until it works again", reason)
        elif error is None and self._is_failing:
            _log.warning("Redis can be used again; rooms are the same on all servers")
        self._is_failing = error is not None

    def _lease_key(self, server: str) -> str:
        return f"{REDIS_PREFIX}server:{server}"

    def _own_channel(self) -> str:
        return f"{REDIS_PREFIX}server:{self.server}:news"


@functools.cache
def _errors() -> tuple[type[Exception], ...]:
    """What a lost or slow connection raises; the library is an extra."""
    return (importlib.import_module("redis").RedisError, OSError)
