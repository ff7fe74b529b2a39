"""Microphones and files as sources of sound."""

import functools
import io
import logging
import struct
import sys
import threading
import wave
from pathlib import Path

import pytest

from vivavoce import AudioError, ConfigurationError, ExtrasNotInstalledError, MicrophoneError, extras
from vivavoce.mic import Microphone, list_devices
from vivavoce.mic import microphone as microphone_module
from vivavoce.recordings.pacing import paced

FAKE = Path(__file__).parents[1] / "support" / "fake_sounddevice"
RATE = 16_000
BLOCK = 3200  # 100 ms
SOUND = bytes(index * 11 % 256 for index in range(5 * BLOCK))


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.delenv("VIVAVOCE_FAKE_MIC", raising=False)
    monkeypatch.syspath_prepend(FAKE)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    import sounddevice

    assert Path(sounddevice.__file__).parent == FAKE
    sounddevice.recording = SOUND
    yield sounddevice
    for stream in sounddevice.opened:
        stream.close()
    del sys.modules["sounddevice"]


# --- the microphone --------------------------------------------------------------------------


def test_the_microphone_yields_its_audio_in_chunks(fake):
    with Microphone(sample_rate=RATE) as microphone:
        chunks = [next(microphone) for _ in range(5)]
    assert all(isinstance(chunk, bytes) and len(chunk) == BLOCK for chunk in chunks)
    assert b"".join(chunks) == SOUND
    assert (microphone.device.index, microphone.sample_rate, microphone.overflows) == (1, RATE, 0)


def test_audio_during_a_pause_is_discarded(fake):
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
    assert [next(stream), next(stream)] == [spoken[0], spoken[2]]
    assert stream.microphone.overflows == 0


@pytest.mark.parametrize(
    ("sample", "level"), [(0, -96.0), (32_767, 0.0), (-32_768, 0.0), (3_277, -20.0), (1, -90.3)]
)
def test_the_level_is_that_of_the_last_chunk(fake, sample, level):
    fake.recording = sample.to_bytes(2, "little", signed=True) * 1600
    with Microphone(sample_rate=RATE) as microphone:
        assert microphone.level_db == -96.0
        next(microphone)
        assert microphone.level_db == pytest.approx(level, abs=0.05)


def test_closing_ends_the_iteration_of_a_waiting_reader(fake):
    fake.recording = b""
    microphone = Microphone(sample_rate=RATE)
    got = []
    reader = threading.Thread(target=lambda: got.extend(microphone))
    reader.start()
    closers = [threading.Thread(target=microphone.close) for _ in range(3)]
    for closer in closers:
        closer.start()
    for thread in (reader, *closers):
        thread.join(10)
        assert not thread.is_alive()
    assert list(microphone) == got == []
    microphone.close()


def test_unread_audio_is_dropped_counted_and_logged_once(fake, monkeypatch, caplog):
    monkeypatch.setattr(microphone_module, "MAX_WAITING", 2)
    microphone = Microphone(sample_rate=RATE)
    assert fake.opened[-1].played.wait(10)
    assert microphone.overflows == 3
    microphone.close()
    with caplog.at_level(logging.WARNING):
        assert b"".join(microphone) == SOUND[: 2 * BLOCK]
    assert len(caplog.records) == 1


def test_audio_that_the_machine_lost_is_counted(fake):
    fake.overflow_at = frozenset({1, 3})
    with Microphone(sample_rate=RATE) as microphone:
        assert fake.opened[-1].played.wait(10)
        assert microphone.overflows == 2


def test_a_microphone_that_stops_by_itself_is_an_error(fake):
    fake.stops_at_end = True
    microphone = Microphone(sample_rate=RATE)
    for _ in range(5):
        next(microphone)
    for _ in range(2):
        with pytest.raises(MicrophoneError, match="Built-in Microphone stopped"):
            next(microphone)
    microphone.close()


def test_devices_are_listed_without_outputs(fake):
    assert [(device.index, device.name, device.is_default) for device in list_devices()] == [
        (1, "Built-in Microphone", True),
        (2, "USB Headset", False),
        (3, "USB Webcam", False),
    ]
    assert list_devices()[0].default_sample_rate == 44_100


@pytest.mark.parametrize(
    ("wanted", "index"), [(None, 1), (2, 2), ("headset", 2), ("built-in", 1), ("USB Webcam", 3)]
)
def test_a_microphone_is_found_by_index_or_part_of_its_name(fake, wanted, index):
    with Microphone(sample_rate=RATE, device=wanted) as microphone:
        assert microphone.device.index == fake.opened[-1].device == index


@pytest.mark.parametrize(
    ("wanted", "trouble"), [("usb", "several microphones match"), ("phono", "no microphone"), (0, "no")]
)
def test_the_error_of_an_unknown_device_lists_the_devices(fake, wanted, trouble):
    with pytest.raises(MicrophoneError, match=trouble) as caught:
        Microphone(device=wanted)
    assert "2: USB Headset, 3: USB Webcam" in str(caught.value)


def test_no_microphone_at_all(fake):
    fake.devices = fake.devices[:1]
    with pytest.raises(MicrophoneError, match="has no microphone"):
        Microphone()


def test_a_rate_that_the_microphone_does_not_support(fake):
    fake.rates = frozenset({44_100})
    with pytest.raises(MicrophoneError, match=r"can't be opened at 16000 Hz.*44100 Hz"):
        Microphone(sample_rate=RATE)


@pytest.mark.parametrize("rate", [0, -1, 1.5, True, "16000"])
def test_invalid_rates(fake, rate):
    with pytest.raises(ConfigurationError, match="sample_rate"):
        Microphone(sample_rate=rate)


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
        assert next(stream) == SOUND[:BLOCK]
        assert iter(stream) is stream


def test_ctrl_c_ends_the_iteration(fake, monkeypatch):
    stream = extras.MicrophoneStream(sample_rate=RATE)
    real_next, calls = Microphone.__next__, []

    def interrupted(microphone):
        calls.append(microphone)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real_next(microphone)

    monkeypatch.setattr(Microphone, "__next__", interrupted)
    assert b"".join(stream) == SOUND[: 2 * BLOCK]
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
    path.write_bytes(SOUND)
    times, chunks = [], []
    for chunk in extras.stream_file(str(path), RATE):
        chunks.append(chunk)
        times.append(clock.now - 1000)
    assert [len(chunk) for chunk in chunks] == [9600, 6400]
    assert b"".join(chunks) == SOUND
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
        wav(SOUND),
        riff(
            (b"LIST", b"odd"), (b"fmt ", PCM), (b"fact", b"1234"), (b"data", SOUND), (b"LIST", b"not sound")
        ),
        riff((b"fmt ", EXTENSIBLE), (b"data", SOUND)),
        riff((b"fmt ", PCM)) + b"data\xff\xff\xff\xff" + SOUND,
        riff((b"fmt ", PCM)) + b"data\0\0\0\0" + SOUND,
    ],
    ids=["wave", "more chunks", "extensible", "length unknown", "length not filled in"],
)
def test_a_wav_header_is_not_audio(clock, tmp_path, content):
    path = tmp_path / "sound.wav"
    path.write_bytes(content)
    assert b"".join(extras.stream_file(path, RATE)) == SOUND


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            wav(SOUND, rate=44_100),
            "sample_rate must be the file's 44100 Hz, got 16000; pass sample_rate=44100",
        ),
        (wav(SOUND, channels=2), "must have one channel, got 2"),
        (wav(SOUND, width=1), "must be 16-bit PCM, got 8-bit PCM"),
        (riff((b"fmt ", b"\3" + PCM[1:]), (b"data", SOUND)), "WAV format 3 with 16 bits"),
        (riff((b"data", SOUND)), "no format chunk"),
        (riff((b"fmt ", PCM)), "header is cut off"),
        (riff((b"fmt ", PCM[:8]), (b"data", SOUND)), "header is malformed"),
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
