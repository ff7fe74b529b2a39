"""Compressed streams, encoded here and decoded as they come."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.encoders import container, opus_packets
from vivavoce.asr.audio import ENGINE_RATE_HZ, Intake
from vivavoce.asr.audio.ogg import OggPackets
from vivavoce.errors import ProtocolViolation
from vivavoce.types import Codec, Failure

RATE = 48_000
# A tone that begins after 0.3 s: where it begins in what comes out says whether times are right.
TONE = np.where(np.arange(RATE) < 0.3 * RATE, 0, 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE))
TONE_16K = TONE[::3]
STREAMS = {
    Codec.OGG_OPUS: container(TONE, "libopus", "ogg", rate=RATE),
    Codec.AAC: container(TONE_16K, "aac", "adts", rate=16_000),
}


def hear(codec, pieces, sample_rate=16_000):
    intake = Intake(sample_rate, codec)
    out = [intake.feed(intake.decode(piece)) for piece in pieces]
    assert sum(map(len, out)) >= intake.settled_samples
    return np.concatenate([*out, intake.finish()]), intake


def onset_s(samples):
    return np.flatnonzero(np.abs(samples) > 0.2)[0] / ENGINE_RATE_HZ


def test_one_opus_packet_a_message():
    samples, intake = hear(Codec.OPUS, opus_packets(TONE))
    assert intake.received_ms == pytest.approx(1_000)
    assert onset_s(samples) == pytest.approx(0.3, abs=0.02)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)


def test_two_channels_are_heard_as_one():
    samples, _ = hear(Codec.OPUS, opus_packets(TONE, layout="stereo"))
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)
    stream = container(TONE_16K, "aac", "adts", rate=16_000, layout="stereo")
    samples, _ = hear(Codec.AAC, [stream])
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("codec", STREAMS)
def test_times_are_those_of_the_sound(codec):
    samples, intake = hear(codec, [STREAMS[codec]])
    # The ADTS form of AAC does not say how much its encoder put in front: 64 ms here.
    lead_s = 0.064 if codec is Codec.AAC else 0.0
    assert onset_s(samples) == pytest.approx(0.3 + lead_s, abs=0.02)
    assert intake.received_ms == pytest.approx(1_000, abs=200)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(list(STREAMS)), st.lists(st.integers(1, 3_000), min_size=1, max_size=8))
def test_any_cutting_gives_the_same_samples(codec, cuts):
    data, pieces, at = STREAMS[codec], [], 0
    while at < len(data):
        n = cuts[len(pieces) % len(cuts)]
        pieces.append(data[at : at + n])
        at += n
    assert np.array_equal(hear(codec, pieces)[0], hear(codec, [data])[0])


def test_the_rate_of_the_stream_counts_not_the_one_that_was_named():
    stream = container(TONE, "aac", "adts", rate=RATE)
    samples, intake = hear(Codec.AAC, [stream[:500], stream[500:]], sample_rate=8_000)
    assert intake.received_ms == pytest.approx(1_000, abs=100)
    assert onset_s(samples) == pytest.approx(0.3, abs=0.1)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(list(Codec)), st.lists(st.binary(max_size=300), max_size=10))
def test_any_bytes_are_audio_or_a_violation(codec, pieces):
    try:
        hear(codec, pieces)
    except ProtocolViolation as violation:
        assert violation.failure is Failure.AUDIO_UNREADABLE  # noqa: PT017
        assert violation.detail.startswith(f"Failed to decode {codec.value}")  # noqa: PT017


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(list(STREAMS)), st.integers(0, 20_000), st.binary(min_size=1, max_size=200))
def test_a_damaged_stream_is_audio_or_a_violation(codec, at, damage):
    data = STREAMS[codec]
    at %= len(data)
    try:
        hear(codec, [data[:at] + damage + data[at + len(damage) :]])
    except ProtocolViolation as violation:
        assert violation.failure is Failure.AUDIO_UNREADABLE  # noqa: PT017


def test_what_never_becomes_sound_is_refused():
    with pytest.raises(ProtocolViolation, match="no audio in"):
        hear(Codec.AAC, [b"no audio" * 1_000] * 10)


@pytest.mark.parametrize("head", [b"OpusHead", b"OpusHead" + bytes([1, 6]) + bytes(9)])
def test_a_head_that_is_none_is_refused(head):
    page = b"OggS\0\2" + bytes(20) + bytes([1, len(head)]) + head
    with pytest.raises(ProtocolViolation, match="OpusHead"):
        hear(Codec.OGG_OPUS, [page])


def test_packets_go_on_over_pages():
    def page(flags, sizes, body):
        return b"OggS\0" + bytes([flags]) + bytes(20) + bytes([len(sizes), *sizes]) + body

    first = page(2, [3, 255], b"abc" + b"x" * 255)
    second = page(1, [255, 1, 0], b"y" * 255 + b"z")
    assert OggPackets().feed(first + second) == [b"abc", b"x" * 255 + b"y" * 255 + b"z", b""]
    assert OggPackets().feed(second) == [b""]  # the beginning of its first packet was never there
    with pytest.raises(ProtocolViolation, match="endless"):
        OggPackets().feed(b"".join(page(1, [255] * 255, bytes(255 * 255)) for _ in range(20)))


def test_without_pyav_the_client_is_told_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        ProtocolViolation, match=r'encoding opus needs PyAV.*pip install "vivavoce\[audio\]"'
    ) as it:
        Intake(16_000, Codec.OPUS)
    assert it.value.failure is Failure.BAD_ENCODING
