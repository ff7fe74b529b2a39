"""A recording is sent no faster than it may be sent."""

import pytest

from vivavoce.recordings.pacing import Pacer, paced

CHUNK = bytes(3200)  # 100 ms


def test_a_chunk_is_yielded_when_a_microphone_would_deliver_it():
    now, begun, given = [100.0], [], []

    def wait(seconds):
        now[0] += seconds
        return False

    for _ in paced([CHUNK] * 3, 32_000, clock=lambda: now[0], wait=wait, on_begin=begun.append):
        given.append(round(now[0], 6))
        now[0] += 0.03  # sending takes time; the pace makes up for it
    assert begun == [100.0]
    assert given == [100.1, 100.2, 100.3]


def test_a_late_sender_does_not_wait():
    clock = iter([0.0, 5.0, 5.0])
    chunks = paced([CHUNK] * 2, 32_000, clock=lambda: next(clock), wait=lambda _: pytest.fail("waited"))
    assert len(list(chunks)) == 2


def test_the_iteration_ends_when_the_wait_says_so():
    assert list(paced([CHUNK] * 9, 32_000, clock=lambda: 0.0, wait=lambda _: True)) == []


def test_the_lead_and_the_speed_bring_a_chunk_forward():
    assert Pacer(100.0, lead_s=20.0).wait_s(30.0, 100.0) == pytest.approx(10.0)
    faster = Pacer(100.0, speed=4.0)
    assert [faster.wait_s(1.0, 100.0) for _ in range(2)] == pytest.approx([0.25, 0.5])
    assert faster.wait_s(1.0, 101.0) == pytest.approx(-0.25)
