"""Live audio from a microphone."""

import gc
import logging
import os
import threading

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
