"""Ogg files that were joined."""

import dataclasses
import io
import random

import pytest

pytest.importorskip("av")

from benchmarks.damaged_files import CONTAINERS, encode

from support.films import beep, loud_seconds
from vivavoce.recordings import from_file
from vivavoce.recordings.byte_source import ByteSource
from vivavoce.recordings.ogg_links import ogg_links

MONO = encode(beep(1.0), CONTAINERS["opus"])
STEREO = encode(beep(2.0), dataclasses.replace(CONTAINERS["opus"], layout="stereo"))


def parts(data):
    """The bytes of each part."""
    found = ogg_links(ByteSource.of_file(io.BytesIO(data), "a"))
    return [b"".join(iter(lambda part=part: part.read(1_000), b"")) for part in found]


def seconds(data):
    with from_file(io.BytesIO(data)) as sound:
        return loud_seconds(b"".join(sound.chunks), sound.sample_rate)


def test_a_file_is_divided_where_its_format_changes():
    assert parts(MONO + STEREO + MONO) == [MONO, STEREO, MONO]
    assert seconds(MONO + STEREO + MONO) == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize(
    "data", [MONO, MONO + MONO, MONO[:-100], encode(beep(), CONTAINERS["mp3"]), b"", b"OggS"]
)
def test_others_stay_whole(data):
    assert parts(data) == [data]


def test_damage_divides_nothing_and_hides_no_part():
    dice = random.Random(5)
    damaged = bytearray(MONO + STEREO)
    damaged[400:700] = dice.randbytes(300)
    assert parts(bytes(damaged)) == [bytes(damaged[: len(MONO)]), STEREO]
    for _ in range(20):
        cut = bytearray(MONO * 2)
        at = dice.randrange(200, len(cut) - 300)
        cut[at : at + 300] = dice.randbytes(300)
        assert parts(bytes(cut)) == [bytes(cut)]


def test_a_part_that_cannot_be_read_is_reported():
    warnings = []
    begin = STEREO[: STEREO.index(b"OpusHead") + 19]
    with from_file(io.BytesIO(MONO + begin), warn=warnings.append) as sound:
        assert loud_seconds(b"".join(sound.chunks)) == pytest.approx(1.0, abs=0.05)
    (warning,) = warnings
    assert "begins like Ogg" in warning
