"""Parses runs of number words into numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.numerals import ONES, ORDINALS, SCALES, TEENS, TENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["Number", "NumberRun", "parse_run"]

_IN_DIGITS: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15}")
_DECIMAL_IN_DIGITS: Final = re.compile(r"[0-9]{1,12}\.[0-9]{1,6}")
_PLURALS: Final = {word[:-1] + "ies": value for word, value in TENS.items()} | {"hundreds": 0}
_MINUS: Final = frozenset({"minus", "negative"})
_ZEROS: Final = frozenset({"oh", "o"})
_NEVER_FIRST: Final = frozenset({"and", "point", "hundred", "scale", "oh", "plural"})
_ONE_DIGIT: Final = range(1, 10)
_TWO_DIGITS: Final = range(1, 100)
_HUNDRED: Final = 100
_MILLION: Final = 1_000_000
_SECOND: Final = 2
_KINDS: Final[dict[str, tuple[str, int]]] = {
    **{part: (part, 0) for part in ("hundred", "and", "point")},
    **dict.fromkeys(_ZEROS, ("oh", 0)),
    **{part: ("plural", value) for part, value in _PLURALS.items()},
    **{part: ("ordinal", value) for part, value in ORDINALS.items()},
    **{part: ("scale", value) for part, value in SCALES.items()},
    **{part: ("ten", value) for part, value in TENS.items()},
    **{part: ("teen", value) for part, value in TEENS.items()},
    **{part: ("one", value) for part, value in ONES.items()},
}
_SCALE_NAMES: Final = {size: name for name, size in SCALES.items()}


@dataclass(frozen=True, slots=True)
class _Atom:
    """The smallest part of a number: a word, or a part of a hyphenated word.

    Attributes:
        kind: "one", "teen", "ten", "hundred", "scale" (thousand and up), "ordinal", "plural" (eighties,
            hundreds), "oh", "and", "point", "written" (in digits) or "decimal" (in digits, with a point).
        value: Its value; 0 where the kind has none.
        digits: As the recogniser wrote it, if in digits; else empty.
        index: Index of its word in the turn.
    """

    kind: str
    value: int
    digits: str
    index: int


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a run.

    Attributes:
        kind: "cardinal", "ordinal", "oh" (a zero spoken as "oh") or "plural" (the eighties, hundreds).
        value: Its value, without the fraction.
        digits: The number in digits. It has thousands separators only if the recogniser wrote them, and
            leaves out the scale if there is one.
        scale: "million" or a larger scale that stays a word; empty if there is none.
        n_words: How many words there are before the scale; 0 if there is none.
        is_written: Whether the recogniser wrote it in digits.
        is_ambiguous: Whether it ends in "second", which may be the unit of time.
    """

    kind: str
    value: int
    digits: str
    scale: str = ""
    n_words: int = 0
    is_written: bool = False
    is_ambiguous: bool = False

    @property
    def is_decimal(self) -> bool:
        """Whether it has a fraction."""
        return "." in self.digits


@dataclass(frozen=True, slots=True)
class NumberRun:
    """Numbers in a row with no other words between them.

    Attributes:
        start: Index of the first word.
        end: Index after the last word.
        numbers: At least one.
        sign: "a" or "minus" if the first word is such a word, else empty.
    """

    start: int
    end: int
    numbers: tuple[Number, ...]
    sign: str = ""

    @property
    def single(self) -> Number | None:
        """The number of a run that is one cardinal; None for every other run."""
        first = self.numbers[0]
        return first if len(self.numbers) == 1 and first.kind == "cardinal" else None


def parse_run(words: Sequence[SplitWord], start: int) -> NumberRun | None:
    """Parse the run of numbers that begins at a word; None if none begins there."""
    first = words[start]
    sign = "a" if first.key == "a" else "minus" if first.key in _MINUS else ""
    begin = start + bool(sign)
    if sign and first.trail:
        return None
    atoms = _collect_atoms(words, start, begin)
    if not atoms:
        return None
    if sign == "a":
        if atoms[0].kind not in {"hundred", "scale"}:
            return None
        atoms.insert(0, _Atom("one", 1, "", begin))
    parser = _Parser(atoms)
    numbers = parser.numbers()
    if not numbers:
        return None
    # The parser may stop within a hyphenated word. Then the run would end within a word: it is no run.
    end = parser.at
    if end < len(atoms) and atoms[end].index == atoms[end - 1].index:
        return None
    return NumberRun(start, atoms[end - 1].index + 1, tuple(numbers), sign)


def _collect_atoms(words: Sequence[SplitWord], start: int, begin: int) -> list[_Atom]:
    """Collect atoms from ``begin`` on, up to punctuation or a word that belongs to no number.

    Args:
        words: The words of the turn.
        start: Index of the sign, or ``begin`` if there is none.
        begin: Index of the first word of the number.
    """
    atoms: list[_Atom] = []
    for index in range(begin, len(words)):
        word = words[index]
        more = [] if index > start and word.lead else _atoms_of(word, index)
        if not more:
            break
        atoms += more
        if word.trail or (begin == start and atoms[0].kind in _NEVER_FIRST):
            break
    return atoms


def _atoms_of(word: SplitWord, index: int) -> list[_Atom]:
    """Split a word into atoms; empty if it belongs to no number."""
    key = word.key
    if (kind := _KINDS.get(key)) is not None:
        return [_Atom(*kind, "", index)]
    if "-" not in key and not key[:1].isdigit():
        return []
    if _DECIMAL_IN_DIGITS.fullmatch(key):
        return [_Atom("decimal", int(key.split(".")[0]), key, index)]
    atoms = [_atom(part, index) for part in word.parts]
    if len(atoms) > 1 and any(atom is None or atom.kind == "written" for atom in atoms):
        return []
    return [atom for atom in atoms if atom is not None]


def _atom(part: str, index: int) -> _Atom | None:
    if _IN_DIGITS.fullmatch(part):
        return _Atom("written", int(part.replace(",", "")), part, index)
    kind = _KINDS.get(part)
    return None if kind is None else _Atom(*kind, "", index)


class _Parser:
    """Parses atoms from left to right, as far as they form numbers.

    Attributes:
        at: Index of the next atom.
    """

    def __init__(self, atoms: Sequence[_Atom], at: int = 0) -> None:
        self._atoms = atoms
        self.at = at

    def numbers(self) -> list[Number]:
        """Parse all numbers of the run."""
        numbers: list[Number] = []
        while number := self._next_number(is_first=not numbers):
            numbers.append(number)
        return numbers

    def _kind(self, ahead: int = 0) -> str:
        """The kind of the next atom, or of one further ahead; empty after the last."""
        at = self.at + ahead
        return self._atoms[at].kind if at < len(self._atoms) else ""

    def _next_number(self, *, is_first: bool) -> Number | None:
        kind = self._kind()
        atom = self._atoms[self.at] if kind else None
        if atom is None or kind in {"and", "point", "scale", "hundred"}:
            return None
        if kind == "oh":
            if is_first or self._kind(1) not in {"one", "oh", "written"}:
                return None
            self.at += 1
            return Number("oh", 0, "0")
        if kind == "plural":
            if is_first:
                return None
            self.at += 1
            return Number("plural", atom.value, "")
        if kind == "ordinal":
            if atom.value >= _HUNDRED:  # "the hundredth time" is rarely meant as a number
                return None
            self.at += 1
            return Number("ordinal", atom.value, str(atom.value), is_ambiguous=atom.value == _SECOND)
        if kind == "decimal":
            self.at += 1
            return self._scaled(Number("cardinal", atom.value, atom.digits, is_written=True), atom)
        return self._number_in_words(atom)

    def _number_in_words(self, first: _Atom) -> Number:
        """Parse a cardinal or ordinal: groups below a thousand, each but the last with a scale."""
        value, is_ordinal = self._group()
        if not is_ordinal and self._kind() == "point" and (fraction := self._fraction()):
            return self._scaled(Number("cardinal", value, f"{value}.{fraction}"), first)
        total, last_size = 0, 0
        coefficient, n_scales = value, 0
        scale_at = -1
        while not is_ordinal and self._is_smaller_scale(last_size):
            size = self._atoms[self.at].value
            scale_at = self.at
            is_ordinal = self._kind() == "ordinal"
            total += value * size
            last_size, value = size, 0
            n_scales += 1
            self.at += 1
            if is_ordinal or not self._continues_after_scale(size):
                break
            self.at += self._kind() == "and"
            value, is_ordinal = self._group()
        total += value
        kind = "ordinal" if is_ordinal else "cardinal"
        is_ambiguous = is_ordinal and self._atoms[self.at - 1].value == _SECOND
        if n_scales == 1 and not value and not is_ordinal and last_size >= _MILLION:
            n_words = self._atoms[scale_at].index - first.index
            return Number(kind, total, str(coefficient), _SCALE_NAMES[last_size], n_words)
        is_written = first.kind == "written" and self._atoms[self.at - 1] is first
        digits = first.digits if is_written else str(total)
        return Number(kind, total, digits, is_written=is_written, is_ambiguous=is_ambiguous)

    def _is_smaller_scale(self, last_size: int) -> bool:
        """Whether the next atom is a scale that may follow a scale of this size (0: none)."""
        atom = self._atoms[self.at] if self._kind() in {"scale", "ordinal"} else None
        return atom is not None and atom.value in _SCALE_NAMES and (not last_size or atom.value < last_size)

    def _scaled(self, number: Number, first: _Atom) -> Number:
        """Add the scale that follows a decimal number, if one does: 2.5 million."""
        if self._kind() != "scale":
            return number
        atom = self._atoms[self.at]
        self.at += 1
        n_words = atom.index - first.index
        return Number("cardinal", number.value * atom.value, number.digits, _SCALE_NAMES[atom.value], n_words)

    def _continues_after_scale(self, size: int) -> bool:
        """Whether the atoms after a scale of this size belong to the same number."""
        has_and = self._kind() == "and"
        probe = _Parser(self._atoms, self.at + has_and)
        if probe._kind() not in {"one", "teen", "ten", "ordinal"}:
            return False
        value, is_ordinal = probe._group()
        if has_and and value not in _TWO_DIGITS:
            return False
        if is_ordinal:
            return True
        after = probe._atoms[probe.at] if probe._kind() == "scale" else None
        if probe._kind() == "hundred":
            return False
        return bool(value) and (after is None or (after.value < size and not has_and))

    def _group(self) -> tuple[int, bool]:
        """Parse a number below 1,000, or one below 10,000 in hundreds ("twenty five hundred").

        Returns:
            Its value, and whether it is an ordinal.
        """
        value, is_ordinal = self._below_hundred()
        if is_ordinal or not value:
            return value, is_ordinal
        if self._kind() == "ordinal" and self._atoms[self.at].value == _HUNDRED:
            self.at += 1
            return value * _HUNDRED, True
        if self._kind() != "hundred" or value >= _HUNDRED:
            return value, False
        self.at += 1
        value *= _HUNDRED
        has_and = self._kind() == "and"
        if self._kind(int(has_and)) not in {"one", "teen", "ten", "ordinal"}:
            return value, False
        probe = _Parser(self._atoms, self.at + has_and)
        rest, is_ordinal = probe._below_hundred()
        if rest not in _TWO_DIGITS or probe._kind() == "hundred":
            return value, False
        self.at = probe.at
        return value + rest, is_ordinal

    def _below_hundred(self) -> tuple[int, bool]:
        """Parse one atom, or a ten and a one; return the value and whether it is an ordinal."""
        atom = self._atoms[self.at]
        self.at += 1
        if atom.kind == "ordinal":
            return atom.value, True
        if atom.kind == "ten" and self._kind() in {"one", "ordinal"}:
            after = self._atoms[self.at]
            if after.value in _ONE_DIGIT:
                self.at += 1
                return atom.value + after.value, after.kind == "ordinal"
        return atom.value, False

    def _fraction(self) -> str:
        """Parse the digits after a decimal point; empty, and nothing consumed, if there are none."""
        begin = self.at
        self.at += 1
        digits = ""
        while self._kind() in {"one", "oh"} or (
            self._kind() == "written" and len(self._atoms[self.at].digits) == 1
        ):
            digits += str(self._atoms[self.at].value)
            self.at += 1
        if not digits and self._kind() in {"teen", "ten", "written"}:
            digits = str(self._below_hundred()[0])
        if not digits:
            self.at = begin
        return digits
