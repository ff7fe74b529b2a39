"""Ranges and rows: numbers linked by "to", "or", "and" and the like, written alike or not at all."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.formatting.cursor import before, closes, is_name, joined, joined_keys
from vivavoce.asr.text.formatting.grammar.terms import Term, split_between, term
from vivavoce.asr.text.formatting.grammar.units import Unit, cents_end, unit_at
from vivavoce.asr.text.formatting.grammar.writer import written_row
from vivavoce.asr.text.formatting.lexicon import ADVERBS
from vivavoce.asr.text.formatting.numbers import parse_run
from vivavoce.asr.text.formatting.words import Decision, Replacement
from vivavoce.asr.text.numerals import SCALES
from vivavoce.asr.text.word_lists import FUNCTION_WORDS, word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

from vivavoce.asr.text.formatting.words import Rewrite, SplitWord

__all__ = ["row"]

_RANGE_LINKS: Final = word_set("to or through")
_SUMS: Final = word_set("plus minus times versus")
_LINKS: Final = _RANGE_LINKS | _SUMS | word_set("and by")
_SMALLEST_IN_FIGURES: Final = 10
_LARGEST_RATIO: Final = 3  # of the ends of a range that shares a scale: "two to six hundred" is not one
_YEARS: Final = range(1900, 2100)
_COMMON_YEARS: Final = range(2001, 2100)
_LAST_HOUR: Final = 12
_MINUTES_TO: Final = frozenset({5, 10, 15, 20, 25})


@dataclass(frozen=True, slots=True)
class Row:
    """Terms with links between them.

    Attributes:
        words: The words of the turn.
        terms: In their order; two or more.
        links: The words between them, without adverbs: "to", "or", "," and so on.
        unit: The unit after the last.
    """

    words: Sequence[SplitWord]
    terms: tuple[Term, ...]
    links: tuple[str, ...]
    unit: Unit | None

    @property
    def end(self) -> int:
        """Index after its last word, unit included."""
        return self.unit.end if self.unit else self.terms[-1].end

    @property
    def is_between(self) -> bool:
        """Whether its "and" links two ends."""
        return before(self.words, self.terms[0].start) == "between"

    @property
    def is_range(self) -> bool:
        """Whether each link says that the numbers are of one kind."""
        return all(link in _RANGE_LINKS or (link == "and" and self.is_between) for link in self.links)


def row(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Write the range or the row of numbers that begins at a word, or leave all of it in words.

    Returns:
        None if there is no second number, or each number stands for itself.
    """
    found = _row(words, at)
    if found is None:
        return _row_with_units(words, at)
    in_words = Decision((), found.end - at)
    terms = found.terms
    if any(it.stays for it in terms) or any(is_name(words, it.start) for it in terms):
        return in_words
    if found.unit and found.unit.is_money and (end := cents_end(words, found.unit.end)):
        return Decision((), end - at)
    if found.unit and found.unit.symbol == "%" and any(it.number.scale for it in terms):
        return in_words
    if terms[0].number.is_decimal and terms[0].value == 1 and before(words, at) in {"at", "to", "up"}:
        return in_words  # "at one point five or six people left"
    if not found.is_range:
        return _unlike(found, in_words)
    if _is_clock_phrase(found):
        return in_words
    multipliers = _shared(found)
    if multipliers is None:
        return in_words
    if written := _written_years(found):
        return Decision(written, 0)
    values = [it.value if m == 1 else it.coefficient * m for it, m in zip(terms, multipliers, strict=True)]
    is_large = any(
        abs(value) >= _SMALLEST_IN_FIGURES or it.sign == "minus"
        for value, it in zip(values, terms, strict=True)
    )
    if found.unit is None and not is_large and not any(it.number.is_decimal for it in terms):
        return None
    if found.unit is None and terms[0].value == 1 and multipliers[0] == 1 and found.links[0] in {"or", "and"}:
        return in_words  # "one" may be a pronoun
    return Decision(written_row(words, terms, multipliers, found.unit), 0)


def _row(words: Sequence[SplitWord], at: int) -> Row | None:
    """Collect terms and links from a word on; None if there is one term or none."""
    limit = split_between(words, at) if before(words, at) == "between" else 0
    first = term(words, at, limit or None)
    if first is None:
        return None
    terms, links = [first], [""]
    while link := _link(words, terms[-1].end):
        name, start = link
        following = term(words, start)
        if following is None or (name == "," and _is_apart(terms[-1], following)):
            break
        terms.append(following)
        links.append(name)
    if len(terms) == 1:
        return None
    return Row(words, tuple(terms), tuple(links[1:]), unit_at(words, terms[-1].end))


def _row_with_units(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Leave a range in words that says a unit after its first number, where one number would stay in words.

    "Half a million euros or a million euros", "three dollars or four". Else each number is written by itself.
    """
    first = term(words, at)
    if first is None:
        return _row_of_hundreds(words, at)
    unit = unit_at(words, first.end)
    has_link = unit is not None and unit.symbol and joined(words, unit.end) in _RANGE_LINKS
    link = _link(words, unit.end) if unit and has_link else None
    second = term(words, link[1]) if link and link[0] in _RANGE_LINKS else None
    if unit is None or link is None or second is None:
        return None
    second_unit = unit_at(words, second.end)
    is_same = second_unit is not None and second_unit.symbol == unit.symbol
    is_bare = second_unit is None and link[0] == "or" and closes(words, second.end)
    is_small = second.is_plain and second.value < _SMALLEST_IN_FIGURES
    if (is_same and (first.stays or second.stays)) or (is_bare and (is_small or second.stays)):
        return Decision((), second.end - at)
    return None


def _row_of_hundreds(words: Sequence[SplitWord], at: int) -> Decision | None:
    """Leave "one fifty to two hundred" in words: 150 is certain in a range only to a listener."""
    run = parse_run(words, at)
    if run is None or run.sign or len(run.numbers) != 2:  # noqa: PLR2004 - "one" and "fifty"
        return None
    if not all(number.kind == "cardinal" for number in run.numbers) or run.numbers[0].value not in range(
        1, 10
    ):
        return None
    link = _link(words, run.end)
    following = parse_run(words, link[1]) if link and link[0] in {*_RANGE_LINKS, "and"} else None
    return Decision((), following.end - at) if following else None


def _link(words: Sequence[SplitWord], at: int) -> tuple[str, int] | None:
    """The link at an index and the index of the word after it; None if there is none."""
    name = ""
    if words[at - 1].trail == "," and at < len(words) and not words[at].lead:
        name = ","
        if words[at].key in {"or", "and"} and not words[at].trail:
            at += 1
    elif joined(words, at) in _LINKS:
        name = words[at].key
        at += 1
    elif joined_keys(words, at, {"out"}, {"of"}):
        name = "of"
        at += 2
    elif joined(words, at) == "of":
        name = "of"
        at += 1
    elif joined(words, at) == "in" and words[at - 1].key == "one":
        name = "in"
        at += 1
    if not name or at >= len(words) or words[at].lead or (words[at - 1].trail and name != ","):
        return None
    if words[at].key in ADVERBS and not words[at].trail:
        at += 1
        if at >= len(words) or words[at].lead:
            return None
    return name, at


def _is_apart(first: Term, second: Term) -> bool:
    """Whether a comma between two numbers ends a clause: one of them is a year, or they differ too much."""
    return any(it.number.value in _YEARS and it.multiplier == 0 for it in (first, second))


def _unlike(found: Row, in_words: Decision) -> Decision | None:
    """Decide about numbers that a comma, "and" or a sum links: all in words if some would be.

    Returns:
        None if each may be written for itself: all are, or none is.
    """
    terms, links = found.terms, found.links
    last = terms[-1]
    is_small = [it.number.value < _SMALLEST_IN_FIGURES and not it.number.is_decimal for it in terms]
    if set(links) <= _SUMS | {"by"} and not (found.unit and set(links) & _SUMS):
        if all(is_small) or any(not it.is_plain for it in terms):
            return in_words
        return Decision(written_row(found.words, terms, (1,) * len(terms), found.unit), 0)
    shares_scale = last.multiplier > 1 and any(it.multiplier == 1 for it in terms[:-1])
    shares_unit = found.unit is not None and (
        found.unit.symbol in "$€£" or "," in links or bool(set(links) & _SUMS)
    )
    is_mixed = (any(is_small) and not all(is_small)) or any(
        it.sign == "a" and it.number.value % 100 == 0 for it in terms
    )
    if shares_scale or shares_unit or is_mixed:
        return in_words
    return None


def _is_clock_phrase(found: Row) -> bool:
    """Whether it is "ten to one", "five to twelve"."""
    first, second = found.terms[0], found.terms[1]
    return (
        found.links == ("to",)
        and found.unit is None
        and first.value in _MINUTES_TO
        and first.is_plain
        and 0 < second.value <= _LAST_HOUR
        and (second.value <= _SMALLEST_IN_FIGURES or closes(found.words, second.end))
    )


def _shared(found: Row) -> tuple[int, ...] | None:
    """What multiplies each term: a scale may be said once, after the last.

    Returns:
        1 for a term that is complete as it is. None if what is meant is not certain.
    """
    *others, last = found.terms
    multipliers = [_shared_scale(it, last) for it in others]
    return None if None in multipliers else (*(it or 1 for it in multipliers), 1)


def _shared_scale(term: Term, last: Term) -> int | None:
    """What multiplies a term before the last one; None if that is not certain.

    "Two to three hundred" shares the hundred, "ten to one hundred" does not. "Two to nine hundred" may or may
    not, and so may "one hundred to two hundred thousand".
    """
    if not term.value or "minus" in {term.sign, last.sign} or term.number.scale or last.multiplier == 1:
        return 1
    size = max(
        (size for size in SCALES.values() if last.multiplier and last.multiplier % size == 0), default=1
    )
    if term.number.is_decimal:
        return size if last.number.scale else None
    scales = {last.multiplier: last.coefficient}
    if size > 1:
        scales[size] = last.number.value // size
    larger = {scale: count for scale, count in scales.items() if count > term.value}
    if not larger:
        return 1
    shared = [scale for scale, count in larger.items() if count <= term.value * _LARGEST_RATIO]
    is_small = term.multiplier == 1 and last.multiplier
    return shared[0] if is_small and len(shared) == 1 else None


def _written_years(found: Row) -> Rewrite:
    """Write "two thousand five to two thousand ten" as years, without separators; empty if they are none."""
    terms = found.terms
    if found.unit or not all(it.is_plain and it.value in _YEARS for it in terms):
        return ()
    if not any(it.value in _COMMON_YEARS and not it.number.is_written for it in terms):
        return ()
    if not closes(found.words, found.end) and found.words[found.end].key not in FUNCTION_WORDS:
        return ()
    rewrite = written_row(found.words, terms, (1,) * len(terms), None)
    return tuple(Replacement(n_words, text.replace(",", "")) for n_words, text in map(astuple, rewrite))
