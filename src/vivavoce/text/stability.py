"""Which words of a growing hypothesis will not change any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.text.plain import plain_word

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["agreed_words"]


def agreed_words(before: Sequence[str], now: Sequence[str], *, hold_back: int = 1) -> int:
    """How many leading words two consecutive hypotheses agree on.

    Source: D. Liu et al., "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by
    Partial Hypothesis Selection", 2020 (local agreement), over plain words.

    Args:
        before: Words of the hypothesis before.
        now: Words of the newest one.
        hold_back: Words at the end of the newest one that never count: the last is often half heard.
    """
    limit = min(len(before), len(now) - hold_back)
    agreed = 0
    while agreed < limit and plain_word(before[agreed]) == plain_word(now[agreed]):
        agreed += 1
    return agreed
