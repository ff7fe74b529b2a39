"""Rooms by name: who may speak in one, and how long it lives."""

from __future__ import annotations

import uuid

import pytest

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.events import RoomRequest, TurnUpdated
from vivavoce.server.rooms.guessing import GuessLimit
from vivavoce.server.rooms.registry import Rooms, RoomsFull
from vivavoce.types import Failure, Word

BEGAN = 1_000.0
FINAL = TurnUpdated(0, 0, 100, (Word("Hello.", 0, 100, 1.0, is_final=True),), ended=True)


def join(rooms, request):
    rooms.check(request)
    seat = rooms.seat(request, uuid.uuid4().hex)
    seat.join(BEGAN)
    return seat


def test_a_room_exists_for_readers_once_a_session_speaks_in_it():
    rooms = Rooms()
    assert rooms.find("hall") is None
    waiting = rooms.enter("hall")
    assert rooms.find("hall") is None
    join(rooms, RoomRequest("hall"))
    assert rooms.find("hall") is waiting


@pytest.mark.parametrize("first", [None, "secret-one"])
@pytest.mark.parametrize("second", [None, "secret-one", "secret-two"])
def test_a_second_session_needs_the_key_of_the_first(first, second):
    rooms = Rooms()
    join(rooms, RoomRequest("hall", first))
    if first == second:
        join(rooms, RoomRequest("hall", second))
    else:
        with pytest.raises(ProtocolViolation, match="room_key") as caught:
            rooms.check(RoomRequest("hall", second))
        assert caught.value.failure is Failure.UNAUTHORIZED


def test_corrections_need_the_key_and_a_room_without_one_takes_none():
    rooms = Rooms()
    join(rooms, RoomRequest("hall", "secret-one"))
    join(rooms, RoomRequest("open"))
    assert rooms.check_key(rooms.find("hall"), "secret-one")
    for key in (None, "", "secret-two"):
        assert not rooms.check_key(rooms.find("hall"), key)
        assert not rooms.check_key(rooms.find("open"), key)


def test_a_key_is_not_kept():
    rooms = Rooms()
    join(rooms, RoomRequest("hall", "secret-one"))
    assert b"secret-one" not in rooms.find("hall").room.key_digest
    assert "secret-one" not in repr(RoomRequest("hall", "secret-one"))


def test_readers_are_woken_by_news_and_counted():
    rooms = Rooms(max_readers=1)
    seat = join(rooms, RoomRequest("hall"))
    with rooms.enter("hall").reading() as news:
        seat.update(FINAL, BEGAN)
        assert news.is_set()
        assert rooms.n_readers == 1
        with pytest.raises(RoomsFull):
            rooms.enter("hall")
    assert rooms.n_readers == 0


def test_a_room_is_forgotten_when_its_last_speaker_left_long_ago():
    rooms = Rooms(keep_s=100)
    seat = join(rooms, RoomRequest("hall"))
    rooms.tick(10_000)
    seat.leave(10_000, ended=True)
    rooms.tick(10_100)
    served = rooms.find("hall")
    assert served is not None
    rooms.tick(10_101)
    assert rooms.find("hall") is None
    assert served.is_closed


def test_a_room_that_nobody_opened_lives_as_long_as_it_is_read():
    rooms = Rooms()
    served = rooms.enter("nowhere")
    with served.reading():
        rooms.tick(1e9)
        assert not served.is_closed
    rooms.tick(1e9)
    assert served.is_closed


def test_there_are_limits_to_rooms():
    rooms = Rooms()
    for number in range(1_000):
        rooms.enter(f"room-{number}")
    with pytest.raises(RoomsFull):
        rooms.enter("one-more")
    with pytest.raises(ProtocolViolation, match="too many rooms"):
        rooms.check(RoomRequest("one-more"))


# --- guessing ---------------------------------------------------------------------------------


def test_one_address_may_ask_for_few_unknown_rooms():
    limit = GuessLimit(names=3, period_s=60)
    assert [limit.retry_after_s("192.0.2.1", name, 0.0) for name in "abcabc"] == [None] * 6
    assert limit.retry_after_s("192.0.2.1", "d", 10.0) == 50
    assert limit.retry_after_s("192.0.2.1", "a", 10.0) is None
    assert limit.retry_after_s("192.0.2.2", "d", 10.0) is None
    assert limit.retry_after_s("192.0.2.1", "d", 60.0) is None


def test_addresses_of_one_ipv6_network_count_as_one():
    limit = GuessLimit(names=1)
    assert limit.retry_after_s("2001:db8::1", "a", 0.0) is None
    assert limit.retry_after_s("2001:db8::2", "b", 0.0) is not None
    assert limit.retry_after_s("2001:db8:0:1::1", "b", 0.0) is None
    assert limit.retry_after_s("fe80::1%eth0", "b", 0.0) is None


def test_addresses_do_not_pile_up():
    limit = GuessLimit(names=1)
    for number in range(10_050):
        limit.retry_after_s(f"10.0.{number // 256}.{number % 256}", "a", 0.0)
    assert len(limit._asked) == 10_000
