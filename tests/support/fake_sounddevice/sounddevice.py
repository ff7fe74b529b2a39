"""A sounddevice whose microphone plays a recording.

In a subprocess, with this folder on PYTHONPATH: VIVAVOCE_FAKE_MIC names a 16-bit mono WAV file, which is
played in real time; when it is over, the process gets the signal that Ctrl-C sends.

In a test: import it with this folder on the path, and set `recording` and the other values below.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import wave

recording: bytes = b""  # 16-bit, with as many channels as are asked for, at whatever rate
realtime = False
interrupt_at_end = False
overflow_at: frozenset[int] = frozenset()  # blocks that come with the mark that sound was lost before them
stops_at_end = False  # as when the microphone is unplugged
rates: frozenset[int] | None = None  # rates that the device takes; None for all
channel_counts: frozenset[int] = frozenset({1})  # numbers of channels that the device takes
cannot_start: str | None = None  # why no stream starts; None: they do
devices = [
    {"name": "Built-in Output", "max_input_channels": 0, "default_samplerate": 48_000.0},
    {"name": "Built-in Microphone", "max_input_channels": 2, "default_samplerate": 44_100.0},
    {"name": "USB Headset", "max_input_channels": 1, "default_samplerate": 16_000.0},
    {"name": "USB Webcam", "max_input_channels": 1, "default_samplerate": 48_000.0},
]
opened: list[RawInputStream] = []

if path := os.environ.get("VIVAVOCE_FAKE_MIC"):
    with wave.open(path, "rb") as file:
        if file.getnchannels() != 1 or file.getsampwidth() != 2:
            raise ValueError(f"{path} is not 16-bit mono")
        rates = frozenset({file.getframerate()})
        recording = file.readframes(file.getnframes())
    realtime = interrupt_at_end = True


class PortAudioError(Exception):
    pass


class _Default:
    device = (1, 0)


default = _Default()


class CallbackFlags:
    def __init__(self, *, input_overflow: bool) -> None:
        self.input_overflow = input_overflow


def query_devices():
    return devices


class RawInputStream:
    def __init__(self, *, samplerate, blocksize, device, channels, dtype, callback, finished_callback):
        if channels not in channel_counts:
            raise PortAudioError("Error opening RawInputStream: Invalid number of channels", -9998)
        if rates is not None and samplerate not in rates:
            raise PortAudioError("Error opening RawInputStream: Invalid sample rate", -9997)
        if dtype != "int16":
            raise PortAudioError("Error opening RawInputStream: Sample format not supported", -9994)
        self.device = device
        self._rate = samplerate
        self._frames = blocksize
        self._channels = channels
        self._callback = callback
        self._finished_callback = finished_callback
        self.closed = threading.Event()
        self.closed_by = None  # the thread that closed it
        self.played = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        opened.append(self)

    def start(self):
        if cannot_start:
            raise PortAudioError(
                "Error starting stream: Unanticipated host error", -9999, (8, -16, cannot_start)
            )
        self._thread.start()

    @property
    def is_closed(self):
        return self.closed.is_set()

    def close(self):
        self.closed_by = self.closed_by or threading.get_ident()
        self.closed.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _run(self):
        size = 2 * self._channels * self._frames
        began = time.monotonic()
        for index in range(len(recording) // size):
            if realtime:
                self.closed.wait(max(0.0, began + (index + 1) * self._frames / self._rate - time.monotonic()))
            if self.closed.is_set():
                break
            block = memoryview(bytearray(recording[index * size : (index + 1) * size]))
            self._callback(block, self._frames, None, CallbackFlags(input_overflow=index in overflow_at))
            block[:] = bytes(size)  # the buffer is PortAudio's again
        self.played.set()
        # A person takes a moment, too: by then the program waits for sound again.
        if interrupt_at_end and not self.closed.wait(2.0):
            os.kill(os.getpid(), signal.SIGINT)
        if not stops_at_end:
            self.closed.wait(30)
        self._finished_callback()
