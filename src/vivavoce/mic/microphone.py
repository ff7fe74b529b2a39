"""Live audio from a microphone."""

from __future__ import annotations

import logging
import math
import sys
from array import array
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Self

from vivavoce.arguments import sample_rate_hz
from vivavoce.errors import MicrophoneError
from vivavoce.mic.devices import find_device, load_sounddevice

if TYPE_CHECKING:
    from types import TracebackType

    from vivavoce.mic.devices import InputDevice

__all__ = ["Microphone"]

logger = logging.getLogger("vivavoce.mic")

MAX_WAITING: Final = 100
"""Chunks of 100 ms that wait for a slow reader before audio is dropped: 10 s."""

SILENCE_DB: Final = -96.0
"""The lowest level, in dBFS: 16 bits can't represent a lower one."""


def _rms_dbfs(chunk: bytes) -> float:
    samples = array("h", chunk)
    if sys.byteorder == "big":
        samples.byteswap()
    power = sum(sample * sample for sample in samples) / max(1, len(samples))
    return max(SILENCE_DB, 10 * math.log10(power) - 20 * math.log10(32_768)) if power else SILENCE_DB


class Microphone:
    """An open microphone: an iterator over chunks of 100 ms, 16-bit little-endian mono.

    Args:
        sample_rate: Rate of the audio, in Hz.
        device: Index of the microphone or a part of its name; the system's default if None.

    Raises:
        ConfigurationError: ``sample_rate`` is not a positive whole number.
        ExtrasNotInstalledError: sounddevice or PortAudio is missing; the message says what to install.
        MicrophoneError: There is no such microphone, or it can't be opened.
    """

    def __init__(self, *, sample_rate: int = 16_000, device: int | str | None = None) -> None:
        sounddevice = load_sounddevice()
        self._device = find_device(device)
        self._sample_rate = sample_rate_hz(sample_rate)
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()  # None: no more audio
        self._overflows = 0  # written by PortAudio's thread
        self._overflow_logged = False
        self._closed = False
        self._paused = False
        self._level_db = SILENCE_DB  # of the chunk that the reader got last
        try:
            self._stream = sounddevice.RawInputStream(
                samplerate=sample_rate,
                blocksize=sample_rate // 10,
                device=self._device.index,
                channels=1,
                dtype="int16",
                callback=self._receive,
                finished_callback=self._finish,
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise MicrophoneError(
                f"{self._device.name} can't be opened at {sample_rate} Hz, mono: {error}; "
                f"it is set to {self._device.default_sample_rate} Hz"
            ) from error

    # PortAudio calls this from its own thread, which must never wait.
    def _receive(self, data: Any, frames: int, time: Any, status: Any) -> None:  # noqa: ARG002
        if self._paused:
            return
        if status.input_overflow:
            self._overflows += 1
        if self._waiting.qsize() < MAX_WAITING:
            self._waiting.put(bytes(data))
        else:
            self._overflows += 1

    def _finish(self) -> None:
        self._waiting.put(None)

    @property
    def device(self) -> InputDevice:
        """The microphone that was opened."""
        return self._device

    @property
    def sample_rate(self) -> int:
        """Rate of the audio, in Hz."""
        return self._sample_rate

    @property
    def overflows(self) -> int:
        """How many times audio was dropped, because the reader or the machine was too slow."""
        return self._overflows

    @property
    def level_db(self) -> float:
        """RMS level of the last chunk, in dBFS: 0 is full scale, -96 is silence."""
        return self._level_db

    @property
    def paused(self) -> bool:
        """Whether it discards audio instead of yielding it."""
        return self._paused

    def pause(self) -> None:
        """Discard audio until :meth:`resume`, for example while the program plays speech. Thread-safe.

        Audio recorded before is still yielded; then the reader waits.
        """
        self._paused = True

    def resume(self) -> None:
        """Yield audio again after :meth:`pause`. Thread-safe."""
        self._paused = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Wait for the next chunk of 100 ms.

        Raises:
            StopIteration: The microphone was closed.
            MicrophoneError: It stopped without :meth:`close`.
        """
        chunk = self._waiting.get()
        if self._overflows and not self._overflow_logged:
            self._overflow_logged = True
            logger.warning(
                "audio from %s was dropped: it is read more slowly than it arrives", self._device.name
            )
        if chunk is not None:
            self._level_db = _rms_dbfs(chunk)
            return chunk
        self._waiting.put(None)  # for the next call
        if self._closed:
            raise StopIteration
        raise MicrophoneError(f"{self._device.name} stopped; was it unplugged?")

    def close(self) -> None:
        """Close the microphone and end the reader's iteration; more calls have no effect. Thread-safe."""
        if self._closed:
            return
        self._closed = True
        self._stream.close()
        self._waiting.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
