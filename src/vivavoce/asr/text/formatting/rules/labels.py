"""Numbers that identify something: houses, rooms, chapters, and fixed expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.word_lists import word_set

if TYPE_CHECKING:
    from vivavoce.asr.text.formatting.numbers import NumberRun
    from vivavoce.asr.text.formatting.rules.context import RunInContext
    from vivavoce.asr.text.formatting.words import Rewrite

__all__ = ["fixed_expressions", "labels", "streets"]

_STREETS: Final = word_set("street avenue road lane drive boulevard court square")
_LONGEST_STREET_NAME: Final = 3  # words, with "street"
_LABELS: Final = word_set(
    "room flight extension route highway interstate channel page chapter apartment suite platform gate "
    "version section figure episode season volume article building bus"
)
_LABELS_BEFORE_ONE: Final = word_set("page chapter version episode season volume figure section")
_EXPRESSIONS: Final[dict[tuple[str, ...], str]] = {("24", "7"): "24/7", ("50", "50"): "50-50"}


def streets(context: RunInContext) -> Rewrite | None:
    """One twenty three Main Street."""
    run = context.run
    if not _is_digit_by_digit(run):
        return None
    if run.numbers[0].value == 1 and len(run.numbers) == 1:
        return None
    for n in range(1, _LONGEST_STREET_NAME + 1):
        if not context.is_capital_after(n):
            return None
        if n > 1 and context.after(n) in _STREETS:
            return context.as_one_word(_joined_digits(run))
    return None


def labels(context: RunInContext) -> Rewrite | None:
    """Room two oh five, chapter two."""
    run = context.run
    label = context.before()
    if label not in _LABELS or not _is_digit_by_digit(run):
        return None
    number = run.single
    if number is not None and number.value == 1:  # "one" is often a pronoun: "the room one wants"
        is_label = label in _LABELS_BEFORE_ONE and context.before(2) not in {"the", "a", "every"}
        return context.as_one_word(_joined_digits(run)) if is_label else None
    return context.as_one_word(_joined_digits(run))


def _is_digit_by_digit(run: NumberRun) -> bool:
    """Whether the numbers can be joined, as in "two oh five"."""
    return not run.sign and all(
        number.kind in {"cardinal", "oh"} and not number.scale for number in run.numbers
    )


def _joined_digits(run: NumberRun) -> str:
    return "".join(number.digits for number in run.numbers)


def fixed_expressions(context: RunInContext) -> Rewrite | None:
    """Twenty four seven, fifty fifty."""
    if context.run.sign:
        return None
    text = _EXPRESSIONS.get(tuple(number.digits for number in context.run.numbers))
    return context.as_one_word(text) if text else None
