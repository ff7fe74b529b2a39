"""Reads the samples of a WAV stream, also where its header states fewer than there are."""

from __future__ import annotations

import io
import string
import struct
from typing import TYPE_CHECKING, Final

from vivavoce.errors import AudioError
from vivavoce.recordings.sound import CHUNK_MS
from vivavoce.recordings.stated_lengths import KNOWN_CHUNKS, UNDERSTATED
from vivavoce.recordings.wav import MAGIC_BYTES, MAGICS, read_wav_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.recordings.wav import WavFormat

__all__ = ["SampleReader"]

_LOOK_BYTES: Final = 65_536  # how far after the stated end is read to decide what follows
_CHUNK_HEAD_BYTES: Final = 8
_PRINTABLE: Final = frozenset(string.printable.encode())


class SampleReader:
    """Reads up to the end of the samples.

    A recorder that crashes, or is switched off, leaves the length of its last update in the header, or what a
    header of 4 GiB can state. So what follows the stated length is looked at: chunks of metadata end the
    samples; a further chunk of samples, or a further WAV file of the same format, continues them; other bytes
    are samples that the header does not state.

    Args:
        read: Returns up to the given number of bytes; none at the end of the stream. The header has been
            read.
        header: The header.
        warn: Receives one line about samples that the header does not state, or that are left out.
    """

    def __init__(self, read: Callable[[int], bytes], header: WavFormat, warn: Callable[[str], None]) -> None:
        self._read = read
        self._header = header
        self._warn = warn
        self._left = header.length_bytes  # bytes before the stated end; None: up to the end of the stream
        self._looked = b""  # read after the stated end
        self._position = 0  # in the samples, in bytes
        self._has_warned = False

    def __call__(self, size: int) -> bytes:
        """Return up to `size` bytes of samples; none at their end."""
        while self._left == 0:
            if not self._continues():
                return b""
        limit = size if self._left is None else min(size, self._left)
        if self._looked:
            data, self._looked = self._looked[:limit], self._looked[limit:]
        else:
            data = self._read(limit)
            if not data:
                return b""
        if self._left is not None:
            self._left -= len(data)
        self._position += len(data)
        return data

    def _continues(self) -> bool:
        """Look at what follows the stated end of the samples."""
        tail = self._look()
        if self._position % 2 and tail[:1] == b"\0" and _chunk_at(tail[1:]) is not None:
            tail = tail[1:]  # chunks begin at even positions
        name = _chunk_at(tail)
        if name == b"data":
            (size,) = struct.unpack_from("<I", tail, 4)
            self._looked, self._left = tail[_CHUNK_HEAD_BYTES:], size or None
            return True
        if name in MAGICS:
            return self._join(tail)
        if name is not None or len(tail) < self._header.bytes_per_second * CHUNK_MS // 1000:
            return False  # a shorter rest contains no word
        if any(tail):  # zeros were reserved by a recorder, and are silence
            self._say(UNDERSTATED)
        self._looked, self._left = tail, None
        return True

    def _look(self) -> bytes:
        tail = bytearray(self._looked)
        self._looked = b""
        while len(tail) < _LOOK_BYTES and (piece := self._read(_LOOK_BYTES - len(tail))):
            tail += piece
        return bytes(tail)

    def _join(self, tail: bytes) -> bool:
        """Continue with a further WAV file, as `cat` makes them, if its samples have the same format."""
        stream = io.BytesIO(tail)
        stream.seek(MAGIC_BYTES)
        try:
            further = read_wav_header(stream.read)
        except AudioError:
            return False
        if not further.has_format_of(self._header):
            self._say("a further WAV file follows whose samples have another format; it is left out")
            return False
        self._looked, self._left = stream.read(), further.length_bytes
        return True

    def _say(self, text: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            self._warn(text)


def _chunk_at(tail: bytes) -> bytes | None:
    """Return the name of the RIFF chunk that begins here; None: it is none.

    Samples may look like the name of a chunk. An unknown name counts only if the chunk fills the rest.
    """
    if tail.startswith(b"TAG") or not tail:
        return b"TAG"
    if len(tail) < _CHUNK_HEAD_BYTES:
        return None
    name = tail[:4]
    (size,) = struct.unpack_from("<I", tail, 4)
    if name in MAGICS:
        return name if tail[8:12] == b"WAVE" else None
    if name in KNOWN_CHUNKS or name == b"data":
        return name
    is_named = _PRINTABLE.issuperset(name)
    return name if is_named and len(tail) - _CHUNK_HEAD_BYTES - size in {0, 1} else None
