"""The bytes of a recording, from a file or from a pipe, for readers that need to look ahead or to seek."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, Final

from vivavoce.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Callable

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
        self._again = bytearray()  # of a pipe: what `read` returns next
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
        else:
            try:
                data = self._read(size)
            except OSError as error:
                raise AudioError(f"{self.name}: {(error.strerror or str(error)).lower()}") from None
            if not isinstance(data, bytes):
                raise AudioError(
                    f"{self.name}: read() of the file must return bytes, got {type(data).__name__}; "
                    "open the file in binary mode"
                )
        if self._seen is not None:
            self._seen += data
        return data

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
            if whence == io.SEEK_SET:
                offset += self._start
            return self._file.seek(offset, whence) - self._start
        except (OSError, ValueError, OverflowError):  # an offset in a damaged file
            return -1

    def tell(self) -> int:
        """Return the position; -1 if there is none."""
        return -1 if self._file is None else self._file.tell() - self._start

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

    def check(self) -> None:
        """Raise what reading raised, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error
