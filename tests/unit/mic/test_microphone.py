"""Live audio from a microphone."""

import gc
import logging
import math
import os
import threading
from array import array

import pytest

from support.recorded import BLOCK, RATE, RECORDED
from vivavoce.errors import ConfigurationError, MicrophoneError
from vivavoce.mic import Microphone, capture
from vivavoce.mic import microphone as microphone_module

pytest_plugins = ["support.microphone_fixtures"]


def test_the_microphone_yields_its_audio_in_chunks(fake):
    with Microphone(sample_rate=RATE) as microphone:
        chunks = [next(microphone) for _ in range(5)]
    assert all(isinstance(chunk, bytes) and len(chunk) == BLOCK for chunk in chunks)
    assert b"".join(chunks) == RECORDED
    assert (microphone.device.index, microphone.sample_rate, microphone.overflows) == (1, RATE, 0)


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
        thread.join(60)
        assert not thread.is_alive()
    assert list(microphone) == got == []
    microphone.close()


def test_unread_audio_is_dropped_counted_and_logged_once(fake, monkeypatch, caplog):
    monkeypatch.setattr(capture, "MAX_WAITING", 2)
    microphone = Microphone(sample_rate=RATE)
    assert fake.opened[-1].played.wait(60)
    assert microphone.overflows == 3
    microphone.close()
    with caplog.at_level(logging.WARNING):
        assert b"".join(microphone) == RECORDED[: 2 * BLOCK]
    assert len(caplog.records) == 1


def test_audio_that_the_machine_lost_is_counted(fake):
    fake.overflow_at = frozenset({1, 3})
    with Microphone(sample_rate=RATE) as microphone:
        assert fake.opened[-1].played.wait(60)
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


def test_a_rate_that_the_microphone_does_not_support(fake):
    fake.rates = frozenset({44_100})
    with pytest.raises(MicrophoneError, match=r"can't be opened at 16000 Hz.*44100 Hz"):
        Microphone(sample_rate=RATE)


# --- devices that open with several channels only ---------------------------------------------


def interleaved(*channels):
    return array("h", [sample for frame in zip(*channels, strict=True) for sample in frame]).tobytes()


def read_all(fake, channels, *, counts):
    fake.recording, fake.channel_counts, fake.stops_at_end = interleaved(*channels), frozenset(counts), True
    fake.devices[1]["max_input_channels"] = max(counts)
    with Microphone(sample_rate=RATE) as microphone:
        chunks = []
        with pytest.raises(MicrophoneError, match="stopped"):
            chunks.extend(microphone)  # keeps what came before the error
    return array("h", b"".join(chunks)).tolist()


N = RATE  # one second, ten chunks
SPEECH = [round(8000 * math.sin(i / 5)) * (i // 2000 % 2) for i in range(N)]  # on and off
HUM = [round(4000 * math.sin(i / 50)) + 3000 for i in range(N)]
NOTHING = [0] * N


@pytest.mark.parametrize("counts", [{2}, {2, 4}, {4}, {3}])
@pytest.mark.parametrize("speaking", [0, 1])
@pytest.mark.parametrize("other", [NOTHING, [0.01 * s for s in SPEECH], [-s for s in SPEECH]])
def test_a_device_without_mono_gives_the_channel_that_carries_speech(fake, counts, speaking, other):
    quiet = [round(sample) for sample in other]
    channels = [quiet, quiet]
    channels[speaking] = SPEECH
    channels += [NOTHING] * (min(counts) - 2)
    got = read_all(fake, channels, counts=counts)
    assert [abs(sample) for sample in got] == [abs(sample) for sample in SPEECH]


@pytest.mark.parametrize("speaking", [0, 1])
def test_hum_is_no_speech_though_it_is_louder(fake, speaking):
    speech = [sample // 4 for sample in SPEECH]
    channels = [HUM, HUM]
    channels[speaking] = speech
    got = read_all(fake, channels, counts={2})
    assert got[RATE // 2 :] == speech[RATE // 2 :]


def test_speech_that_changes_sides_is_followed(fake):
    got = read_all(fake, [SPEECH + NOTHING, NOTHING + SPEECH], counts={2})
    assert got[:N] == SPEECH
    assert got[N + N // 4 :] == SPEECH[N // 4 :]  # within a quarter of a second


def test_mono_is_taken_where_there_is_mono(fake):
    fake.channel_counts = frozenset({1, 2})
    with Microphone(sample_rate=RATE) as microphone:
        assert b"".join(next(microphone) for _ in range(5)) == RECORDED


def test_a_pause_of_a_device_with_two_channels_is_as_long(fake):
    fake.channel_counts = frozenset({2})
    fake.recording = bytes(4 * RATE)
    with Microphone(sample_rate=RATE) as microphone:
        microphone.pause()
        assert next(microphone) == bytes(BLOCK)


def test_the_error_has_the_reason_of_each_attempt(fake):
    fake.channel_counts, fake.rates = frozenset({2}), frozenset({44_100})
    with pytest.raises(
        MicrophoneError, match=r"16000 Hz \(mono: .*-9998\]; 2 channels: .*-9997\]\); it is set to 44100 Hz"
    ):
        Microphone(sample_rate=RATE)


def test_a_stream_that_does_not_start_is_closed_and_the_systems_reason_is_reported(fake):
    fake.cannot_start = "Device or resource\nbusy"
    with pytest.raises(MicrophoneError, match=r"\(mono: Device or resource busy \(.*-9999\);"):
        Microphone(sample_rate=RATE)
    assert all(stream.is_closed for stream in fake.opened)


@pytest.mark.parametrize("rate", [0, -1, 1.5, True, "16000"])
def test_invalid_rates(fake, rate):
    with pytest.raises(ConfigurationError, match="sample_rate"):
        Microphone(sample_rate=rate)


# --- microphones that the program drops ------------------------------------------------------


def read_one_and_drop(**arguments):
    next(Microphone(sample_rate=RATE, **arguments))


def drop_in_a_cycle():
    holder = [Microphone(sample_rate=RATE)]
    holder.append(holder)
    next(holder[0])


@pytest.mark.parametrize("drop", [read_one_and_drop, drop_in_a_cycle])
def test_a_microphone_that_goes_out_of_scope_is_closed(fake, drop):
    drop()
    gc.collect()
    assert fake.opened[-1].is_closed


def test_a_microphone_is_never_closed_from_portaudios_own_thread(fake):
    fake.recording = b""
    holder = [Microphone(sample_rate=RATE)]
    stream = fake.opened[-1]
    flags = fake.CallbackFlags(input_overflow=False)

    def called_back():
        stream._callback(bytes(BLOCK), 1600, None, flags)
        holder.clear()  # as when the garbage collector runs inside the callback

    portaudio = threading.Thread(target=called_back)
    portaudio.start()
    portaudio.join(60)
    assert stream.closed.wait(60)
    assert stream.closed_by not in {portaudio.ident, None}


def test_a_microphone_that_stalls_yields_silence(fake, monkeypatch, caplog):
    monkeypatch.setattr(microphone_module, "STALL_S", 0.05)
    fake.recording = b""
    microphone = Microphone(sample_rate=RATE)
    spoken = bytes([1, 2]) * (BLOCK // 2)

    def deliver():
        fake.opened[-1]._callback(spoken, 1600, None, fake.CallbackFlags(input_overflow=False))

    with caplog.at_level(logging.WARNING):
        deliver()
        assert next(microphone) == spoken
        assert [next(microphone) for _ in range(3)] == [bytes(BLOCK)] * 3
        assert microphone.level_db == -96.0
        deliver()
        assert next(microphone) == spoken
        microphone.close()
        assert list(microphone) == []
    stalled, again = (record.getMessage() for record in caplog.records)
    assert stalled.startswith("Built-in Microphone has delivered no audio for 0.05 s")
    assert again == "Built-in Microphone delivers audio again"


def test_a_stream_that_does_not_start_is_closed(fake, monkeypatch):
    def fail(stream):
        raise fake.PortAudioError("Device unavailable [PaErrorCode -9985]")

    monkeypatch.setattr(fake.RawInputStream, "start", fail)
    with pytest.raises(MicrophoneError, match="Device unavailable"):
        Microphone(sample_rate=RATE)
    gc.collect()
    assert fake.opened[-1].is_closed


def test_a_microphone_belongs_to_the_process_that_opened_it(fake, monkeypatch):
    microphone, owner = Microphone(sample_rate=RATE), os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: owner + 1)
    with pytest.raises(MicrophoneError, match=f"belongs to process {owner}; open it in this process"):
        next(microphone)
    microphone.close()
    assert not fake.opened[-1].is_closed
