"""Formatting of transcripts (inverse text normalisation): digits for spoken numbers, addresses, times, dates.

Rules decide what is written. Each applies only where it is sure; words that no rule explains stay as spoken.
The lines of tests/data/formatting.tsv state the expected results.

1. `words.split_words` splits words from their punctuation. The rules read only this form.
2. `formatter.rewrite_at` decides at one word which words are replaced, and by what. It is the only way to the
   rules, in this order: `addresses`; `grammar.number_phrase` (ranges, rows, signs, fractions of scales,
   years, clock times, telephone numbers: all of it or none); `digit_strings` (cards, codes); and,
   for all other numbers, `numbers.parse_run` (number words to values) with `rules.rewrite_run` (values and
   context to text).
3. `formatter.formatted_words` applies these decisions to a finished turn. `incremental.frozen_words` applies
   them to an unfinished turn, as far as no later word can change the result.

A rule depends on nothing but the words that it reads from the sequence it receives: `incremental` relies on
that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.asr.text.formatting.formatter import FormattedWord, formatted_words, merged
from vivavoce.asr.text.formatting.incremental import frozen_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["FormattedWord", "format_turn", "formatted_words", "frozen_words", "merged"]


def format_turn(words: Sequence[Word]) -> tuple[Word, ...]:
    """Format a finished turn.

    Args:
        words: The words of the turn in their order, with case and punctuation.

    Returns:
        The formatted words. Where several words became one, it has the start of the first, the end of the
        last and the mean of their confidences. All other words are unchanged.
    """
    return tuple(formatted.word for formatted in formatted_words(words))
