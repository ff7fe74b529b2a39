"""The parts of the study of hostile clients that read and write frames."""

import random

import pytest
from benchmarks.raw_websocket import close_code, frame, random_message
from websockets.frames import Close, Frame, Opcode

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


@pytest.mark.parametrize("size", [0, 5, 200, 70_000])
def test_the_code_is_that_of_the_close_frame_after_any_messages(size):
    text = Frame(Opcode.TEXT, b"\x88\x02\x03\xe8".ljust(size, b"x")[:size]).serialize(mask=False)
    close = Frame(Opcode.CLOSE, Close(3006, "why").serialize()).serialize(mask=False)
    data = HEAD + text + text + close
    assert close_code(data) == 3006
    assert all(close_code(data[:end]) is None for end in range(0, len(data) - len(close) + 1, 97))
    assert close_code(HEAD + text) is None


def test_control_frames_may_be_broken_on_purpose():
    assert frame(Opcode.PING, b"a", fin=False)[0] == Opcode.PING
    assert frame(Opcode.TEXT, b"a")[0] == 0x80 | Opcode.TEXT


def test_the_same_seed_gives_the_same_messages():
    runs = [
        [random_message(dice) for _ in range(50) if dice] for dice in (random.Random(3), random.Random(3))
    ]
    assert [len(message) for message in runs[0]] == [len(message) for message in runs[1]]
