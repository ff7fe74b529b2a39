"""Amounts: money, percentages, numbers with a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.lexicon import CENTS, CURRENCIES, LONGEST_UNIT, UNITS, UNITS_IN_WORDS
from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.rules.context import RunInContext
from vivavoce.asr.text.formatting.words import Replacement

if TYPE_CHECKING:
    from vivavoce.asr.text.formatting.numbers import Number, NumberRun
    from vivavoce.asr.text.formatting.words import Rewrite

__all__ = ["amount", "is_measured", "money", "percent", "units"]

_ANY_CENTS: Final = range(1, 100)
_CENTS_WITHOUT_UNIT: Final = range(1, 100)  # "nineteen dollars ninety nine", "ten dollars five"


def amount(number: Number, sign: str) -> str:
    """Write a number in digits with thousands separators, without its scale.

    Args:
        number: A cardinal.
        sign: "minus" for a negative number; other signs are ignored.
    """
    is_as_spoken = number.is_written or number.is_decimal or number.scale
    text = number.digits if is_as_spoken else f"{number.value:,}"
    return f"-{text}" if sign == "minus" else text


def money(context: RunInContext) -> Rewrite | None:
    """Five dollars and ten cents."""
    number = context.run.single
    if number is None or context.run.sign == "minus":
        return None
    symbol = CURRENCIES.get(context.after(), "")
    end = context.run.end + 1
    if not symbol and context.after() in {"pound", "pounds"}:
        if context.after(2) == "sterling":
            symbol, end = "£", end + 1
        elif not context.words[end - 1].trail and _cents_at(context, end)[0]:
            symbol = "£"
    if not symbol:
        return None
    cents = 0
    if not (number.is_decimal or number.scale or context.words[end - 1].trail):
        cents, end = _cents_at(context, end)
    text = f"{symbol}{amount(number, '')}"
    if number.is_decimal and not number.scale:
        whole, _, fraction = text.partition(".")
        text = f"{whole}.{fraction:0<2}"
    return _with_unit(context, number, text + (f".{cents:02}" if cents else ""), "", end - context.run.end)


def _cents_at(context: RunInContext, at: int) -> tuple[int, int]:
    """Look for an amount of cents at a word.

    Returns:
        The cents and the index after their last word; 0 and ``at`` if there are none.
    """
    words = context.words
    begin = at + 1 if at < len(words) and words[at].key == "and" and not words[at].trail else at
    if begin >= len(words) or words[begin].lead:
        return 0, at
    run = parse_run(words, begin)
    number = run.single if run else None
    if run is None or number is None or run.sign:
        return 0, at
    if run.end >= len(words) or words[run.end - 1].trail:
        has_no_unit = begin == at and number.value in _CENTS_WITHOUT_UNIT and not number.is_decimal
        return (number.value, run.end) if has_no_unit else (0, at)
    if words[run.end].key not in CENTS or number.value not in _ANY_CENTS or number.is_decimal:
        return 0, at
    return number.value, run.end + 1


def percent(context: RunInContext) -> Rewrite | None:
    """Fifty percent, fifty per cent."""
    number = context.run.single
    if number is None or number.scale:
        return None
    if context.after() == "percent":
        n_more = 1
    elif context.after() == "per" and context.after(2) == "cent":
        n_more = 2
    else:
        return None
    return context.as_one_word(f"{amount(number, context.run.sign)}%", n_more)


def units(context: RunInContext) -> Rewrite | None:
    """Five kilometers, twenty degrees."""
    number = context.run.single
    if number is None:
        return None
    symbol, n_words = _unit_after(context)
    if not symbol and context.after() not in UNITS_IN_WORDS:
        return None
    return _with_unit(context, number, amount(number, context.run.sign), symbol, n_words)


def _unit_after(context: RunInContext) -> tuple[str, int]:
    """The symbol of the unit after the run and how many words it replaces; empty and 0 if there is none."""
    for n_words in range(LONGEST_UNIT, 0, -1):
        names = tuple(context.after(n) for n in range(1, n_words + 1))
        if names in UNITS:
            return UNITS[names], n_words
    return "", 0


def _with_unit(context: RunInContext, number: Number, text: str, symbol: str, n_more: int) -> Rewrite:
    """Write a number and its unit; the scale of the number, if it has one, stays a word.

    Args:
        context: The run that holds the number.
        number: The number.
        text: The number in digits, without its scale.
        symbol: The unit, as a word of its own; empty: ``text`` shows the unit already.
        n_more: How many words after the run are replaced too.
    """
    if not number.scale:
        if not symbol:
            return context.as_one_word(text, n_more)
        return Replacement(context.n_words, text), Replacement(n_more, symbol)
    n = max(1, number.n_words) if context.run.sign != "a" else 1
    n += context.run.sign == "minus"
    if n >= context.n_words:  # the scale is part of the only word: "five-million"
        return (Replacement(context.n_words + (0 if symbol else n_more), f"{text} {number.scale}"),)
    n_rest = context.n_words - n
    if symbol:
        return Replacement(n, text), Replacement(n_rest, number.scale), Replacement(n_more, symbol)
    return Replacement(n, text), Replacement(n_rest + n_more, number.scale)


def is_measured(context: RunInContext, run: NumberRun) -> bool:
    """Whether another run of the same turn is money, a percentage or has a unit."""
    other = RunInContext(context.words, run)
    return any(rule(other) is not None for rule in (money, percent, units))
