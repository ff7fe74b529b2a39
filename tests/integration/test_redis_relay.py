"""What a relay does that takes a server's death, or more commands than a test can speak."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
import uuid
from pathlib import Path

import pytest

from support.redis_server import redis_server  # noqa: F401  - a fixture
from support.time_limit import HANG_S
from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.events import RoomRequest, TurnUpdated
from vivavoce.server.rooms import Rooms, RoomState, redis_relay
from vivavoce.server.rooms.commands import Lose
from vivavoce.server.rooms.redis_relay import RedisRelay
from vivavoce.server.rooms.redis_scripts import RoomKeys
from vivavoce.types import Word

redis = pytest.importorskip("redis.asyncio") and pytest.importorskip("redis")
pytestmark = pytest.mark.usefixtures("redis_server")
REQUEST = RoomRequest("hall", "secret-one")


def turn(text, order=0, *, ended=True):
    words = tuple(Word(each, 100 * at, 100 * at + 90, 0.9) for at, each in enumerate(text.split()))
    return TurnUpdated(order, 0, 100, words, ended=ended)


class Server:
    """The rooms of a server, without the rest of it."""

    def __init__(self, url, lease_s):
        self.relay = RedisRelay(url, keep_s=100, lease_s=lease_s)
        self.rooms = Rooms(relay=self.relay)
        self.task = asyncio.create_task(self.relay.run())

    async def seat(self, request=REQUEST):
        await self.rooms.claim(request)
        seat = self.rooms.seat(request, uuid.uuid4().hex)
        seat.join(time.time())
        return seat

    async def room(self, name="hall"):
        await self.rooms.look_up(name)
        return self.rooms.enter(name)

    async def die(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@contextlib.asynccontextmanager
async def servers(redis, n_servers=2, lease_s=15.0):
    them = [Server(redis.url, lease_s) for _ in range(n_servers)]
    try:
        yield them
    finally:
        for each in them:
            await each.die()


async def until(condition):
    async with asyncio.timeout(HANG_S):
        while not condition():  # noqa: ASYNC110  - what it waits for are plain values
            await asyncio.sleep(0.01)


def test_the_sessions_of_a_server_that_died_pause_and_their_room_continues_elsewhere(redis_server):  # noqa: F811
    async def check():
        async with servers(redis_server, lease_s=1.0) as (one, other):
            seat = await one.seat()
            seat.update(turn("Before."), time.time())
            served = await other.room()
            await until(lambda: served.room.lines and served.room.n_speakers == 1)
            await one.die()
            await until(lambda: served.room.state is RoomState.PAUSED)
            again = await other.seat()
            again.update(turn("After."), time.time())
            assert [line.text for line in served.room.lines] == ["Before.", "After."]
            assert (served.room.state, served.room.n_speakers) == (RoomState.LIVE, 1)

    asyncio.run(check())


def test_a_server_that_was_only_slow_says_that_its_session_still_speaks(redis_server):  # noqa: F811
    async def check():
        async with servers(redis_server) as (one, other):
            await one.seat()
            served = await other.room()
            await until(lambda: served.room.n_speakers == 1)
            [session] = served.room.sessions
            served.submit(Lose(session))
            assert served.room.state is RoomState.PAUSED
            await until(lambda: served.room.state is RoomState.LIVE)

    asyncio.run(check())


def test_a_long_room_is_short_in_redis_and_whole_on_every_server(redis_server):  # noqa: F811
    async def check():
        async with servers(redis_server, 3) as (one, other, late):
            seat = await one.seat()
            served = await other.room()
            for order in range(3_000):
                seat.update(turn(f"Line {order}.", order), time.time())
                if order % 100 == 0:
                    await until(lambda: len(one.rooms.find("hall").replica.pending) < 100)
            await until(lambda: len(served.room.lines) == 3_000)
            assert redis_server.client.xlen("vivavoce:room:1:{hall}:log") < 2_000
            copy = await late.room()
            assert copy.room.image() == served.room.image() == one.rooms.find("hall").room.image()

    asyncio.run(check())


def test_of_two_who_open_a_room_at_once_one_is_refused(redis_server):  # noqa: F811
    async def check():
        async with servers(redis_server) as (one, other):
            requests = [RoomRequest("hall", "secret-one"), RoomRequest("hall", "secret-two")]
            found = await asyncio.gather(
                one.seat(requests[0]), other.seat(requests[1]), return_exceptions=True
            )

            def refused():  # at once, or afterwards if the answer of Redis took too long
                return [each for each in found if isinstance(each, ProtocolViolation) or each.refusal]

            await until(refused)
            assert len(refused()) == 1

    asyncio.run(check())


def test_who_opened_a_room_later_while_redis_was_away_is_refused_afterwards(redis_server):  # noqa: F811
    async def check():
        redis_server.kill()
        async with servers(redis_server) as (one, other):
            seats = [await one.seat(), await other.seat(RoomRequest("hall", "secret-two"))]
            assert [seat.refusal for seat in seats] == [None, None]
            redis_server.start()
            await until(lambda: sum(seat.refusal is not None for seat in seats) == 1)
            await until(lambda: one.rooms.find("hall").room.image() == other.rooms.find("hall").room.image())

    asyncio.run(check())


def test_a_room_that_nobody_follows_here_is_forgotten_here_only(redis_server):  # noqa: F811
    async def check():
        async with servers(redis_server) as (one, other):
            seat = await one.seat()
            seat.update(turn("Here."), time.time())
            await other.room()
            for now in (1.0, 100.0):
                other.rooms.tick(now)
                one.rooms.tick(now)
            assert other.rooms.find("hall") is None
            assert one.rooms.find("hall") is not None
            assert [line.text for line in (await other.rooms.look_up("hall")).room.lines] == ["Here."]

    asyncio.run(check())


def test_one_late_answer_is_forgotten(redis_server):  # noqa: F811
    async def check():
        async with servers(redis_server, 1, lease_s=3.0) as [one]:
            await until(lambda: one.relay.is_usable)
            await one.room()
            redis_server.freeze()
            try:
                await one.rooms.claim(REQUEST)
            finally:
                redis_server.thaw()
            await until(lambda: one.relay.is_usable)
            assert await one.relay.claim(await one.room("other"), b"key")
            assert redis_server.client.exists("vivavoce:room:1:{other}:state")

    asyncio.run(check())


def test_a_room_that_could_not_be_sent_is_forgotten_in_time_all_the_same(redis_server):  # noqa: F811
    async def check():
        redis_server.kill()
        async with servers(redis_server, 1) as [one]:
            seat = await one.seat()
            seat.leave(1.0, ended=True)
            assert one.rooms.find("hall").replica.pending
            one.rooms.tick(1.0 + one.rooms.keep_s + 1)
            assert one.rooms.find("hall") is None

    asyncio.run(check())


def test_an_account_of_redis_needs_what_the_documents_say(redis_server):  # noqa: F811
    text = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    rules = re.search(r"`ACL SETUSER (\w+) on >PASSWORD ([^`]+)`", text)
    redis_server.client.execute_command("ACL", "SETUSER", rules[1], "on", ">secret", *rules[2].split())
    redis_server.url = f"unix://{rules[1]}:secret@{redis_server.url.removeprefix('unix://')}"

    async def check():
        async with servers(redis_server) as (one, other):
            seat = await one.seat()
            seat.update(turn("Here."), time.time())
            served = await other.room()
            await until(lambda: served.room.lines)

    asyncio.run(check())


# --- what may happen between two steps -------------------------------------------------------------


def test_a_room_that_is_found_while_the_connection_is_made_is_followed(redis_server, monkeypatch):  # noqa: F811
    works = redis.asyncio.client.PubSub.subscribe
    begins = []

    async def subscribe(pubsub, *channels):
        await works(pubsub, *channels)
        if begins:
            begins.pop()()

    monkeypatch.setattr(redis.asyncio.client.PubSub, "subscribe", subscribe)

    async def check():
        async with servers(redis_server) as (one, other):
            begins.append(lambda: other.rooms.enter("hall"))
            served = other.rooms.enter("other")
            await until(lambda: not begins)
            seat = await one.seat()
            seat.update(turn("Here."), time.time())
            served = other.rooms.enter("hall")
            with served.reading():
                await until(lambda: served.room.lines)

    asyncio.run(check())


def test_a_room_that_cannot_be_read_harms_no_other(redis_server, caplog):  # noqa: F811
    state, log = RoomKeys.of("vivavoce:", "bad")[:2]
    redis_server.client.hset(state, mapping={"id": "aa", "n": 1, "snapshot_n": 0})
    redis_server.client.xadd(log, {"e": b"\xc1 of a later version"}, "1-0")

    async def check():
        async with servers(redis_server) as (one, other):
            bad = [each.rooms.enter("bad") for each in (one, other)]
            seat, served = await one.seat(), other.rooms.enter("hall")
            with bad[0].reading(), bad[1].reading(), served.reading():
                seat.update(turn("Here."), time.time())
                await until(lambda: served.room.lines)
                await until(lambda: caplog.text.count("holds something of a room") == 2)
            assert "later version" not in caplog.text.replace("that this version", "")

    asyncio.run(check())


def test_a_relay_ends_although_rooms_are_forgotten_meanwhile(redis_server, monkeypatch):  # noqa: F811
    async def check():
        async with servers(redis_server, 1) as [one]:
            await one.seat()
            idle = one.rooms.enter("idle")
            append = redis_relay.append

            async def append_late(*arguments, **options):
                one.relay.unlink(idle)
                return await append(*arguments, **options)

            monkeypatch.setattr(redis_relay, "append", append_late)
            await one.seat()
            await one.relay.close()

    asyncio.run(check())


def test_what_is_sent_at_the_end_stays_behind_what_was_sent_before(redis_server, monkeypatch):  # noqa: F811
    async def check():
        async with servers(redis_server) as (one, other):
            seat = await one.seat()
            served = await other.room()
            await until(lambda: served.room.n_speakers)
            append, goes_on, began = redis_relay.append, asyncio.Event(), asyncio.Event()

            async def append_late(*arguments, **options):
                if not began.is_set():
                    began.set()
                    await goes_on.wait()
                return await append(*arguments, **options)

            monkeypatch.setattr(redis_relay, "append", append_late)
            seat.update(turn("First.", 0), time.time())
            await began.wait()
            seat.update(turn("Second.", 1), time.time())
            closing = asyncio.create_task(one.relay.close())
            await asyncio.sleep(0)
            goes_on.set()
            await closing
            await until(lambda: len(served.room.lines) == 2)

    asyncio.run(check())


def test_a_room_stays_while_somebody_waits_for_it(redis_server):  # noqa: F811
    async def check():
        async with servers(redis_server) as (one, other):
            await one.seat()
            ready = other.relay.ready

            async def ready_late(served):
                other.rooms.tick(1.0)
                await ready(served)

            await until(lambda: redis_server.client.hexists(RoomKeys.of("vivavoce:", "hall").state, "id"))
            other.relay.ready = ready_late
            assert await other.rooms.look_up("hall") is not None

    asyncio.run(check())


def test_names_that_somebody_guesses_make_no_rooms(redis_server):  # noqa: F811
    async def check():
        async with servers(redis_server, 1) as [one]:
            for each in range(1_001):
                assert await one.rooms.look_up(f"guess-{each}") is None
            await one.seat()  # there is a place for it

    asyncio.run(check())
