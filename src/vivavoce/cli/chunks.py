"""Iterators over chunks of audio: cut them, stop them, count them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["ByteCounter", "first_seconds", "until"]


def first_seconds(chunks: Iterable[bytes], seconds: float, bytes_per_second: int) -> Iterator[bytes]:
    """Yield the first seconds of audio, cut to whole 16-bit samples."""
    remaining = int(seconds * bytes_per_second) // 2 * 2
    for chunk in chunks:
        yield chunk[:remaining]
        remaining -= len(chunk)
        if remaining <= 0:
            return


def until(chunks: Iterable[bytes], stop_requested: Callable[[], bool]) -> Iterator[bytes]:
    """Yield chunks until a stop is requested."""
    if stop_requested():
        return
    for chunk in chunks:
        yield chunk
        if stop_requested():
            return


class ByteCounter:
    """Yields chunks and counts their bytes.

    Attributes:
        n_bytes: Bytes of all chunks so far.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.n_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.n_bytes += len(chunk)
            yield chunk
