"""The vendor's names for a microphone and a file."""

import functools
import io
import struct
import sys
import wave

import pytest

from support.recorded import BLOCK, RATE, RECORDED
from vivavoce import AudioError, extras
from vivavoce.errors import ExtrasNotInstalledError
from vivavoce.mic import Microphone
from vivavoce.recordings.pacing import paced

pytest_plugins = ["support.microphone_fixtures"]


# --- the microphone --------------------------------------------------------------------------


def test_the_error_of_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ExtrasNotInstalledError, match=r'pip install "vivavoce\[mic\]"'):
        extras.MicrophoneStream()


@pytest.mark.parametrize(
    ("platform", "command"), [("linux", "apt install libportaudio2"), ("darwin", "brew install portaudio")]
)
def test_the_error_of_a_missing_library_says_what_to_install(monkeypatch, tmp_path, platform, command):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(extras.AssemblyAIExtrasNotInstalledError, match=command) as caught:
        extras.MicrophoneStream()
    assert isinstance(caught.value, ImportError)


def test_microphone_stream_has_the_vendors_arguments(fake):
    with extras.MicrophoneStream() as stream:
        assert stream.sample_rate == 44_100
    with extras.MicrophoneStream(RATE, device_index=2) as stream:
        assert next(stream) == RECORDED[:BLOCK]
        assert iter(stream) is stream


def test_a_pause_yields_silence_of_its_length(fake):
    fake.recording = b""
    stream = extras.MicrophoneStream(RATE)
    opened = fake.opened[-1]
    flags = fake.CallbackFlags(input_overflow=False)
    spoken = [bytes([number]) * BLOCK for number in range(4)]
    opened._callback(spoken[0], 1600, None, flags)
    stream.pause()
    stream.pause()
    assert stream.paused
    opened._callback(spoken[1], 1600, None, fake.CallbackFlags(input_overflow=True))
    stream.resume()
    assert not stream.paused
    opened._callback(spoken[2], 1600, None, flags)
    assert [next(stream), next(stream), next(stream)] == [spoken[0], bytes(BLOCK), spoken[2]]
    assert stream.microphone.overflows == 0


def test_ctrl_c_ends_the_iteration(fake, monkeypatch):
    stream = extras.MicrophoneStream(sample_rate=RATE)
    real_next, calls = Microphone.__next__, []

    def interrupted(microphone):
        calls.append(microphone)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real_next(microphone)

    monkeypatch.setattr(Microphone, "__next__", interrupted)
    assert b"".join(stream) == RECORDED[: 2 * BLOCK]
    stream.close()


# --- files -----------------------------------------------------------------------------------


class Clock:
    """Time that passes only in sleep."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(extras, "paced", functools.partial(paced, clock=clock.monotonic, wait=clock.sleep))
    return clock


def wav(sound, *, rate=RATE, channels=1, width=2):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(sound)
    return file.getvalue()


def riff(*chunks):
    body = b"WAVE"
    for name, content in chunks:
        body += name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


PCM = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)


def test_a_file_is_read_in_chunks_in_real_time(clock, tmp_path):
    path = tmp_path / "sound.raw"
    path.write_bytes(RECORDED)
    times, chunks = [], []
    for chunk in extras.stream_file(str(path), RATE):
        chunks.append(chunk)
        times.append(clock.now - 1000)
    assert [len(chunk) for chunk in chunks] == [9600, 6400]
    assert b"".join(chunks) == RECORDED
    assert times == pytest.approx([0.3, 0.5])


def test_a_slow_consumer_causes_no_drift(clock, tmp_path):
    path = tmp_path / "sound.raw"
    path.write_bytes(bytes(9600 * 4))
    for _ in extras.stream_file(path, RATE):
        clock.now += 0.1
    assert clock.now - 1000 == pytest.approx(1.3)


EXTENSIBLE = struct.pack("<HHIIHH", 0xFFFE, 1, RATE, 2 * RATE, 2, 16) + struct.pack("<HHI", 22, 16, 4)
EXTENSIBLE += struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")


@pytest.mark.parametrize(
    "content",
    [
        wav(RECORDED),
        riff(
            (b"LIST", b"odd"),
            (b"fmt ", PCM),
            (b"fact", b"1234"),
            (b"data", RECORDED),
            (b"LIST", b"no audio"),
        ),
        riff((b"fmt ", EXTENSIBLE), (b"data", RECORDED)),
        riff((b"fmt ", PCM)) + b"data\xff\xff\xff\xff" + RECORDED,
        riff((b"fmt ", PCM)) + b"data\0\0\0\0" + RECORDED,
        riff((b"fmt ", PCM)) + b"data" + struct.pack("<I", len(RECORDED) // 2) + RECORDED,
    ],
    ids=["wave", "more chunks", "extensible", "length unknown", "length not filled in", "half the length"],
)
def test_a_wav_header_is_not_audio(clock, tmp_path, content):
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    assert b"".join(extras.stream_file(path, RATE)) == RECORDED


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            wav(RECORDED, rate=44_100),
            "sample_rate must be the file's 44100 Hz, got 16000; pass sample_rate=44100",
        ),
        (wav(RECORDED, channels=2), "must have one channel, got 2"),
        (wav(RECORDED, width=1), "must be 16-bit PCM, got 8-bit PCM"),
        (riff((b"fmt ", b"\3" + PCM[1:]), (b"data", RECORDED)), "WAV format 3 with 16 bits"),
        (b"ID3\4\0" + bytes(100), "must hold 16-bit samples or be WAV, got MP3; read it with"),
        (riff((b"data", RECORDED)), "no format chunk"),
        (riff((b"fmt ", PCM)), "header is cut off"),
        (riff((b"fmt ", PCM[:8]), (b"data", RECORDED)), "header is malformed"),
    ],
)
def test_a_wav_file_of_another_format_is_refused_at_once(tmp_path, content, complaint):
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=complaint) as caught:
        extras.stream_file(path, RATE)
    assert str(caught.value).startswith("sound.wav: ")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        extras.stream_file(tmp_path / "none", RATE)


def test_an_empty_file_gives_nothing(clock, tmp_path):
    (tmp_path / "empty").touch()
    assert list(extras.stream_file(tmp_path / "empty", RATE)) == []
