"""Packets out of an Ogg stream, as its bytes come in. RFC 3533 describes the pages."""

from __future__ import annotations

from typing import Final

from vivavoce.errors import ProtocolViolation
from vivavoce.types import Failure

__all__ = ["OggPackets"]

_CAPTURE: Final = b"OggS"
_HEADER_BYTES: Final = 27
_CONTINUED: Final = 0x01
_FULL_SEGMENT: Final = 255
_MAX_PACKET_BYTES: Final = 1 << 20


class OggPackets:
    """Cuts one logical stream into packets.

    Checksums are not looked at: what carried the bytes here has its own.
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._open = bytearray()  # of a packet that goes on in the next page
        self._is_open = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take more bytes; returns the packets that they complete.

        Raises:
            ProtocolViolation: This is no Ogg stream.
        """
        self._bytes += data
        packets: list[bytes] = []
        while len(self._bytes) >= _HEADER_BYTES:
            if not self._bytes.startswith(_CAPTURE):
                shown = bytes(self._bytes[:4])
                raise ProtocolViolation(
                    Failure.AUDIO_UNREADABLE, f"Failed to decode ogg_opus: no page begins with {shown!r}"
                )
            n_segments = self._bytes[_HEADER_BYTES - 1]
            body = _HEADER_BYTES + n_segments
            sizes = bytes(self._bytes[_HEADER_BYTES:body])
            if len(self._bytes) < body or len(self._bytes) < body + sum(sizes):
                break
            packets += self._read_page(sizes, body)
            del self._bytes[: body + sum(sizes)]
        return packets

    def _read_page(self, sizes: bytes, at: int) -> list[bytes]:
        is_continued = bool(self._bytes[5] & _CONTINUED)
        if not is_continued:
            self._open.clear()
        is_wanted = not is_continued or self._is_open  # the rest of a packet whose beginning was lost is not
        packets: list[bytes] = []
        for size in sizes:
            self._open += self._bytes[at : at + size]
            at += size
            self._is_open = size == _FULL_SEGMENT
            if len(self._open) > _MAX_PACKET_BYTES:
                raise ProtocolViolation(Failure.AUDIO_UNREADABLE, "Failed to decode ogg_opus: endless packet")
            if not self._is_open:
                if is_wanted:
                    packets.append(bytes(self._open))
                is_wanted = True
                self._open.clear()
        return packets
