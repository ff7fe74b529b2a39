"""Headers of WAV streams, damaged ones included."""

import contextlib
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.wav_files import shorts, wav
from vivavoce.errors import AudioError
from vivavoce.recordings.pcm import PCM
from vivavoce.recordings.wav import read_wav_header


def header_of(data):
    stream = io.BytesIO(data)
    assert stream.read(4) == b"RIFF"
    return read_wav_header(stream.read)


def test_other_chunks_are_skipped_odd_ones_too():
    found = header_of(wav(shorts(1, 2), before=b"LIST" + struct.pack("<I", 3) + b"abc\0"))
    assert (found.sample_rate, found.channels, found.bits, found.length_bytes) == (16_000, 1, 16, 4)


def test_a_chunk_of_megabytes_is_skipped():
    cover = bytes(3 << 20)
    found = header_of(wav(shorts(1), before=b"id3 " + struct.pack("<I", len(cover)) + cover))
    assert found.length_bytes == 2


@pytest.mark.parametrize("length", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_was_never_filled_in_means_until_the_end(length):
    assert header_of(wav(shorts(1), length=length)).length_bytes is None


def test_an_extensible_header_has_its_format_in_the_guid():
    extra = struct.pack("<HHI", 22, 16, 4) + struct.pack("<H", PCM) + bytes(14)
    assert header_of(wav(shorts(1), tag=0xFFFE, fmt_extra=extra)).tag == PCM


@given(st.binary(max_size=80))
def test_a_damaged_header_is_an_audio_error(data):
    stream = io.BytesIO(data)
    with contextlib.suppress(AudioError):
        read_wav_header(stream.read)


@given(st.integers(0, 43))
def test_a_header_cut_anywhere_is_an_audio_error(cut):
    with pytest.raises(AudioError):
        header_of(wav(shorts(1))[: max(cut, 4)])
