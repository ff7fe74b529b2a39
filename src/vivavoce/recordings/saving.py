"""Writes audio to a WAV file while it passes."""

from __future__ import annotations

import contextlib
import errno
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

__all__ = ["WavRecorder", "saved"]

_HEADER_BYTES: Final = 44
_SAMPLE_BYTES: Final = 2
_PCM: Final = 1
_UNKNOWN_LENGTH: Final = 0xFFFF_FFFF  # in a pipe, which can't be filled in later
_MOST_AUDIO_BYTES: Final = 0xFFFF_FFFF - _HEADER_BYTES - 1  # what the header can state, in whole samples


def _header(sample_rate: int, audio_bytes: int | None) -> bytes:
    riff = _UNKNOWN_LENGTH if audio_bytes is None else audio_bytes + _HEADER_BYTES - 8
    data = _UNKNOWN_LENGTH if audio_bytes is None else audio_bytes
    layout = struct.pack(
        "<4sIHHIIHH", b"fmt ", 16, _PCM, 1, sample_rate, sample_rate * _SAMPLE_BYTES, _SAMPLE_BYTES, 16
    )
    return struct.pack("<4sI4s", b"RIFF", riff, b"WAVE") + layout + struct.pack("<4sI", b"data", data)


class WavRecorder:
    """Writes 16-bit mono samples to a WAV file, or to a pipe; the file is valid after every chunk.

    A WAV file holds at most 4 GiB; what follows goes to another file, ``talk-2.wav`` after ``talk.wav``.

    Args:
        path: The file; an existing one is overwritten.
        sample_rate: Rate of the samples, in Hz.
        most_bytes: Size of the audio in one file, at most.

    Attributes:
        paths: The files so far.
        n_bytes: Size of the audio that was written to them, in bytes.

    Raises:
        ConfigurationError: The file can't be opened.
        OSError: It can't be written, for example because the disk is full.
    """

    def __init__(
        self, path: str | os.PathLike[str], sample_rate: int, *, most_bytes: int = _MOST_AUDIO_BYTES
    ) -> None:
        self._sample_rate = sample_rate
        self._most_bytes = most_bytes
        self.paths = [Path(path)]
        self.n_bytes = 0
        self._in_file = 0  # bytes of audio in the present file
        try:
            file = self._open(self.paths[0])
        except OSError as error:
            advice = (
                f"; create the folder {self.paths[0].parent} first" if error.errno == errno.ENOENT else ""
            )
            raise ConfigurationError(f"{path}: {(error.strerror or str(error)).lower()}{advice}") from None
        self._file = self._begun(file)

    @staticmethod
    def _open(path: Path) -> BinaryIO:
        # Without a buffer: what could not be written must not fail again when the file is closed.
        return path.open("wb", buffering=0)

    def _begun(self, file: BinaryIO) -> BinaryIO:
        try:
            file.write(_header(self._sample_rate, 0 if file.seekable() else None))
        except BaseException:
            file.close()
            raise
        return file

    def write(self, chunk: bytes) -> None:
        """Write samples.

        Raises:
            OSError: The file can't be written; it holds the samples before.
        """
        if self._in_file + len(chunk) > self._most_bytes and self._in_file and self._file.seekable():
            self._begin_next_file()
        try:
            remaining = memoryview(chunk)
            while remaining:
                remaining = remaining[self._file.write(remaining) :]
        except OSError:
            self._drop_part_of_a_chunk()
            raise
        self._in_file += len(chunk)
        self.n_bytes += len(chunk)
        if self._file.seekable():
            end = self._file.tell()
            self._file.seek(0)
            self._file.write(_header(self._sample_rate, self._in_file))
            self._file.seek(end)

    def _drop_part_of_a_chunk(self) -> None:
        with contextlib.suppress(OSError):
            self._file.truncate(_HEADER_BYTES + self._in_file)

    def _begin_next_file(self) -> None:
        first = self.paths[0]
        path = first.with_name(f"{first.stem}-{len(self.paths) + 1}{first.suffix}")
        following = self._begun(self._open(path))
        self._file.close()
        self._file = following
        self.paths.append(path)
        self._in_file = 0

    def close(self) -> None:
        """Close the file; more calls have no effect."""
        self._file.close()


@contextlib.contextmanager
def saved(
    chunks: Iterable[bytes], path: str | os.PathLike[str], sample_rate: int
) -> Iterator[Iterator[bytes]]:
    """Write every chunk to a WAV file as it passes. The file is valid after every chunk.

    What follows the first 4 GiB goes to another file, ``talk-2.wav`` after ``talk.wav``.

    Args:
        chunks: 16-bit little-endian mono samples.
        path: The file; an existing one is overwritten.
        sample_rate: Rate of the samples, in Hz.

    Raises:
        ConfigurationError: The file can't be written.
        OSError: It can't be written any more; the iterator raises it.
    """
    with contextlib.closing(WavRecorder(path, sample_rate)) as recorder:

        def passed() -> Iterator[bytes]:
            for chunk in chunks:
                recorder.write(chunk)
                yield chunk

        yield passed()
