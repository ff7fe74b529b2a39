"""Samples that a WAV header does not state, as recorders that were switched off leave them."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wav_files import shorts, wav
from vivavoce.recordings.stated_lengths import UNDERSTATED
from vivavoce.recordings.wav import read_wav_header
from vivavoce.recordings.wav_samples import SampleReader

TALK = (np.random.default_rng(1).normal(0, 2_000, 48_000)).astype("<i2").tobytes()  # 3 s
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT\x0e\0\0\0Lavf62.12.102\0"
STATED = {"10 ms": 320, "1 s": 32_000, "1 s and a byte": 32_001, "almost all": len(TALK) - 4_000}


def read(data, *, step=5_000):
    """The samples, and what was said about them."""
    stream, warnings = io.BytesIO(data), []
    stream.read(4)
    header = read_wav_header(stream.read)
    read = SampleReader(lambda size: stream.read(min(size, step)), header, warnings.append)
    return b"".join(iter(lambda: read(4_096), b"")), warnings


@pytest.mark.parametrize("stated", STATED.values(), ids=STATED)
@pytest.mark.parametrize("step", [100, 1 << 20])
def test_all_samples_are_read_with_a_note(stated, step):
    samples, (warning,) = read(wav(TALK, length=stated), step=step)
    assert samples == TALK
    assert warning == UNDERSTATED


@pytest.mark.parametrize("stated", [0, 0x7FFFFFFF, 0xFFFFFFFF, len(TALK), len(TALK) + 1_000_000])
def test_a_header_that_states_enough_is_no_reason_for_a_note(stated):
    assert read(wav(TALK, length=stated)) == (TALK, [])


@pytest.mark.parametrize(
    "after",
    [
        LIST,
        b"id3 " + struct.pack("<I", 2_000_000) + bytes(2_000_000),
        b"xyz " + struct.pack("<I", 5) + b"12345",
        b"xyz " + struct.pack("<I", 5) + b"12345\0",
        b"TAG" + b"title".ljust(125),
        LIST + b"cue " + struct.pack("<I", 4) + bytes(4),
        b"\1\2\3",
    ],
    ids=["LIST", "picture", "unknown", "unknown, padded", "ID3v1", "two", "three bytes"],
)
def test_what_is_no_audio_ends_it(after):
    assert read(wav(TALK, after=after)) == (TALK, [])


def test_a_chunk_after_an_odd_number_of_bytes():
    data = bytes(range(256)) * 40 + b"\1"
    assert read(wav(data, bits=8, after=b"\0" + LIST)) == (data, [])
    assert read(wav(data, bits=8, after=LIST)) == (data, [])


def test_zeros_that_were_reserved_are_silence():
    assert read(wav(TALK, after=bytes(8_192))) == (TALK + bytes(8_192), [])


def test_further_samples_in_a_further_chunk():
    more = b"data" + struct.pack("<I", len(TALK)) + TALK
    assert read(wav(TALK, after=more + LIST)) == (TALK * 2, [])


def test_files_that_were_joined_are_one_recording():
    again = wav(TALK, before=LIST)
    assert read(wav(TALK, after=again + again)) == (TALK * 3, [])
    assert read(wav(TALK, after=LIST + again)) == (TALK, [])  # FFmpeg ends here too
    samples, (warning,) = read(wav(TALK, after=wav(TALK, rate=8_000)))
    assert samples == TALK
    assert warning == "a further WAV file follows whose samples have another format; it is left out"


@given(st.binary(max_size=2_000), st.integers(0, 2_500), st.integers(1, 300))
def test_the_stated_samples_are_never_lost(data, stated, step):
    samples, warnings = read(wav(shorts(0) + data, length=stated), step=step)
    assert samples == (shorts(0) + data)[: len(samples)]
    assert len(samples) >= min(stated, len(data) + 2)
    assert len(warnings) <= 1
