"""Times for words that have none of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.types import Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["spread_over"]


def spread_over(texts: Sequence[str], start_ms: int, end_ms: int) -> Iterator[Word]:
    """Share a stretch of time out among words, by their length.

    Args:
        texts: The words, none empty.
        start_ms: Start of the first word, in milliseconds.
        end_ms: End of the last word.
    """
    total, before = sum(map(len, texts)), 0
    for text in texts:
        begin = start_ms + (end_ms - start_ms) * before // total
        before += len(text)
        yield Word(text, begin, start_ms + (end_ms - start_ms) * before // total, 1.0, is_final=True)
