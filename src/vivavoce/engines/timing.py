"""Times of words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["spread_words"]


def spread_words(texts: Sequence[str], start_s: float, end_s: float) -> list[tuple[float, float]]:
    """Lay words over a stretch of speech in proportion to their letters.

    An estimate for a model that gives nothing better: tenths of a second off, never out of order.

    Args:
        texts: The words.
        start_s: Where the first begins, in seconds.
        end_s: Where the last ends.

    Returns:
        Start and end of each word, in seconds.
    """
    weights = [len(text) + 1 for text in texts]
    total = sum(weights) or 1
    scale = max(0.0, end_s - start_s) / total
    times: list[tuple[float, float]] = []
    at = start_s
    for weight in weights:
        times.append((at, at + weight * scale))
        at += weight * scale
    return times
