"""Divides Ogg files where the format of the audio changes: FFmpeg gives up the rest there."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vivavoce.recordings.byte_source import ByteSource

__all__ = ["ogg_links"]

_MAGIC: Final = b"OggS"
_HEAD_BYTES: Final = 27
_FLAGS: Final = 5  # position of the flags in a page; RFC 3533, section 6
_SEGMENTS: Final = 26  # and of the number of segments
_BEGINS: Final = 0x02
_IDENTIFICATION_BYTES: Final = 64
_SEARCH_BYTES: Final = 1 << 16
_FIELDS: Final = {  # of the identification headers, what FFmpeg does not let change
    b"OpusHead": slice(9, 10),
    b"\x01vorbis": slice(11, 16),
    b"Speex   ": slice(36, 52),
}


def ogg_links(source: ByteSource) -> list[ByteSource]:
    """Return the parts of a recording: one, unless it is an Ogg file in which the format changes.

    Args:
        source: A source that can seek.
    """
    if source.peek(len(_MAGIC)) != _MAGIC:
        return [source]
    end = source.seek(0, io.SEEK_END)
    starts = [0]
    form: tuple[bytes, bytes] | None = None
    group_at: int | None = None  # where the present group of first pages begins; None: within a link
    for at, begins, body in _pages(source, end):
        if not begins:
            group_at = None
            continue
        if group_at is None:
            group_at = at
        here = _form(body)
        if here is not None and form is not None and here != form and group_at > starts[-1]:
            starts.append(group_at)
        form = here or form
    source.rewind()
    if len(starts) == 1:
        return [source]
    return [source.window(begin, stop) for begin, stop in zip(starts, [*starts[1:], end], strict=True)]


def _form(body: bytes) -> tuple[bytes, bytes] | None:
    for magic, fields in _FIELDS.items():
        if body.startswith(magic):
            return magic, body[fields]
    return None


def _pages(source: ByteSource, end: int) -> Iterator[tuple[int, bool, bytes]]:
    """Yield position, whether it is the first of a stream, and for those the beginning of each page."""
    at: int | None = 0
    while at is not None and at + _HEAD_BYTES <= end:
        source.seek(at)
        head = source.read(_HEAD_BYTES)
        if head[:4] != _MAGIC or len(head) < _HEAD_BYTES:
            at = _next_page(source, at + 1)
            continue
        lacing = source.read(head[_SEGMENTS])
        begins = bool(head[_FLAGS] & _BEGINS)
        yield at, begins, source.read(_IDENTIFICATION_BYTES) if begins else b""
        at += _HEAD_BYTES + len(lacing) + sum(lacing)


def _next_page(source: ByteSource, at: int) -> int | None:
    source.seek(at)
    seen = b""
    while data := source.read(_SEARCH_BYTES):
        seen += data
        found = seen.find(_MAGIC)
        if found >= 0:
            return at + found
        at += len(seen) - len(_MAGIC) + 1
        seen = seen[-len(_MAGIC) + 1 :]
    return None
