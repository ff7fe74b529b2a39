"""One number with a sign, a leading "point" or "hundred", or a fraction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.cursor import before, closes, joined, joined_keys
from vivavoce.asr.text.formatting.grammar.terms import Term, fraction_of_scale, term
from vivavoce.asr.text.formatting.grammar.units import cents_end, unit_at
from vivavoce.asr.text.formatting.grammar.writer import written_row
from vivavoce.asr.text.formatting.lexicon import CENTS, CURRENCIES, FRACTIONS, MULTIPLIERS
from vivavoce.asr.text.formatting.numbers import Number, parse_run
from vivavoce.asr.text.formatting.words import Decision, Replacement
from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["single"]

_PLUS_OR_MINUS: Final = (("plus", "or", "minus"), ("plus", "minus"))
_BEFORE_AMOUNTS: Final = word_set(
    "about almost around at by cost costs for is just nearly of only over to was"
)
_AFTER_ADJECTIVES: Final = word_set(
    "acre amp day degree dollar euro foot gallon gram hour inch liter meter mile minute month ounce page "
    "person piece pound room seat second ton unit volt watt week yard year"
)
"""Units in the singular, as after a number that stands before a noun: "a hundred twenty volt outlet"."""
_NOUGHTS: Final = frozenset({"nought", "naught"})
_SMALL_COINS: Final = {"dollar": "$", "euro": "€", "pound": "£"}


def single(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Decide about one number that begins at a word; None if the rules for plain numbers apply."""
    for rule in _RULES.get(words[at].key, _ANY_NUMBER):
        if (decision := rule(words, at)) is not None:
            return decision
    return None


def _fraction_of_scale(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Half a million dollars."""
    end = fraction_of_scale(words, at)
    return Decision((), end - at) if end else None


def _plus_or_minus(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Plus or minus five percent."""
    for signs in _PLUS_OR_MINUS:
        start = at + len(signs)
        if words[at].trail or not joined_keys(words, at + 1, *((sign,) for sign in signs[1:])):
            continue
        it = term(words, start) if joined(words, start) else None
        if it is None or not (it.is_plain or it.number.is_decimal) or it.sign or it.number.scale:
            return Decision((), len(signs))
        unit = unit_at(words, it.end)
        if unit is None and abs(it.value) < 10 and not it.number.is_decimal:  # noqa: PLR2004 - smallest in figures
            return Decision((), it.end - at)
        first, *rest = written_row(words, (it,), (1,), unit)
        return Decision((Replacement(first.n_words + len(signs), f"±{first.text}"), *rest), 0)
    return None


def _leading_point(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Point five percent."""
    it = term(words, at) if words[at].key == "point" or joined(words, at + 1) == "point" else None
    if it is None:
        return None
    if before(words, at) in _NOUGHTS:
        return Decision((), it.end - at)
    unit = unit_at(words, it.end)
    is_amount = unit is not None and not unit.is_money and joined(words, it.end) not in MULTIPLIERS
    is_alone = unit is None and closes(words, it.end) and before(words, at) in _BEFORE_AMOUNTS
    if not (is_amount or is_alone):
        return Decision((), it.end - at)
    return Decision(written_row(words, (it,), (1,), unit), 0)


def _leading_hundred(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Hundred and ten percent."""
    if words[at].trail:
        return None
    start = at + 1 + (joined(words, at + 1) == "and")
    it = term(words, start) if joined(words, start) else None
    if it is None:
        return None
    unit = unit_at(words, it.end)
    in_words = Decision((), it.end - at)
    is_begin = words[at].opens_sentence or before(words, at) in _BEFORE_AMOUNTS
    if words[at].key != "hundred" or not is_begin or not it.is_plain or it.value not in range(1, 100):
        return in_words
    number = Number("cardinal", 100 + it.value, str(100 + it.value))
    return Decision(written_row(words, (Term(at, it.end, number),), (1,), unit), 0)


def _amount_of_one(words: Sequence[SplitWord], at: int) -> Decision | None:
    """A dollar and fifty cents."""
    symbol = _SMALL_COINS.get(joined(words, at + 1), "")
    if not symbol or not joined_keys(words, at + 2, {"and"}):
        return None
    it = term(words, at + 3) if joined(words, at + 3) else None
    if it is None or not it.is_plain or it.value not in range(1, 100):
        return None
    if joined(words, it.end) not in CENTS:
        return None
    return Decision((Replacement(it.end + 1 - at, f"{symbol}1.{it.value:02}"),), 0)


def _article(words: Sequence[SplitWord], at: int) -> Decision | None:
    """A hundred twenty volt outlet: the article belongs to the outlet."""
    run = parse_run(words, at)
    number = run.single if run else None
    if run is None or number is None or run.sign != "a":
        return None
    unit = joined(words, run.end)
    if unit not in _AFTER_ADJECTIVES or not joined(words, run.end + 1):
        return None
    if number.scale:
        return Decision((), run.end - at)
    if not number.value % 100 and unit not in CURRENCIES:
        return None
    text = f"{number.value:,}"
    if symbol := CURRENCIES.get(unit):
        return Decision((Replacement(1, words[at].core), Replacement(run.end - at, f"{symbol}{text}")), 0)
    return Decision((Replacement(1, words[at].core), Replacement(run.end - at - 1, text)), 0)


def _with_half(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Two dollars and a half, two and a half percent: as spoken."""
    it = term(words, at)
    if it is None:
        return None
    if it.stays:
        return Decision((), it.end - at)
    end = it.end + 1
    unit = unit_at(words, it.end)
    if unit is not None:
        end = max(unit.end, end)
    if joined(words, it.end) and joined_keys(words, end, {"and"}, {"a", "one", "three"}, FRACTIONS):
        return Decision((), end + 3 - at)
    return None


def _negative_money(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Minus fifty dollars."""
    it = term(words, at)
    unit = unit_at(words, it.end) if it else None
    if it is None or unit is None or not unit.is_money or it.stays:
        return None
    if end := cents_end(words, unit.end):
        return Decision((), end - at)
    return Decision(written_row(words, (it,), (1,), unit), 0)


_ANY_NUMBER: Final = (_fraction_of_scale, _with_half)
_RULES: Final[dict[str, tuple[Callable[[Sequence[SplitWord], int], Decision | None], ...]]] = {
    "a": (_fraction_of_scale, _amount_of_one, _article, _with_half),
    "an": (_fraction_of_scale,),
    "one": (_fraction_of_scale, _amount_of_one, _with_half),
    **dict.fromkeys(FRACTIONS, (_fraction_of_scale,)),
    "plus": (_plus_or_minus,),
    "minus": (_leading_point, _with_half, _negative_money),
    "negative": (_leading_point, _with_half, _negative_money),
    "point": (_leading_point,),
    **dict.fromkeys(MULTIPLIERS, (_leading_hundred,)),
}
