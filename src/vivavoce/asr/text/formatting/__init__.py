"""Finished turns as one would write them: figures for numbers that were said, addresses, times, dates.

Rules over words, each sure of what it does; what no rule knows stays as it was said. The lines of
tests/data/formatting.tsv say what comes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.asr.text.formatting.grouping import formatted_groups, merged
from vivavoce.asr.text.formatting.incremental import frozen_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["format_turn", "formatted_groups", "frozen_groups", "merged"]


def format_turn(words: Sequence[Word]) -> tuple[Word, ...]:
    """Write a finished turn.

    Args:
        words: Of the turn, with case and punctuation, in the order they were said.

    Returns:
        The words as they are written. Words that became one have the first one's start, the last one's
        end and their mean confidence; all others are unchanged.
    """
    return tuple(word for word, _ in formatted_groups(words))
