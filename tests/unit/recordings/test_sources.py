"""Recordings of every make, and standard input."""

import io
import itertools
import os
import sys
import threading
import wave
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from support.wav_files import shorts, wav
from vivavoce.errors import AudioError, ExtrasNotInstalledError
from vivavoce.recordings.formats import format_name
from vivavoce.recordings.pcm import PCM
from vivavoce.recordings.sources import from_file, from_reader, interruptible_reader
from vivavoce.recordings.wav import MAGICS
from vivavoce.types import Encoding


def read_stdin(data, *, rate=16_000, encoding=Encoding.PCM_S16LE, step=7):
    """Through a reader that gives a few bytes at a time, as a pipe may."""
    stream = io.BytesIO(data)
    sound = from_reader(lambda size: stream.read(min(size, step)), sample_rate=rate, encoding=encoding)
    return sound, list(sound.chunks)


# --- standard input --------------------------------------------------------------------------


def test_raw_samples_come_in_chunks_of_100_ms():
    sound, chunks = read_stdin(bytes(range(256)) * 30, rate=8000)
    assert [len(chunk) for chunk in chunks] == [1600] * 4 + [1280]
    assert b"".join(chunks) == bytes(range(256)) * 30
    assert sound.bytes_per_second == 16_000


@given(st.binary(max_size=400), st.integers(1, 50))
def test_half_a_sample_at_the_end_is_dropped(data, step):
    assume(data[:4] not in MAGICS and format_name(data) is None)
    _, chunks = read_stdin(data, step=step)
    assert b"".join(chunks) == data[: len(data) // 2 * 2]


def test_mulaw_is_sent_as_it_is():
    sound, chunks = read_stdin(b"\xff" * 900, rate=8000, encoding=Encoding.PCM_MULAW)
    assert sound.encoding is Encoding.PCM_MULAW
    assert [len(chunk) for chunk in chunks] == [800, 100]


def test_a_wav_stream_on_standard_input_has_its_own_rate_and_length():
    data = wav(shorts(*range(100)), rate=22_050, after=b"LIST\4\0\0\0junk")
    sound, chunks = read_stdin(data)
    assert sound.sample_rate == 22_050
    assert b"".join(chunks) == shorts(*range(100))


def test_an_endless_wav_stream_is_read_to_the_end():
    sound, chunks = read_stdin(wav(shorts(1, 3, 5, 7), channels=2, length=0xFFFFFFFF) + b"\1")
    assert sound.channels == 2
    assert b"".join(chunks) == shorts(2, 6)


CONTAINERS = [
    "flac",
    "mp3",
    "m4a",
    "aac",
    "vorbis",
    "opus",
    "webm",
    "mkv",
    "wma",
    "flv",
    "aiff",
    "au",
    "ts",
    "avi",
    "caf",
]


@pytest.mark.parametrize("name", [*CONTAINERS, "wav-alaw"])
@pytest.mark.parametrize("step", [1_000, 100_000])
def test_a_recording_on_standard_input_is_decoded(name, step):
    pytest.importorskip("av")
    from benchmarks.damaged_files import CONTAINERS, encode

    from support.films import beep, loud_seconds

    sound, chunks = read_stdin(encode(beep(3.0), CONTAINERS[name]), step=step)
    assert loud_seconds(b"".join(chunks), sound.sample_rate) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("name", CONTAINERS)
def test_without_a_decoder_a_recording_on_standard_input_is_refused_with_advice(name, monkeypatch):
    pytest.importorskip("av")
    from benchmarks.damaged_files import CONTAINERS, encode

    from support.films import beep

    data = encode(beep(), CONTAINERS[name])
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError, match=r"must be raw samples or WAV.*vivavoce\[audio\].*ffmpeg"):
        read_stdin(data, step=5_000)


@pytest.mark.parametrize("magic", [b"fLaC", b"OggS", b"ID3\x03", b"\x1aE\xdf\xa3"])
def test_a_damaged_recording_on_standard_input_is_refused_with_advice(magic):
    pytest.importorskip("av")
    with pytest.raises(AudioError, match=r"^standard input: the file begins like .* damaged or incomplete"):
        read_stdin(magic + bytes(100))


@pytest.mark.parametrize("data", [b"", b"\1", b"\1\2"])
def test_a_few_bytes_are_no_error(data):
    assert b"".join(read_stdin(data)[1]) == data[: len(data) // 2 * 2]


@pytest.mark.skipif(sys.platform == "win32", reason="select() needs a POSIX pipe")
def test_a_silent_pipe_ends_at_the_stop_after_the_audio_recorded_before():
    reader, writer = os.pipe()
    stopped = threading.Event()
    read = interruptible_reader(reader, stopped.is_set, linger_s=0.0)
    os.write(writer, b"ab")
    assert read(100) == b"ab"
    os.write(writer, b"cd")
    stopped.set()
    assert read(100) == b"cd"
    assert read(100) == b""
    os.close(reader)
    os.close(writer)


@pytest.mark.skipif(sys.platform == "win32", reason="select() needs a POSIX pipe")
def test_the_last_buffer_of_a_stopped_recorder_is_read():
    reader, writer = os.pipe()
    read = interruptible_reader(reader, lambda: True, linger_s=5.0)

    def recorder():
        os.write(writer, b"last")
        os.close(writer)

    thread = threading.Thread(target=recorder)
    thread.start()
    assert read(100) + read(100) == b"last"
    thread.join()
    os.close(reader)


@pytest.mark.skipif(sys.platform == "win32", reason="select() needs a POSIX pipe")
def test_a_pipe_that_never_runs_dry_ends_too():
    with Path("/dev/zero").open("rb") as endless:
        read = interruptible_reader(endless.fileno(), lambda: True, linger_s=60.0)
        assert sum(len(data) for data in iter(lambda: read(10_000), b"")) == 65_536


# --- files -----------------------------------------------------------------------------------


def contents(path):
    with from_file(path) as sound:
        return sound, b"".join(sound.chunks)


def test_a_wav_file_of_the_standard_library(tmp_path):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(shorts(*range(1000)))
    sound, data = contents(path)
    assert (sound.sample_rate, sound.channels, sound.encoding) == (48_000, 2, Encoding.PCM_S16LE)
    assert data == shorts(*((a + a + 1) // 2 for a in range(0, 1000, 2)))


@pytest.mark.parametrize("name", ["missing.wav", "."])
def test_a_file_that_cannot_be_opened_is_one_line(tmp_path, name):
    with pytest.raises(AudioError, match=r"no such file|is a directory") as raised:
        contents(tmp_path / name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("data", [b"", b"some text, no sound", b"RIFF\0\0\0\0AVI ", b"RIFF\0\0"])
def test_a_file_that_is_not_audio_is_one_line(tmp_path, data):
    pytest.importorskip("av")
    path = tmp_path / "x.wav"
    path.write_bytes(data)
    with pytest.raises(AudioError, match=r"x\.wav") as raised:
        contents(path)
    assert "\n" not in str(raised.value)


def test_without_a_decoder_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "x.mp3"
    path.write_bytes(b"ID3\x04")
    with pytest.raises(ExtrasNotInstalledError, match=r"pip install \"vivavoce\[audio\]\""):
        contents(path)


def test_other_containers_are_decoded_resampled_and_mixed(tmp_path):
    pytest.importorskip("av")
    soundfile = pytest.importorskip("soundfile")
    numpy = pytest.importorskip("numpy")
    tone = (numpy.sin(numpy.arange(44_100) * 0.05) * 12_000).astype("int16")
    path = tmp_path / "tone.flac"
    soundfile.write(path, numpy.stack([tone, tone], axis=1), 44_100)
    sound, data = contents(path)
    assert (sound.sample_rate, sound.channels) == (16_000, 2)
    assert len(data) == pytest.approx(32_000, abs=64)
    assert numpy.abs(numpy.frombuffer(data, "<i2")).max() == pytest.approx(12_000, rel=0.05)


@pytest.mark.parametrize(("tag", "bits", "rate"), [(6, 8, 8_000), (PCM, 16, 192_000), (PCM, 16, 4_000)])
def test_wav_of_an_unusual_format_goes_to_the_decoder(tmp_path, tag, bits, rate):
    pytest.importorskip("av")
    path = tmp_path / "a.wav"
    path.write_bytes(wav(b"\x55\xd5" * rate, tag=tag, bits=bits, rate=rate))
    sound, data = contents(path)
    assert sound.sample_rate == 16_000
    assert len(data) > 16_000


def test_a_damaged_recording_is_one_line(tmp_path):
    pytest.importorskip("av")
    soundfile = pytest.importorskip("soundfile")
    numpy = pytest.importorskip("numpy")
    path = tmp_path / "noise.flac"
    soundfile.write(path, numpy.random.default_rng(1).uniform(-1, 1, 160_000), 16_000)
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + bytes(2000) + whole[5000:9000])
    with pytest.raises(AudioError, match=r"noise\.flac: damaged: [^\n]+$"):
        contents(path)


@pytest.mark.parametrize("name", ["mp3", "aac"])
def test_a_stream_without_an_end_is_decoded_piece_by_piece(name):
    pytest.importorskip("av")
    from benchmarks.damaged_files import CONTAINERS, encode

    from support.films import beep

    data, n_read = encode(beep(1.0), CONTAINERS[name]), 0
    stream = itertools.cycle(data[at : at + 1_000] for at in range(0, len(data), 1_000))

    def read(size):
        nonlocal n_read
        piece = next(stream)
        n_read += len(piece)
        return piece

    sound = from_reader(read, sample_rate=16_000, encoding=Encoding.PCM_S16LE)
    opened = n_read
    chunks = iter(sound.chunks)
    for _ in range(100):
        assert len(next(chunks)) == 3_200
    assert opened < 6_000_000  # FFmpeg looks at the first 5 MB at most
    assert n_read - opened < 2_000_000
