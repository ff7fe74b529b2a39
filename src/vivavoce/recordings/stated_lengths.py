"""Corrects lengths in the headers of AIFF, CAF, Wave64 and WAV files that state fewer samples than there are.

FFmpeg stops where the header says. `wav_samples` does the same for WAV that needs no decoder, also in a pipe.
"""

from __future__ import annotations

import io
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from vivavoce.recordings.byte_source import ByteSource

__all__ = ["KNOWN_CHUNKS", "UNDERSTATED", "correct_length"]

UNDERSTATED: Final = (
    "the header states less audio than follows it, and all of it is transcribed; the recorder seems to have "
    "stopped before it wrote the length"
)
"""What is said about such a file."""


_SHORTEST_REST: Final = 4_096  # bytes; less contains no word
_MAX_CHUNKS: Final = 1_000
KNOWN_CHUNKS: Final = frozenset(
    name.ljust(4).encode()
    for name in (
        "LIST", "INFO", "id3", "ID3", "ID32", "cue", "plst", "labl", "note", "fact", "bext", "iXML",
        "_PMX", "axml", "bxml", "chna", "smpl", "inst", "acid", "afsp", "JUNK", "junk", "PAD", "FLLR", "fake",
        "minf", "elm1", "elmo", "regn", "umid", "DGDA", "DISP", "PEAK", "cart", "link", "levl", "strc",
        "Cr8r", "PrmL", "PrmA", "SAUR", "SNDM", "LGWV", "ResU", "AFAn", "slnt", "wavl", "MARK", "APET",
        "COMM", "COMT", "INST", "MIDI", "AESD", "APPL", "NAME", "AUTH", "(c)", "ANNO", "CHAN", "FVER",
        "pakt", "kuki", "chan", "info", "strg", "mark", "ovvw", "peak", "edct", "uuid", "free",
    )
)  # fmt: skip
"""Names of chunks without samples: of WAV, then AIFF, then CAF."""

_NAMEABLE: Final = frozenset(string.printable.encode())


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file is divided into chunks.

    Attributes:
        header_bytes: Size of what is before the first chunk.
        name_bytes: Size of a chunk's name, of which four bytes are letters.
        size_bytes: Size of the length after it.
        byte_order: Of the length.
        samples: Letters of the chunk with the samples.
        alignment: Of chunks, in bytes.
        counts_head: Whether the length includes name and length.
    """

    header_bytes: int
    name_bytes: int
    size_bytes: int
    byte_order: Literal["little", "big"]
    samples: bytes
    alignment: int = 2
    counts_head: bool = False

    @property
    def head_bytes(self) -> int:
        """Size of the name and the length."""
        return self.name_bytes + self.size_bytes


_RIFF: Final = _Layout(12, 4, 4, "little", b"data")
_LAYOUTS: Final = {
    b"RIFF": _RIFF,
    b"FORM": _Layout(12, 4, 4, "big", b"SSND"),
    b"caff": _Layout(8, 4, 8, "big", b"data", alignment=1),
    b"riff": _Layout(40, 16, 8, "little", b"data", alignment=8, counts_head=True),
}


def correct_length(source: ByteSource) -> bool:
    """Make a source that can seek show FFmpeg the true length of its samples, if its header states less.

    Returns:
        Whether the length was corrected.
    """
    source.rewind()
    layout = _LAYOUTS.get(source.read(4))
    if layout is None:
        source.rewind()
        return False
    end = source.seek(0, io.SEEK_END)
    at = layout.header_bytes
    for _ in range(_MAX_CHUNKS):
        name, following = _chunk_at(source, layout, at, end)
        if name is None or following > end:
            break
        if name == layout.samples:
            is_short = end - following > _SHORTEST_REST and not _is_metadata(source, layout, following, end)
            if is_short:
                length = end - at - (0 if layout.counts_head else layout.head_bytes)
                length = min(length, 256**layout.size_bytes - 1)
                source.overlay(at + layout.name_bytes, length.to_bytes(layout.size_bytes, layout.byte_order))
            source.rewind()
            return is_short
        at = following
    source.rewind()
    return False


def _chunk_at(source: ByteSource, layout: _Layout, at: int, end: int) -> tuple[bytes | None, int]:
    """Return the letters of the chunk at a position, None if there is none, and the position after it."""
    source.seek(at)
    head = source.read(layout.head_bytes)
    if at + layout.head_bytes > end or len(head) < layout.head_bytes:
        return None, at
    name = head[:4]
    if not _NAMEABLE.issuperset(name):
        return None, at
    length = int.from_bytes(head[layout.name_bytes :], layout.byte_order)
    if not layout.counts_head:
        length += layout.head_bytes
    length = max(length, layout.head_bytes)
    return name, at + length + -length % layout.alignment


def _is_metadata(source: ByteSource, layout: _Layout, at: int, end: int) -> bool:
    """Whether a known chunk begins at a position, or chunks fill the file from there on."""
    if _chunk_at(source, layout, at, end)[0] in KNOWN_CHUNKS:
        return True
    for _ in range(_MAX_CHUNKS):
        name, following = _chunk_at(source, layout, at, end)
        if name is None or following > end + layout.alignment:
            return False
        if end - following < layout.head_bytes:
            return True
        at = following
    return True
