"""Compressed streams, encoded here and decoded chunk by chunk."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.encoders import container, opus_packets
from vivavoce.asr.audio import Intake
from vivavoce.asr.audio.ogg import OggPackets
from vivavoce.errors import ProtocolViolation
from vivavoce.types import MODEL_RATE_HZ, Codec, Failure

RATE = 48_000
# A tone that begins after 0.3 s: its start in the decoded audio shows whether times are right.
TONE = np.where(np.arange(RATE) < 0.3 * RATE, 0, 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE))
TONE_16K = TONE[::3]
STREAMS = {
    Codec.OGG_OPUS: container(TONE, "libopus", "ogg", rate=RATE),
    Codec.AAC: container(TONE_16K, "aac", "adts", rate=16_000),
}


def decode(codec, pieces, sample_rate=16_000):
    intake = Intake(sample_rate, codec)
    out = [intake.feed(intake.decode(piece)) for piece in pieces]
    assert sum(map(len, out)) >= intake.guaranteed_samples
    return np.concatenate([*out, intake.finish()]), intake


def onset_s(samples):
    return np.flatnonzero(np.abs(samples) > 0.2)[0] / MODEL_RATE_HZ


def test_one_opus_packet_a_message():
    samples, intake = decode(Codec.OPUS, opus_packets(TONE))
    assert intake.received_ms == pytest.approx(1_000)
    assert onset_s(samples) == pytest.approx(0.3, abs=0.02)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)


def test_two_channels_are_mixed():
    samples, _ = decode(Codec.OPUS, opus_packets(TONE, layout="stereo"))
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)
    stream = container(TONE_16K, "aac", "adts", rate=16_000, layout="stereo")
    samples, _ = decode(Codec.AAC, [stream])
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("codec", STREAMS)
def test_times_are_those_of_the_audio(codec):
    samples, intake = decode(codec, [STREAMS[codec]])
    # AAC in ADTS frames does not say how much silence its encoder put first: 64 ms here.
    lead_s = 0.064 if codec is Codec.AAC else 0.0
    assert onset_s(samples) == pytest.approx(0.3 + lead_s, abs=0.02)
    assert intake.received_ms == pytest.approx(1_000, abs=200)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(list(STREAMS)), st.lists(st.integers(1, 3_000), min_size=1, max_size=8))
def test_any_chunks_give_the_same_samples(codec, cuts):
    data, pieces, at = STREAMS[codec], [], 0
    while at < len(data):
        n = cuts[len(pieces) % len(cuts)]
        pieces.append(data[at : at + n])
        at += n
    assert np.array_equal(decode(codec, pieces)[0], decode(codec, [data])[0])


def test_the_rate_in_the_stream_replaces_the_one_of_the_request():
    stream = container(TONE, "aac", "adts", rate=RATE)
    samples, intake = decode(Codec.AAC, [stream[:500], stream[500:]], sample_rate=8_000)
    assert intake.received_ms == pytest.approx(1_000, abs=100)
    assert onset_s(samples) == pytest.approx(0.3, abs=0.1)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(list(Codec)), st.lists(st.binary(max_size=300), max_size=10))
def test_any_bytes_are_audio_or_a_violation(codec, pieces):
    try:
        decode(codec, pieces)
    except ProtocolViolation as violation:
        assert violation.failure is Failure.AUDIO_UNREADABLE  # noqa: PT017
        assert violation.detail.startswith(f"Failed to decode {codec.value}")  # noqa: PT017


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(list(STREAMS)), st.integers(0, 20_000), st.binary(min_size=1, max_size=200))
def test_a_damaged_stream_is_audio_or_a_violation(codec, at, damage):
    data = STREAMS[codec]
    at %= len(data)
    try:
        decode(codec, [data[:at] + damage + data[at + len(damage) :]])
    except ProtocolViolation as violation:
        assert violation.failure is Failure.AUDIO_UNREADABLE  # noqa: PT017


# Streams whose frames PyAV would read beyond their end: a healthy one, and one that ended a process.
MANY_CHANNELS = {
    "healthy": (container(TONE, "aac", "adts", rate=RATE, layout="7.1"), 8),
    "damaged": (Path(__file__).with_name("damaged_33_channels.aac").read_bytes(), 33),
}


@pytest.mark.parametrize("name", MANY_CHANNELS)
def test_frames_of_many_channels_are_refused_and_end_no_process(name):
    stream, n_channels = MANY_CHANNELS[name]
    program = """
import sys
from vivavoce.asr.audio import Intake
from vivavoce.errors import ProtocolViolation
from vivavoce.types import Codec
try:
    Intake(16_000, Codec.AAC).decode(sys.stdin.buffer.read())
except ProtocolViolation as violation:
    print(violation.detail)
"""
    done = subprocess.run([sys.executable, "-c", program], input=stream, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == f"Failed to decode aac: {n_channels} channels; send at most 7\n"


@pytest.mark.parametrize("layout", ["5.1", "6.1"])
def test_up_to_seven_channels_are_mixed(layout):
    samples, _ = decode(Codec.AAC, [container(TONE, "aac", "adts", rate=RATE, layout=layout)])
    peak = np.abs(samples).max()
    assert peak == pytest.approx(0.5, abs=0.2)


def test_a_stream_that_never_has_audio_is_refused():
    with pytest.raises(ProtocolViolation, match="no audio in"):
        decode(Codec.AAC, [b"no audio" * 1_000] * 10)


@pytest.mark.parametrize("head", [b"OpusHead", b"OpusHead" + bytes([1, 6]) + bytes(9)])
def test_an_invalid_header_is_refused(head):
    page = b"OggS\0\2" + bytes(20) + bytes([1, len(head)]) + head
    with pytest.raises(ProtocolViolation, match="OpusHead"):
        decode(Codec.OGG_OPUS, [page])


def test_packets_continue_over_pages():
    def page(flags, sizes, body):
        return b"OggS\0" + bytes([flags]) + bytes(20) + bytes([len(sizes), *sizes]) + body

    first = page(2, [3, 255], b"abc" + b"x" * 255)
    second = page(1, [255, 1, 0], b"y" * 255 + b"z")
    assert OggPackets().feed(first + second) == [b"abc", b"x" * 255 + b"y" * 255 + b"z", b""]
    assert OggPackets().feed(second) == [b""]  # the first part of its first packet is missing
    with pytest.raises(ProtocolViolation, match="at most 1048576 bytes"):
        OggPackets().feed(b"".join(page(1, [255] * 255, bytes(255 * 255)) for _ in range(20)))


def test_without_pyav_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        ProtocolViolation, match=r'encoding opus needs PyAV.*pip install "vivavoce\[audio\]"'
    ) as it:
        Intake(16_000, Codec.OPUS)
    assert it.value.failure is Failure.BAD_ENCODING
