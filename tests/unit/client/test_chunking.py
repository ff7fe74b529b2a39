"""Audio of any type becomes bytes, and bytes become messages of legal length."""

import math
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.client.chunking import Chunker, as_bytes, check_source_rate
from vivavoce.errors import ConfigurationError
from vivavoce.types import Encoding

RATE = 16_000


@given(
    pieces=st.lists(st.integers(0, 9_000), max_size=30),
    rate=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]),
    encoding=st.sampled_from(Encoding),
)
def test_any_pieces_become_legal_chunks_of_the_same_bytes(pieces, rate, encoding):
    width = encoding.bytes_per_sample
    chunker = Chunker(rate, width)
    sound = bytes(index * 7 % 251 for index in range(sum(pieces)))
    chunks, start = [], 0
    for length in pieces:
        chunks += chunker.push(sound[start : start + length])
        start += length
    tail = chunker.finish()
    for chunk in chunks:
        assert len(chunk) % width == 0
        assert 100 <= 1000 * len(chunk) / (width * rate) <= 2000
    assert 1000 * len(tail) / (width * rate) < 100
    assert b"".join(chunks) + tail == sound[: len(sound) // width * width]
    assert chunker.finish() == b""


@given(st.integers(3_200, 100_000))
def test_audio_that_is_long_enough_never_waits(length):
    chunker = Chunker(RATE, 2)
    assert sum(map(len, chunker.push(bytes(length)))) == length // 2 * 2


def test_a_long_piece_is_cut_into_short_chunks():
    assert [len(chunk) for chunk in Chunker(RATE, 2).push(bytes(10_000))] == [3200, 3200, 3600]


@pytest.mark.parametrize(
    "data", [b"abcd", bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"a-b-c-d-")[::2]]
)
def test_all_types_of_bytes_are_audio(data):
    assert bytes(as_bytes(data)) == b"abcd"


@pytest.mark.parametrize("data", ["text", 7, None, [1, 2]])
def test_the_error_names_a_type_that_is_not_audio(data):
    with pytest.raises(TypeError, match=type(data).__name__):
        as_bytes(data)


def test_arrays_are_samples():
    floats = np.array([[0.5], [-1.0], [2.0], [np.nan]], np.float32)
    assert np.frombuffer(as_bytes(floats), "<i2").tolist() == [16_384, -32_767, 32_767, 0]
    assert np.frombuffer(as_bytes(floats.astype(float)), "<i2").tolist() == [16_384, -32_767, 32_767, 0]
    whole = np.arange(6, dtype=np.int16)
    assert np.frombuffer(as_bytes(whole[::2]), "<i2").tolist() == [0, 2, 4]
    assert bytes(as_bytes(np.array([], np.float32))) == b""
    with pytest.raises(TypeError, match=r"one channel.*\(3, 2\)"):
        as_bytes(whole.reshape(3, 2))
    with pytest.raises(TypeError, match="int16 or float32"):
        as_bytes(whole.astype(np.int64))
    with pytest.raises(TypeError, match="must be bytes"):
        as_bytes(whole, is_pcm=False)


def test_the_shortest_chunk_depends_on_the_protocol():
    assert [len(chunk) for chunk in Chunker(RATE, 2, 50).push(bytes(5_000))] == [1_600, 1_600, 1_800]


@pytest.mark.parametrize("kind", [np.float32, np.float64, lambda values: array("f", values)])
@pytest.mark.parametrize("values", [[0, 1200.5, -32_768], [0.0, 3.0, -2.0], [20.0], [-9.5, math.nan]])
def test_floats_with_the_values_of_16_bit_samples_are_refused(kind, values):
    with pytest.raises(ConfigurationError, match=r"must be in -1\.\.1, got values in .*divide them by 32768"):
        as_bytes(kind(values))


@pytest.mark.parametrize("values", [[1.5, -1.2], [1.0, -1.0, 0.0], [math.inf, -0.5], [7.9]])
def test_floats_that_exceed_full_scale_a_little_are_clipped(values):
    samples = np.frombuffer(as_bytes(np.array(values, np.float32)), "<i2")
    assert abs(samples[0]) == 32_767


class Source(list):
    """Pieces of audio with a rate, as a microphone has."""

    sample_rate = 44_100


def test_a_source_of_another_rate_is_refused():
    with pytest.raises(
        ConfigurationError, match=r"source has 44100 Hz and the session 16000 Hz; open Source"
    ):
        check_source_rate(Source(), 16_000)
    for source, rate in [(Source(), 44_100), (Source(), None), ([], 16_000), (b"", 16_000)]:
        check_source_rate(source, rate)
