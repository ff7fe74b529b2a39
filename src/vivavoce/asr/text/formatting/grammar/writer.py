"""Writes the terms of a phrase in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.words import Replacement
from vivavoce.asr.text.numerals import SCALES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.grammar.terms import Term
    from vivavoce.asr.text.formatting.grammar.units import Unit
    from vivavoce.asr.text.formatting.words import Rewrite, SplitWord

__all__ = ["figures", "written_row", "written_term"]

_MILLION: Final = SCALES["million"]


def written_row(
    words: Sequence[SplitWord], terms: Sequence[Term], multipliers: Sequence[int], unit: Unit | None
) -> Rewrite:
    """Write terms, the words between them and the unit after them.

    Args:
        words: The words of the turn.
        terms: The terms in their order.
        multipliers: What multiplies each: a scale that is said once, after the last term.
        unit: The unit after the last term, which belongs to all.
    """
    rewrite: list[Replacement] = []
    symbol = unit.symbol if unit and unit.is_money else ""
    at = terms[0].start
    for it, multiplier in zip(terms, multipliers, strict=True):
        rewrite += (Replacement(1, words[index].core) for index in range(at, it.start))
        rewrite += written_term(it, multiplier, symbol)
        at = it.end
    if unit is None or unit.end == at:
        return tuple(rewrite)
    n_words = unit.end - at
    if unit.is_money or unit.symbol == "%":
        last = rewrite.pop()
        text = last.text if unit.is_money else f"{last.text}%"
        return (*rewrite, Replacement(last.n_words + n_words, text))
    return (*rewrite, Replacement(n_words, unit.symbol))


def written_term(term: Term, multiplier: int = 1, symbol: str = "") -> Rewrite:
    """Write one term; a scale from a million on stays a word of its own.

    Args:
        term: The term.
        multiplier: What multiplies it, if a later term says so.
        symbol: A currency's symbol.
    """
    sign = "-" if term.sign == "minus" else ""
    n_words = term.end - term.start
    number = term.number
    if not number.scale:
        return (Replacement(n_words, f"{sign}{symbol}{figures(term, multiplier, cents=bool(symbol))}"),)
    n_before = max(1, number.n_words) if term.sign != "a" else 1
    n_before += term.sign == "minus"
    text = f"{sign}{symbol}{number.digits}"
    if n_before >= n_words:  # the scale is part of the only word: "five-million"
        return (Replacement(n_words, f"{text} {number.scale}"),)
    return Replacement(n_before, text), Replacement(n_words - n_before, number.scale)


def figures(term: Term, multiplier: int = 1, *, cents: bool = False) -> str:
    """The figures of a term without its sign and its scale.

    Args:
        term: The term.
        multiplier: What multiplies it; from a million on, the scale stays a word after a later term.
        cents: Whether a decimal number has two places, as amounts of money have.
    """
    number = term.number
    if multiplier >= _MILLION:
        multiplier //= max(size for size in SCALES.values() if multiplier % size == 0)
        cents = False
    if multiplier > 1:
        return f"{number.value * multiplier:,}"
    if number.is_decimal:
        whole, _, fraction = number.digits.partition(".")
        return f"{whole}.{fraction:0<2}" if cents else number.digits
    return number.digits if number.is_written else f"{number.value:,}"
