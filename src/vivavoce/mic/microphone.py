"""Live audio from a microphone."""

from __future__ import annotations

import logging
import math
import os
import sys
import weakref
from array import array
from queue import Empty
from typing import TYPE_CHECKING, Any, Final, Self

from vivavoce.arguments import sample_rate_hz
from vivavoce.errors import MicrophoneError
from vivavoce.mic.capture import Capture, close_stream
from vivavoce.mic.devices import find_device, load_sounddevice, portaudio_reason
from vivavoce.mic.speech_channel import SpeechChannel
from vivavoce.self_closing import SelfClosing

if TYPE_CHECKING:
    from vivavoce.mic.devices import InputDevice

__all__ = ["Microphone"]

logger = logging.getLogger("vivavoce.mic")

STALL_S: Final = 3.0
"""The wait for a chunk, in seconds, after which silence takes its place."""

_CHUNK_S: Final = 0.1

SILENCE_DB: Final = -96.0
"""The lowest level, in dBFS: 16 bits can't represent a lower one."""


def _rms_dbfs(chunk: bytes) -> float:
    samples = array("h", chunk)
    if sys.byteorder == "big":
        samples.byteswap()
    power = sum(sample * sample for sample in samples) / max(1, len(samples))
    return max(SILENCE_DB, 10 * math.log10(power) - 20 * math.log10(32_768)) if power else SILENCE_DB


def _open_stream(device: InputDevice, sample_rate: int) -> tuple[Any, Capture, int]:
    """Open and start a stream with one channel, or else with as many as the device requires.

    Returns:
        The stream, what collects its audio, and its number of channels.

    Raises:
        MicrophoneError: It can't be opened; the message has the reason of every attempt.
    """
    sounddevice = load_sounddevice()
    reasons: dict[str, str] = {}  # reason -> how the device was opened, in the order of the attempts
    for channels in sorted({1, min(2, device.channels), device.channels}):
        stream, capture = None, Capture()
        try:
            stream = sounddevice.RawInputStream(
                samplerate=sample_rate,
                blocksize=sample_rate // 10,
                device=device.index,
                channels=channels,
                dtype="int16",
                callback=capture.receive,
                finished_callback=capture.finish,
            )
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            if stream is not None:
                stream.close()
            how = "mono" if channels == 1 else f"{channels} channels"
            reasons.setdefault(portaudio_reason(error), how)
        else:
            return stream, capture, channels
    detail = "; ".join(f"{how}: {reason}" for reason, how in reasons.items())
    raise MicrophoneError(
        f"{device.name} can't be opened at {sample_rate} Hz ({detail}); it is set to "
        f"{device.default_sample_rate} Hz: try that rate, and close other programs that use it"
    )


class Microphone(SelfClosing):
    """An open microphone: an iterator over chunks of 100 ms, 16-bit little-endian mono.

    It is open until :meth:`close`, or until the program drops it. A device that only opens with several
    channels is opened so, and the channel that carries speech is used.

    Args:
        sample_rate: Rate of the audio, in Hz.
        device: Index of the microphone or a part of its name; the system's default if None.

    Raises:
        ConfigurationError: ``sample_rate`` is not a positive whole number.
        ExtrasNotInstalledError: sounddevice or PortAudio is missing; the message says what to install.
        MicrophoneError: There is no such microphone, or it can't be opened.
    """

    def __init__(self, *, sample_rate: int = 16_000, device: int | str | None = None) -> None:
        self._sample_rate = sample_rate_hz(sample_rate)
        self._device = find_device(device)
        self._overflow_logged = False
        self._stalled = False  # PortAudio delivers nothing at present
        self._closed = False
        self._level_db = SILENCE_DB  # of the chunk that the reader got last
        stream, self._capture, channels = _open_stream(self._device, self._sample_rate)
        self._speech = SpeechChannel(channels) if channels > 1 else None  # None: the device is mono
        # Closes the stream, by close() or when the program drops the microphone.
        self._close_stream = weakref.finalize(self, close_stream, stream, self._capture)

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
        return self._capture.overflows

    @property
    def level_db(self) -> float:
        """RMS level of the last chunk, in dBFS: 0 is full scale, -96 is silence."""
        return self._level_db

    @property
    def paused(self) -> bool:
        """Whether it yields silence instead of audio."""
        return self._capture.paused

    def pause(self) -> None:
        """Yield silence until :meth:`resume`, for example while the program plays speech. Thread-safe.

        The silence is as long as the pause, so turns end and sessions stay open.
        """
        self._capture.paused = True

    def resume(self) -> None:
        """Yield audio again after :meth:`pause`. Thread-safe."""
        self._capture.paused = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Wait for the next chunk of 100 ms.

        If none comes for 3 s, as from a driver that hangs, silence takes its place until one comes, with a
        warning in the log, so that the turn before ends and the session stays open.

        Raises:
            StopIteration: The microphone was closed.
            MicrophoneError: It stopped without :meth:`close`, or another process opened it.
        """
        if os.getpid() != self._capture.process_id:
            raise MicrophoneError(
                f"{self._device.name} belongs to process {self._capture.process_id}; open it in this process"
            )
        try:
            chunk = self._capture.waiting.get(timeout=_CHUNK_S if self._stalled else STALL_S)
        except Empty:
            return self._silence()
        if self._stalled and chunk is not None:
            self._stalled = False
            logger.warning("%s delivers audio again", self._device.name)
        if self._capture.overflows and not self._overflow_logged:
            self._overflow_logged = True
            logger.warning(
                "audio from %s was dropped: it is read more slowly than it arrives", self._device.name
            )
        if chunk is not None:
            if self._speech is not None:
                chunk = self._speech.extract(chunk)
            self._level_db = _rms_dbfs(chunk)
            return chunk
        self._capture.waiting.put(None)  # for the next call
        if self._closed:
            raise StopIteration
        raise MicrophoneError(f"{self._device.name} stopped; was it unplugged?")

    def _silence(self) -> bytes:
        if not self._stalled:
            self._stalled = True
            logger.warning(
                "%s has delivered no audio for %g s: silence takes its place; is it still connected?",
                self._device.name,
                STALL_S,
            )
        self._level_db = SILENCE_DB
        return bytes(2 * (self._sample_rate // 10))

    def close(self) -> None:
        """Close the microphone and end the reader's iteration; more calls have no effect. Thread-safe."""
        if self._closed:
            return
        self._closed = True
        self._close_stream()
        self._capture.waiting.put(None)
