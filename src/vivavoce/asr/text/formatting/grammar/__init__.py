"""The grammar of numbers: a number phrase is parsed as a whole, and written as a whole or left in words.

A phrase is a range ("five to ten million dollars"), a row ("two, three or four"), or a number with a fraction
of a scale ("half a million"), a sign or a unit. What is not certain stays in words, all of it: no phrase is
half figures, half words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.grammar.dotted import dotted
from vivavoce.asr.text.formatting.grammar.ordinals import days_and_ordinals
from vivavoce.asr.text.formatting.grammar.rows import row
from vivavoce.asr.text.formatting.grammar.singles import single
from vivavoce.asr.text.formatting.grammar.telephone import telephone
from vivavoce.asr.text.formatting.grammar.times import clock_times
from vivavoce.asr.text.formatting.grammar.years import year_or_amount
from vivavoce.asr.text.formatting.lexicon import FIRST_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import Decision, SplitWord

__all__ = ["number_phrase"]

_RULES: Final = (telephone, dotted, clock_times, days_and_ordinals, row, year_or_amount, single)
"""In the order in which they are asked: the first result counts."""


def number_phrase(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Decide about the number phrase that begins at a word.

    Returns:
        None if none begins there that is more than one number.
    """
    key = words[at].key
    if key not in FIRST_WORDS and not key[:1].isdigit() and key.partition("-")[0] not in FIRST_WORDS:
        return None
    for rule in _RULES:
        if (decision := rule(words, at)) is not None:
            return decision
    return None
