"""Formats are recognised by their first bytes; samples are not taken for one."""

import random

import numpy as np
import pytest

from vivavoce.recordings.formats import PROBE_BYTES, format_name, is_recording, needs_seeking

NAMES = {
    "flac": "FLAC", "mp3": "MP3", "m4a": "MP4", "aac": "AAC", "vorbis": "Ogg", "opus": "Ogg", "wma": "WMA",
    "webm": "WebM or Matroska", "mkv": "WebM or Matroska", "flv": "FLV", "aiff": "AIFF", "au": "AU",
    "ts": "MPEG-TS", "avi": "AVI", "caf": "CAF",
}  # fmt: skip
TONE = (np.sin(np.arange(32_000) * 0.2) * 9_000).astype(np.int16)


@pytest.fixture(scope="module")
def files():
    pytest.importorskip("av")
    from benchmarks.damaged_files import CONTAINERS, encode

    return {name: encode(TONE, container) for name, container in CONTAINERS.items()}


def test_every_container_has_a_name(files):
    assert {name: format_name(files[name][:PROBE_BYTES]) for name in NAMES} == NAMES
    assert all(is_recording(file[:PROBE_BYTES]) for file in files.values())


def test_frames_without_a_header_are_recognised_in_the_middle(files):
    from benchmarks.damaged_files import Container, encode

    forms = {
        "MP3": [Container("", "mp3", "libmp3lame", rate) for rate in (8_000, 16_000, 24_000, 32_000, 44_100)],
        "AC-3": [Container("", "ac3", "ac3", rate) for rate in (32_000, 44_100, 48_000)],
        "AAC": [Container("", "adts", "aac", rate) for rate in (8_000, 48_000)],
    }
    for name, containers in forms.items():
        for container in containers:
            data = encode(TONE, container)
            data = data[data.index(b"Lavc") if b"Lavc" in data else 0 :]
            for start in (0, 1, 100, 777):
                assert format_name(data[start : start + PROBE_BYTES]) == name, (container, start)


@pytest.mark.parametrize("layer", ["mp1", "mp2"])
def test_other_layers_of_mpeg_audio(layer):
    if layer == "mp1":  # 384 samples a frame: 32 kbit/s at 32 kHz
        frame = b"\xff\xff\x18\xc0" + bytes(44)
        assert format_name(frame * 20) == "MP3"
    else:
        pytest.importorskip("av")
        from benchmarks.damaged_files import Container, encode

        data = encode(TONE, Container("", "mp2", "mp2", 22_050, "mono", "s16"))
        assert format_name(data[30 : 30 + PROBE_BYTES]) == "MP3"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\0\0\0\x08wide\0\1\0\0mdat", "MP4"),
        (b"NIST_1A\n   1024\n", "NIST SPHERE"),
        (b"\2#!SILK_V3\x0c", "SILK"),
        (b"#!AMR-WB\n", "AMR"),
        (b"RIFX\0\0\0\0WAVE", "RIFX"),
    ],
)
def test_rarer_formats(data, name):
    assert format_name(data) == name


def test_samples_have_no_name():
    dice = random.Random(4)
    for _ in range(100):
        assert format_name(dice.randbytes(PROBE_BYTES)) is None
    for value in range(256):
        assert format_name(bytes([value]) * PROBE_BYTES) is None
    steps = np.random.default_rng(1)
    for scale in (1, 3, 50, 2_000):
        assert format_name(steps.normal(0, scale, PROBE_BYTES).astype("<i2").tobytes()) is None
    assert not is_recording(TONE.tobytes()[:PROBE_BYTES])


def test_an_index_at_the_end_needs_seeking(files):
    assert needs_seeking(files["m4a"])
    assert needs_seeking(files["aiff"])
    assert needs_seeking(files["caf"])
    assert not needs_seeking(files["mp3"])
    assert not needs_seeking(b"\0\0\0\x18ftypM4A \0\0\0\0isomiso2\0\0\1\0moov")
    assert needs_seeking(b"\0\0\0\x08wide\0\1\0\0mdat")
    assert needs_seeking(b"\0\0\0\x10ftypM4A \0\0\0\0\0\0\0\1mdat")
