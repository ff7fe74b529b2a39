"""Sound from a microphone, as it is spoken."""

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
"""Chunks of 100 ms that wait for a slow reader before sound is lost: 10 s."""


SILENCE_DB: Final = -96.0
"""The level of what is more quiet than 16 bits can say."""


def _level_db(chunk: bytes) -> float:
    samples = array("h", chunk)
    if sys.byteorder == "big":
        samples.byteswap()
    power = sum(sample * sample for sample in samples) / max(1, len(samples))
    return max(SILENCE_DB, 10 * math.log10(power) - 20 * math.log10(32_768)) if power else SILENCE_DB


class Microphone:
    """An open microphone: an iterator over chunks of 100 ms, 16-bit little-endian mono.

    Args:
        sample_rate: Rate of the sound, in Hz.
        device: Index of the microphone or a part of its name; the system's own choice if None.

    Raises:
        ConfigurationError: The rate is no positive number.
        ExtrasNotInstalledError: sounddevice or PortAudio is missing; the message says what to install.
        MicrophoneError: There is no such microphone, or it can't be opened.
    """

    def __init__(self, *, sample_rate: int = 16_000, device: int | str | None = None) -> None:
        sounddevice = load_sounddevice()
        self._device = find_device(device)
        self._sample_rate = sample_rate_hz(sample_rate)
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._overflows = 0
        self._overflow_logged = False
        self._closed = False
        self._paused = False
        self._level_db = SILENCE_DB
        try:
            self._stream = sounddevice.RawInputStream(
                samplerate=sample_rate,
                blocksize=sample_rate // 10,
                device=self._device.index,
                channels=1,
                dtype="int16",
                callback=self._take,
                finished_callback=self._stopped,
            )
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise MicrophoneError(
                f"{self._device.name} can't be opened at {sample_rate} Hz, mono: {error}; "
                f"it is set to {self._device.default_sample_rate} Hz"
            ) from error

    # Called from PortAudio's thread, which must never wait.
    def _take(self, sound: Any, frames: int, time: Any, status: Any) -> None:  # noqa: ARG002
        if self._paused:
            return
        if status.input_overflow:
            self._overflows += 1
        if self._waiting.qsize() < MAX_WAITING:
            self._waiting.put(bytes(sound))
        else:
            self._overflows += 1

    def _stopped(self) -> None:
        self._waiting.put(None)

    @property
    def device(self) -> InputDevice:
        """The microphone that was opened."""
        return self._device

    @property
    def sample_rate(self) -> int:
        """Rate of the sound, in Hz."""
        return self._sample_rate

    @property
    def overflows(self) -> int:
        """How often sound was lost, because the reader or the machine was too slow."""
        return self._overflows

    @property
    def level_db(self) -> float:
        """How loud the chunk given last was, in dB: 0 is as loud as can be, -96 silence."""
        return self._level_db

    @property
    def paused(self) -> bool:
        """Whether it does not listen."""
        return self._paused

    def pause(self) -> None:
        """Stop listening, for instance while the program itself speaks; a reader waits until :meth:`resume`.

        What was heard before is still given. May be called from any thread.
        """
        self._paused = True

    def resume(self) -> None:
        """Listen again."""
        self._paused = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Wait for the next 100 ms.

        Raises:
            StopIteration: The microphone was closed.
            MicrophoneError: It stopped by itself.
        """
        chunk = self._waiting.get()
        if self._overflows and not self._overflow_logged:
            self._overflow_logged = True
            logger.warning("sound from %s was lost: it is not read as fast as it comes", self._device.name)
        if chunk is not None:
            self._level_db = _level_db(chunk)
            return chunk
        self._waiting.put(None)  # for whoever asks again
        if self._closed:
            raise StopIteration
        raise MicrophoneError(f"{self._device.name} stopped; was it unplugged?")

    def close(self) -> None:
        """Stop. May be called from any thread, and more than once; a waiting reader's iteration ends."""
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
