"""The grammar of numbers: a number phrase is parsed as a whole, and written as a whole or left in words.

A phrase is a range ("five to ten million dollars"), a row ("two, three or four"), or a number with a fraction
of a scale ("half a million"), a sign or a unit. What is not certain stays in words, all of it: no phrase is
half figures, half words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.cursor import before, joined
from vivavoce.asr.text.formatting.grammar.compounds import measure_of_two_units, ordinal_before_number
from vivavoce.asr.text.formatting.grammar.dotted import dotted
from vivavoce.asr.text.formatting.grammar.ordinals import days_and_ordinals
from vivavoce.asr.text.formatting.grammar.rows import row
from vivavoce.asr.text.formatting.grammar.singles import single
from vivavoce.asr.text.formatting.grammar.telephone import telephone
from vivavoce.asr.text.formatting.grammar.times import clock_times
from vivavoce.asr.text.formatting.grammar.years import year_or_amount
from vivavoce.asr.text.formatting.lexicon import (
    AFTER_ARTICLES,
    ARTICLES,
    CONTINUATIONS,
    SIGNS,
    YEARS_OF_TWO_THOUSAND,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.numbers import NumberRun
    from vivavoce.asr.text.formatting.words import Decision, SplitWord

__all__ = ["number_phrase"]

_RULES: Final = (
    telephone,
    dotted,
    clock_times,
    measure_of_two_units,
    ordinal_before_number,
    days_and_ordinals,
    row,
    year_or_amount,
    single,
)
"""In the order in which they are asked: the first result counts."""


def number_phrase(words: Sequence[SplitWord], at: int, run: NumberRun | None) -> Decision | None:
    """Decide about the number phrase that begins at a word.

    Args:
        words: The words of the turn.
        at: Index of the word.
        run: The run of numbers that begins at it.

    Returns:
        None if none begins there that is more than one number.
    """
    if not _may_begin(words, at, run):
        return None
    for rule in _RULES:
        if (decision := rule(words, at)) is not None:
            return decision
    return None


def _may_begin(words: Sequence[SplitWord], at: int, run: NumberRun | None) -> bool:
    """Whether a phrase may begin at a word: most numbers are alone, and to see that takes little time."""
    key = words[at].key
    if key in ARTICLES:
        return joined(words, at + 1) in AFTER_ARTICLES
    if key in SIGNS:
        return True
    if run is None:
        return False
    if len(run.numbers) > 1 or run.numbers[0].value in YEARS_OF_TWO_THOUSAND:
        return True
    if words[run.end - 1].trail == "," or before(words, at) == "between":
        return True
    return joined(words, run.end) in CONTINUATIONS
