"""Sources of sound to stream, under the vendor's names: a microphone and a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from vivavoce.arguments import sample_rate_hz
from vivavoce.errors import AudioError, ExtrasNotInstalledError
from vivavoce.mic import Microphone

if TYPE_CHECKING:
    import os
    from collections.abc import Generator
    from types import TracebackType

__all__ = [
    "AssemblyAIExtrasNotInstalledError",
    "MicrophoneStream",
    "stream_file",
]

AssemblyAIExtrasNotInstalledError = ExtrasNotInstalledError
"""The vendor's name for it."""

_SAMPLE_BYTES = 2
_CHUNK_MS = 300
_RIFF_HEAD_BYTES = 12
_CHUNK_HEAD_BYTES = 8
_FORMAT_BYTES = 16
_EXTENSIBLE_BYTES = 26  # up to and with the two bytes of the sub-format that say what it is
_PCM, _EXTENSIBLE = 1, 0xFFFE
_UNKNOWN_LENGTHS = (0, 0xFFFF_FFFF)  # what programs write that could not go back to fill it in


class MicrophoneStream:
    """Sound from a microphone: an iterator over chunks of 100 ms, 16-bit mono.

    Ctrl-C while it waits for sound ends the iteration instead of the program.

    Args:
        sample_rate: Rate of the sound, in Hz.
        device_index: Index of the microphone or a part of its name; the system's own choice if None.

    Raises:
        ExtrasNotInstalledError: sounddevice or PortAudio is missing; the message says what to install.
        MicrophoneError: There is no such microphone, or it can't be opened.
    """

    def __init__(self, sample_rate: int = 44_100, device_index: int | str | None = None) -> None:
        self.sample_rate = sample_rate
        self._microphone = Microphone(sample_rate=sample_rate, device=device_index)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._microphone)
        except KeyboardInterrupt:
            self.close()
            raise StopIteration from None

    @property
    def microphone(self) -> Microphone:
        """What is behind it: its device, how loud it is, how often sound was lost."""
        return self._microphone

    @property
    def paused(self) -> bool:
        """Whether it does not listen."""
        return self._microphone.paused

    def pause(self) -> None:
        """Stop listening, for instance while the program itself speaks. May be called from any thread."""
        self._microphone.pause()

    def resume(self) -> None:
        """Listen again."""
        self._microphone.resume()

    def interrupt(self) -> None:
        """What Ctrl-C does: end the iteration, so that what was said until then is still transcribed."""
        self.close()

    def close(self) -> None:
        """Stop. May be called from any thread, and more than once."""
        self._microphone.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def stream_file(filepath: str | os.PathLike[str], sample_rate: int) -> Generator[bytes, None, None]:
    """Give a recording as if it were being spoken: chunks of 300 ms, each when it would have been heard.

    Args:
        filepath: A file of 16-bit little-endian mono samples, with or without a WAV header.
        sample_rate: Its rate, in Hz.

    Returns:
        Chunks of 300 ms; the last one is as short as it is.

    Raises:
        AudioError: It is a WAV file of another rate, width or number of channels, or a broken one.
        ConfigurationError: The rate is no positive number.
        OSError: The file can't be read.
    """
    sample_rate_hz(sample_rate)
    path = Path(filepath)
    with path.open("rb") as file:
        length_bytes = _skip_head(file, path.name, sample_rate)
        start_bytes = file.tell()
    return _paced(path, start_bytes, length_bytes, sample_rate)


def _paced(
    path: Path, start_bytes: int, length_bytes: int | None, sample_rate: int
) -> Generator[bytes, None, None]:
    chunk_bytes = sample_rate * _CHUNK_MS // 1000 * _SAMPLE_BYTES
    bytes_per_second = sample_rate * _SAMPLE_BYTES
    left_bytes = path.stat().st_size if length_bytes is None else length_bytes
    sent_bytes = 0
    began = time.monotonic()
    with path.open("rb") as file:
        file.seek(start_bytes)
        while chunk := file.read(min(chunk_bytes, left_bytes)):
            left_bytes -= len(chunk)
            sent_bytes += len(chunk)
            wait_s = began + sent_bytes / bytes_per_second - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            yield chunk


def _skip_head(file: BinaryIO, name: str, sample_rate: int) -> int | None:
    """Go to the first sample; the length of the samples in bytes, or None for all that follows."""
    head = file.read(_RIFF_HEAD_BYTES)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        file.seek(0)
        return None
    format_seen = False
    while len(chunk_head := file.read(_CHUNK_HEAD_BYTES)) == _CHUNK_HEAD_BYTES:
        length = int.from_bytes(chunk_head[4:], "little")
        if chunk_head[:4] == b"data":
            if not format_seen:
                break
            return None if length in _UNKNOWN_LENGTHS else length
        if chunk_head[:4] == b"fmt ":
            _check_format(file.read(min(length, _EXTENSIBLE_BYTES)), name, sample_rate)
            format_seen = True
            length -= min(length, _EXTENSIBLE_BYTES)
        file.seek(length + length % 2, 1)
    raise AudioError(f"{name} is a broken WAV file: it has no samples")


def _check_format(fields: bytes, name: str, sample_rate: int) -> None:
    if len(fields) < _FORMAT_BYTES:
        raise AudioError(f"{name} is a broken WAV file: its format is cut off")
    kind = int.from_bytes(fields[:2], "little")
    if kind == _EXTENSIBLE:
        kind = int.from_bytes(fields[24:26], "little")
    channels = int.from_bytes(fields[2:4], "little")
    rate = int.from_bytes(fields[4:8], "little")
    bits = int.from_bytes(fields[14:16], "little")
    if kind != _PCM or bits != _SAMPLE_BYTES * 8:
        what = f"{bits}-bit PCM" if kind == _PCM else f"WAV format {kind}"
        raise AudioError(f"{name} is {what}; 16-bit PCM is needed")
    if channels != 1:
        raise AudioError(f"{name} has {channels} channels; one is needed")
    if rate != sample_rate:
        raise AudioError(f"{name} has {rate} Hz, not {sample_rate}: pass sample_rate={rate}")
