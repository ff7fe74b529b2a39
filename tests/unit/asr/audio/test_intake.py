import io
import struct

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.asr.audio import Intake, SampleBuffer, decode_samples
from vivavoce.asr.audio.intake import _lag_samples
from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.query import SAMPLE_RATES_HZ
from vivavoce.types import MODEL_RATE_HZ, Encoding


def test_pcm_is_little_endian_full_scale():
    data = struct.pack("<4h", 0, 16384, -32768, 32767)
    assert decode_samples(data, Encoding.PCM_S16LE).tolist() == [0.0, 0.5, -1.0, 32767 / 32768]


def test_mulaw_agrees_with_ffmpeg_on_all_codes():
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 292, b"WAVE", b"fmt ", 16, 7, 1, 8000, 8000, 1, 8, b"data", 256
    )
    with av.open(io.BytesIO(head + bytes(range(256)))) as container:
        ours = decode_samples(bytes(range(256)), Encoding.PCM_MULAW)
        theirs = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert np.array_equal(ours, theirs.astype(np.float32) / 32768)


@settings(deadline=None, max_examples=25)
@given(
    rate=st.sampled_from([8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 83_732, 88_200, 96_000])
    | st.integers(SAMPLE_RATES_HZ.start, SAMPLE_RATES_HZ.stop - 1),
    cuts=st.lists(st.integers(1, 4_000) | st.integers(1, 30_000), min_size=1, max_size=12),
    seed=st.integers(0, 5),
)
def test_any_chunks_give_the_same_samples(rate, cuts, seed):
    signal = np.random.default_rng(seed).integers(-9_000, 9_000, rate // 4).astype("<i2")
    whole = Intake(rate, Encoding.PCM_S16LE)
    expected = np.concatenate([whole.feed(whole.decode(signal.tobytes())), whole.finish()])

    intake = Intake(rate, Encoding.PCM_S16LE)
    pieces, at, turn = [], 0, 0
    while at < len(signal):
        n = cuts[turn % len(cuts)]
        pieces.append(intake.feed(intake.decode(signal[at : at + n].tobytes())))
        at, turn = at + n, turn + 1
        assert sum(map(len, pieces)) >= intake.guaranteed_samples
    pieces.append(intake.finish())
    assert np.array_equal(np.concatenate(pieces), expected)
    assert abs(len(expected) - len(signal) * MODEL_RATE_HZ / rate) < 2


@pytest.mark.parametrize(
    "rate", [8_000, 9_600, 12_000, 22_050, 24_000, 30_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000]
)
def test_guaranteed_samples_have_come_out_and_are_few_less_than_received(rate):
    intake = Intake(rate, Encoding.PCM_S16LE)
    out = 0
    for _ in range(200):
        out += len(intake.feed(np.zeros(rate // 100, np.float32)))
        assert out >= intake.guaranteed_samples
    assert intake.received_ms == pytest.approx(2_000, abs=20)
    assert intake.guaranteed_samples >= 2 * MODEL_RATE_HZ * (rate // 100 * 100 / rate) - 1_040


@settings(deadline=None, max_examples=25)
@given(
    rate=st.integers(SAMPLE_RATES_HZ.start, SAMPLE_RATES_HZ.stop - 1) | st.sampled_from([83_732, 88_200]),
    chunks_ms=st.lists(st.integers(1, 2_000), min_size=1, max_size=8),
)
def test_the_guarantee_depends_on_rate_and_duration_alone(rate, chunks_ms):
    lag = _lag_samples(rate) if rate != MODEL_RATE_HZ else 0
    intake, received = Intake(rate, Encoding.PCM_S16LE), 0
    for ms in chunks_ms * 2:
        n = rate * ms // 1_000
        received += n
        intake.feed(np.zeros(n, np.float32))
        is_held = received < round(rate / 62.5)  # until it is known whether the stream has an offset
        expected = 0 if is_held else max(0, received * MODEL_RATE_HZ // rate - lag)
        assert intake.guaranteed_samples == expected


def test_durations_follow_rate_and_encoding():
    for rate, encoding, n_bytes in [(8_000, Encoding.PCM_MULAW, 800), (16_000, Encoding.PCM_S16LE, 3_200)]:
        intake = Intake(rate, encoding)
        assert intake.duration_ms(len(intake.decode(bytes(n_bytes)))) == 100


def test_half_a_sample_is_refused():
    with pytest.raises(ProtocolViolation, match="3 bytes are not a whole number of samples"):
        Intake(16_000, Encoding.PCM_S16LE).decode(bytes(3))


@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 60_000)), max_size=20))
def test_the_buffer_is_the_tail_of_all_samples(steps):
    buffer, everything = SampleBuffer(), np.zeros(0, np.float32)
    for n, drop in steps:
        samples = np.arange(len(everything), len(everything) + n, dtype=np.float32)
        everything = np.concatenate([everything, samples])
        buffer.append(samples)
        buffer.drop_before(drop)
        assert buffer.end == len(everything)
        assert buffer.start <= buffer.end
        assert np.array_equal(buffer.copy(buffer.start, buffer.end), everything[buffer.start :])


def test_samples_that_were_dropped_or_are_not_there_yet_are_an_index_error():
    buffer = SampleBuffer()
    buffer.append(np.ones(100, np.float32))
    buffer.drop_before(50)
    for start, end in ((49, 60), (60, 101), (70, 60)):
        with pytest.raises(IndexError):
            buffer.copy(start, end)


def test_a_copy_does_not_change_with_later_samples():
    buffer = SampleBuffer()
    buffer.append(np.ones(10, np.float32))
    copied = buffer.copy(0, 10)
    buffer.drop_before(10)
    buffer.append(np.zeros(20_000, np.float32))
    assert copied.tolist() == [1.0] * 10
