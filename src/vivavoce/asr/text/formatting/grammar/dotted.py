"""Versions and network addresses: "two point one point three", "ten dot zero dot zero dot one"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.cursor import joined
from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.words import Decision, Replacement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["dotted"]

_DOTS: Final = frozenset({"dot", "point"})
_LONGEST_PART: Final = 12  # words
_MOST_DIGITS: Final = 6


def dotted(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Write numbers with "dot" or with more than one "point" between them; None if there are none."""
    parts: list[str] = []
    dots: list[str] = []
    start = at
    while True:
        end = _end_of_part(words, start)
        digits = _digits(words, start, end)
        if not digits:
            return None
        parts.append(digits)
        if joined(words, end) not in _DOTS or not joined(words, end + 1):
            break
        dots.append(words[end].key)
        start = end + 1
    if not dots or dots == ["point"]:
        return None
    if len(set(dots)) > 1:
        return Decision((), end - at)
    return Decision((Replacement(end - at, ".".join(parts)),), 0)


def _end_of_part(words: Sequence[SplitWord], start: int) -> int:
    """The index after the last word that may belong to a part."""
    end = start + 1
    while end < start + _LONGEST_PART and joined(words, end) not in _DOTS and _is_number(words, end):
        end += 1
    return end


def _is_number(words: Sequence[SplitWord], at: int) -> bool:
    key = joined(words, at)
    return key in {"oh", "hundred", "and"} or bool(key and parse_run(words[at : at + 1], 0))


def _digits(words: Sequence[SplitWord], start: int, end: int) -> str:
    """The digits of a part: "one ninety two" is 192; empty if the words are something else."""
    if words[start].key in {"oh", "o"}:
        return "0" if end == start + 1 else ""
    run = parse_run(words[:end], start)
    if run is None or run.end != end or run.sign:
        return ""
    if any(
        number.kind not in {"cardinal", "oh"} or number.is_decimal or number.scale for number in run.numbers
    ):
        return ""
    digits = "".join(number.digits for number in run.numbers)
    return digits if len(digits) <= _MOST_DIGITS else ""
