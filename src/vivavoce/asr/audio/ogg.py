"""Extracting packets from an Ogg stream, as its bytes arrive; RFC 3533 describes the pages."""

from __future__ import annotations

from typing import Final

from vivavoce.errors import ProtocolViolation
from vivavoce.types import Failure

__all__ = ["OggPackets"]

_CAPTURE: Final = b"OggS"
_HEADER_BYTES: Final = 27
_FLAGS_AT: Final = 5
_CONTINUED: Final = 0x01
_FULL_SEGMENT: Final = 255
_MAX_PACKET_BYTES: Final = 1 << 20


class OggPackets:
    """Divides one logical stream into packets.

    Checksums are not verified: the transport has its own.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()  # of pages that are not complete
        self._open = bytearray()  # the part so far of a packet that continues in the next page
        self._is_open = False  # whether there is such a packet

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; returns the packets that they complete.

        Raises:
            ProtocolViolation: The bytes are not an Ogg stream.
        """
        self._bytes += data
        packets: list[bytes] = []
        while len(self._bytes) >= _HEADER_BYTES:
            if not self._bytes.startswith(_CAPTURE):
                shown = bytes(self._bytes[: len(_CAPTURE)])
                raise _unreadable(f"a page must begin with {_CAPTURE!r}, got {shown!r}")
            n_segments = self._bytes[_HEADER_BYTES - 1]
            body = _HEADER_BYTES + n_segments
            sizes = bytes(self._bytes[_HEADER_BYTES:body])
            if len(self._bytes) < body or len(self._bytes) < body + sum(sizes):
                break
            packets += self._read_page(sizes, body)
            del self._bytes[: body + sum(sizes)]
        return packets

    def _read_page(self, sizes: bytes, at: int) -> list[bytes]:
        """Read the segments of the first page, whose sizes are given, from an index on."""
        is_continued = bool(self._bytes[_FLAGS_AT] & _CONTINUED)
        if not is_continued:
            self._open.clear()
        is_whole = not is_continued or self._is_open  # not a packet whose first part was lost
        packets: list[bytes] = []
        for size in sizes:
            self._open += self._bytes[at : at + size]
            at += size
            self._is_open = size == _FULL_SEGMENT
            if len(self._open) > _MAX_PACKET_BYTES:
                raise _unreadable(f"a packet must have at most {_MAX_PACKET_BYTES} bytes")
            if not self._is_open:
                if is_whole:
                    packets.append(bytes(self._open))
                is_whole = True
                self._open.clear()
        return packets


def _unreadable(why: str) -> ProtocolViolation:
    return ProtocolViolation(Failure.AUDIO_UNREADABLE, f"Failed to decode ogg_opus: {why}")
