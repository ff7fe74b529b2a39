"""Every sample format becomes 16-bit mono."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wav_files import shorts
from vivavoce.recordings.pcm import FLOAT, MULAW, PCM, peak, to_mono_s16le


@pytest.mark.parametrize(
    ("data", "tag", "bits", "expected"),
    [
        (shorts(0, 1, -1, 32767, -32768), PCM, 16, [0, 1, -1, 32767, -32768]),
        (bytes([0x80, 0xFF, 0x00]), PCM, 8, [0, 0x7F00, -0x8000]),
        (b"\x99\x01\x00\x99\xff\xff", PCM, 24, [1, -1]),
        (struct.pack("<2i", 1 << 16, -(1 << 16)), PCM, 32, [1, -1]),
        (struct.pack("<4f", 0.0, 1.0, -1.0, 2.5), FLOAT, 32, [0, 32767, -32767, 32767]),
        (struct.pack("<3d", 0.5, float("nan"), float("-inf")), FLOAT, 64, [16383, 0, -32767]),
        (bytes([0xFF, 0x7F, 0x00, 0x80]), MULAW, 8, [0, 0, -32124, 32124]),
    ],
)
def test_every_width_becomes_16_bits(data, tag, bits, expected):
    assert to_mono_s16le(data, tag=tag, bits=bits, channels=1) == shorts(*expected)


@given(st.lists(st.tuples(*[st.integers(-32768, 32767)] * 3), max_size=20))
def test_channels_are_averaged(frames):
    data = shorts(*(value for frame in frames for value in frame))
    assert to_mono_s16le(data, tag=PCM, bits=16, channels=3) == shorts(*(sum(f) // 3 for f in frames))


def test_the_loudest_sample():
    assert peak(b"") == 0
    assert peak(b"\0\0\0\x80\x10\0") == 1
    assert peak(b"\0\x40\0\xe0") == 0.5
