"""The bytes of a recording, from a file or from a pipe, for readers that need to look ahead or to seek."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from vivavoce.errors import AudioError
from vivavoce.recordings.formats import PROBE_BYTES, format_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer  # for the type checker only

__all__ = ["ByteSource", "ShieldedFile"]

_READ_BYTES: Final = 65_536


class ByteSource:
    """Reads a file or a pipe; the beginning of a pipe can be read again until `forget` is called.

    Args:
        read: Returns up to the given number of bytes; none at the end.
        name: Name of the recording, for messages and for FFmpeg, which knows some formats by their suffix.
        file: The file that `read` belongs to, if it can seek; its present position is the beginning.

    Attributes:
        name: The name.
    """

    def __init__(self, read: Callable[[int], bytes], name: str, *, file: BinaryIO | None = None) -> None:
        self.name = name
        self._read = read
        self._file = file
        self._start = 0 if file is None else file.tell()
        self._again = bytearray()  # what `read` returns next
        self._overlay: tuple[int, bytes] | None = None  # what replaces bytes of the file, and where
        self._seen: bytearray | None = None if file is not None else bytearray()  # None: no longer remembered

    @classmethod
    def of_file(cls, file: BinaryIO, name: str) -> ByteSource:
        """Return the source of an open binary file, which may be a pipe."""
        try:
            if file.seekable():
                return cls(file.read, name, file=file)
        except (AttributeError, OSError):
            pass  # an object that only reads
        return cls(file.read, name)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end.

        Raises:
            AudioError: The recording can't be read.
        """
        if self._again:
            data = bytes(self._again[:size])
            del self._again[:size]
        elif self._overlay is not None:
            at = self.tell()
            data = self._overlaid(at, self._read_file(size))
        else:
            data = self._read_file(size)
        if len(data) > size:  # FFmpeg has no room for more than it asks for
            self._again[:0] = data[size:]
            data = data[:size]
        if self._seen is not None:
            self._seen += data
        return data

    def _read_file(self, size: int) -> bytes:
        try:
            data = self._read(size)
        except OSError as error:
            raise AudioError(f"{self.name}: {(error.strerror or str(error)).lower()}") from None
        if not isinstance(data, bytes):
            raise AudioError(
                f"{self.name}: read() of the file must return bytes, got {type(data).__name__}; "
                "open the file in binary mode"
            )
        return data

    def overlay(self, offset: int, data: bytes) -> None:
        """Show other bytes at a position of a file that can seek."""
        self._overlay = offset, data

    def drop_overlay(self) -> None:
        """Show the file as it is."""
        self._overlay = None

    def _overlaid(self, at: int, data: bytes) -> bytes:
        if self._overlay is None:
            return data
        offset, other = self._overlay
        begin, end = max(at, offset), min(at + len(data), offset + len(other))
        if begin >= end:
            return data
        return data[: begin - at] + other[begin - offset : end - offset] + data[end - at :]

    def peek(self, size: int) -> bytes:
        """Return the first bytes of the recording, fewer if it is shorter, without moving on.

        Raises:
            AudioError: The recording can't be read.
        """
        data = bytearray()
        while len(data) < size and (piece := self.read(size - len(data))):
            data += piece
        self.rewind()
        return bytes(data)

    def rewind(self) -> None:
        """Go back to the beginning."""
        if self._file is not None:
            self._again.clear()
            self._file.seek(self._start)
        elif self._seen is not None:
            self._again[:0] = self._seen
            self._seen.clear()

    def forget(self) -> None:
        """Stop remembering what a pipe yields: `rewind` is not needed any more."""
        self._seen = None

    def seekable(self) -> bool:
        """Whether `seek` works."""
        return self._file is not None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, and return the new position; -1 if that is impossible."""
        if self._file is None:
            return -1
        try:
            self._again.clear()
            if whence == io.SEEK_SET:
                offset += self._start
            return self._file.seek(offset, whence) - self._start
        except (OSError, ValueError, OverflowError):  # an offset in a damaged file
            return -1

    def tell(self) -> int:
        """Return the position; -1 if there is none."""
        return -1 if self._file is None else self._file.tell() - self._start

    def window(self, begin: int, end: int) -> ByteSource:
        """Return a part of a source that can seek, as a source of its own."""
        file = cast("BinaryIO", io.BufferedReader(_Window(self, begin, end)))
        return ByteSource(file.read, self.name, file=file)

    def copied_to(self, file: BinaryIO) -> ByteSource:
        """Copy all that is left to an empty file, and return the source of that, which can seek.

        Raises:
            AudioError: The recording can't be read, or the file can't be written.
        """
        self.forget()
        while data := self.read(_READ_BYTES):
            try:
                file.write(data)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise AudioError(f"{self.name}: a temporary copy can't be written: {reason}") from None
        file.seek(0)
        return ByteSource(file.read, self.name, file=file)


class _Window(io.RawIOBase):
    """A part of a source, as a file."""

    def __init__(self, source: ByteSource, begin: int, end: int) -> None:
        super().__init__()
        self._source = source
        self._begin = begin
        self._end = end
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        self._source.seek(self._begin + self._at)
        data = self._source.read(max(0, min(len(view), self._end - self._begin - self._at)))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end - self._begin}[whence]
        if base + offset < 0:
            raise ValueError(f"the position must not be negative, got {base + offset}")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at


class ShieldedFile:
    """A source as FFmpeg reads it, which would lose what `read` raises, Ctrl-C included.

    The error is stored, and the recording ends for FFmpeg, whose caller raises the error with `check`.

    Attributes:
        name: Name of the recording.
    """

    def __init__(self, source: ByteSource) -> None:
        self.name = source.name
        self._source = source
        self._error: BaseException | None = None  # what reading raised
        self.seekable = source.seekable
        self.seek = source.seek
        self.tell = source.tell

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end, and after an error."""
        if self._error is not None:
            return b""
        try:
            return self._source.read(size)
        except BaseException as error:  # noqa: BLE001  - `check` raises it
            self._error = error
            return b""

    def format_name(self) -> str | None:
        """Return the name of the format that the recording begins with; None: unknown. Rewinds."""
        self._source.rewind()
        return format_name(self._source.peek(PROBE_BYTES))

    def check(self) -> None:
        """Raise what reading raised, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error
