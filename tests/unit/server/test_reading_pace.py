"""How fast a client's audio is read, in virtual time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.reading_pace import FastSenders, ReadingPace


def time_for(pace, chunks, speed):
    """When a client that sends at some times real time has sent all, and what it waited in all."""
    now = received = waited = 0.0
    for chunk_s in chunks:
        now += chunk_s / speed
        received += chunk_s
        wait_s = pace.wait_s(received, now)
        now, waited = now + wait_s, waited + wait_s
    return now, waited


@pytest.mark.parametrize("is_slow", [False, True])
def test_a_client_in_time_never_waits(is_slow):
    assert time_for(ReadingPace(is_slow=is_slow), [0.05] * 20_000, 1)[1] == 0


def test_what_a_reconnecting_client_sends_again_is_read_at_once():
    assert time_for(ReadingPace(), [0.05] * 399, 1e6)[1] == 0


def test_beyond_that_audio_is_read_at_ten_times_real_time():
    now, _ = time_for(ReadingPace(), [0.05] * 1_200, 100)
    assert now == pytest.approx(4.0, abs=0.1)  # the 40 s above the 20 s that are free


def test_a_client_that_was_refused_lately_is_read_at_twice_real_time():
    now, _ = time_for(ReadingPace(is_slow=True), [0.05] * 1_200, 100)
    assert now == pytest.approx(29.0, abs=0.1)


@given(
    st.lists(st.tuples(st.floats(0, 2), st.floats(-0.5, 30)), max_size=60),
    st.booleans(),
)
def test_no_more_than_the_pace_allows_is_read_whatever_the_chunks(steps, is_slow):
    pace = ReadingPace(is_slow=is_slow)
    free_s, speed = (2.0, 2.0) if is_slow else (20.0, 10.0)
    now = received = 0.0
    read = [(0.0, 0.0)]  # when, and how much by then
    for chunk_s, pause_s in steps:
        received += chunk_s
        wait_s = pace.wait_s(received, now)
        assert 0 <= wait_s <= received / speed
        now += wait_s
        for then, before in read:
            assert received - before <= free_s + speed * (now - then) + 2.0 + 1e-6  # and a chunk
        read.append((now, received))
        now += max(0.0, pause_s)


def test_a_client_is_a_fast_sender_once_it_was_refused_three_times_in_a_minute():
    senders = FastSenders()
    for now in (0.0, 10.0, 20.0):
        assert not senders.has("a", now)
        senders.note("a", now)
    assert senders.has("a", 60.0)
    assert not senders.has("a", 60.1)
    senders.note("a", 61.0)
    assert senders.has("a", 61.0)
    assert not senders.has("b", 61.0)


def test_no_more_than_ten_thousand_are_remembered():
    senders = FastSenders()
    for number in range(10_001):
        for _ in range(3):
            senders.note(str(number), 0.0)
    assert [senders.has(name, 0.0) for name in ("0", "1", "10000")] == [False, True, True]
