"""Every sample format becomes 16-bit samples."""

import struct

import pytest

from support.wav_files import shorts
from vivavoce.recordings.pcm import FLOAT, MULAW, PCM, peak, to_s16le


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
    assert to_s16le(data, tag=tag, bits=bits) == shorts(*expected)


def test_the_loudest_sample():
    assert peak(b"") == 0
    assert peak(b"\0\0\0\x80\x10\0") == 1
    assert peak(b"\0\x40\0\xe0") == 0.5
