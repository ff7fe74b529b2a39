"""Runs of number words, read as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text.numerals import ONES, ORDINALS, SCALES, TEENS, TENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.text.formatting.pieces import Token

__all__ = ["Number", "Run", "figures", "read_run"]

_WRITTEN: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15}")
_WRITTEN_DECIMAL: Final = re.compile(r"[0-9]{1,12}\.[0-9]{1,6}")
_PLURALS: Final = {word[:-1] + "ies": value for word, value in TENS.items()} | {"hundreds": 0}
_MINUS: Final = frozenset({"minus", "negative"})
_ZEROS: Final = frozenset({"oh", "o"})
_BELOW_100: Final = TEENS | TENS | ONES
_NEVER_FIRST: Final = frozenset({"and", "point", "hundred", "scale", "oh", "plural"})
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Atom:
    """A word of a number: its kind, its value, as it is written if in figures, and its token."""

    kind: str
    value: int
    text: str
    token: int


@dataclass(frozen=True, slots=True)
class Number:
    """One number within a run.

    Attributes:
        kind: "cardinal", "ordinal", "oh" (a nought said so) or "plural" (the eighties, hundreds).
        value: Without a fraction.
        text: In figures, without thousands separators unless it was written so.
        scale: "million" or the like, where the figures stand in front of it.
        n_tokens: Tokens before the scale; 0 if it has none.
        is_written: Whether it was in figures already.
        is_ambiguous: Whether it ends in "second", which may be a unit of time.
    """

    kind: str
    value: int
    text: str
    scale: str = ""
    n_tokens: int = 0
    is_written: bool = False
    is_ambiguous: bool = False

    @property
    def is_decimal(self) -> bool:
        """Whether it has a fraction."""
        return "." in self.text


@dataclass(frozen=True, slots=True)
class Run:
    """Numbers in a row with nothing between them.

    Attributes:
        start: Its first token.
        end: Behind its last token.
        numbers: At least one.
        sign: "a" or "minus" where the first token is such a word, else empty.
    """

    start: int
    end: int
    numbers: tuple[Number, ...]
    sign: str = ""

    @property
    def single(self) -> Number | None:
        """Its only number that is no ordinal, nought or plural; None if there is another or none."""
        first = self.numbers[0]
        return first if len(self.numbers) == 1 and first.kind == "cardinal" else None


def figures(value: int) -> str:
    """A cardinal in figures, with separators from four digits on."""
    return f"{value:,}"


def _atoms_of(token: Token, index: int) -> list[_Atom]:
    """What a token says as part of a number; empty if it is none."""
    key = token.key
    if _WRITTEN_DECIMAL.fullmatch(key):
        return [_Atom("decimal", int(key.split(".")[0]), key, index)]
    atoms = [_atom(part, index) for part in token.parts]
    if len(atoms) > 1 and any(atom is None or atom.kind == "written" for atom in atoms):
        return []
    return [atom for atom in atoms if atom is not None]


def _atom(part: str, index: int) -> _Atom | None:
    if _WRITTEN.fullmatch(part):
        return _Atom("written", int(part.replace(",", "")), part, index)
    for kind, table in (
        ("one", ONES),
        ("teen", TEENS),
        ("ten", TENS),
        ("scale", SCALES),
        ("ordinal", ORDINALS),
    ):
        if part in table:
            return _Atom(kind, table[part], "", index)
    if part in _PLURALS:
        return _Atom("plural", _PLURALS[part], "", index)
    if part in _ZEROS:
        return _Atom("oh", 0, "", index)
    return _Atom(part, 0, "", index) if part in {"hundred", "and", "point"} else None


def read_run(tokens: Sequence[Token], start: int) -> Run | None:
    """Read the run that begins at a token; None if none does."""
    first = tokens[start]
    sign = "a" if first.key == "a" else "minus" if first.key in _MINUS else ""
    begin = start + bool(sign)
    if sign and first.trail:
        return None
    atoms: list[_Atom] = []
    for index in range(begin, len(tokens)):
        token = tokens[index]
        more = [] if index > start and token.lead else _atoms_of(token, index)
        if not more:
            break
        atoms += more
        if token.trail or (not sign and atoms[0].kind in _NEVER_FIRST):
            break
    if not atoms:
        return None
    if sign == "a":
        if atoms[0].kind not in {"hundred", "scale"}:
            return None
        atoms.insert(0, _Atom("one", 1, "", begin))
    reader = _Reader(atoms)
    numbers = reader.all()
    if not numbers:
        return None
    # A token whose later part was not understood belongs to no run.
    end = reader.at
    if end < len(atoms) and atoms[end].token == atoms[end - 1].token:
        return None
    return Run(start, atoms[end - 1].token + 1, tuple(numbers), sign)


class _Reader:
    """Reads atoms from left to right, as far as they make numbers."""

    def __init__(self, atoms: Sequence[_Atom]) -> None:
        self._atoms = atoms
        self.at = 0

    def _kind(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self._atoms[at].kind if at < len(self._atoms) else ""

    def all(self) -> list[Number]:
        """Every number of the run."""
        numbers: list[Number] = []
        while number := self._next(is_first=not numbers):
            numbers.append(number)
        return numbers

    def _next(self, *, is_first: bool) -> Number | None:
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
            if atom.value >= 100:  # noqa: PLR2004 - "the hundredth time" counts nothing
                return None
            self.at += 1
            return Number("ordinal", atom.value, str(atom.value), is_ambiguous=atom.value == 2)  # noqa: PLR2004
        if kind == "decimal":
            self.at += 1
            return self._scaled(Number("cardinal", atom.value, atom.text, is_written=True), atom)
        return self._cardinal(atom)

    def _cardinal(self, first: _Atom) -> Number:
        value, is_ordinal = self._group()
        if not is_ordinal and self._kind() == "point" and (fraction := self._fraction()):
            return self._scaled(Number("cardinal", value, f"{value}.{fraction}"), first)
        total, last = 0, 0
        coefficient, n_scales = value, 0
        scale_at = -1
        while not is_ordinal and self._scale_below(last):
            size = self._atoms[self.at].value
            scale_at = self.at
            is_ordinal = self._kind() == "ordinal"
            total += value * size
            last, value = size, 0
            n_scales += 1
            self.at += 1
            if is_ordinal or not self._continues(size):
                break
            self.at += self._kind() == "and"
            value, is_ordinal = self._group()
        total += value
        kind = "ordinal" if is_ordinal else "cardinal"
        ambiguous = is_ordinal and self._atoms[self.at - 1].value == 2  # noqa: PLR2004
        if n_scales == 1 and not value and not is_ordinal and last >= _MILLION:
            word = next(name for name, size in SCALES.items() if size == last)
            n_tokens = self._atoms[scale_at].token - first.token
            return Number(kind, total, str(coefficient), word, n_tokens)
        is_written = first.kind == "written" and self._atoms[self.at - 1] is first
        return Number(kind, total, first.text if is_written else str(total), "", 0, is_written, ambiguous)

    def _scale_below(self, last: int) -> bool:
        atom = self._atoms[self.at] if self._kind() in {"scale", "ordinal"} else None
        return atom is not None and atom.value in SCALES.values() and (not last or atom.value < last)

    def _scaled(self, number: Number, first: _Atom) -> Number:
        if self._kind() != "scale":
            return number
        atom = self._atoms[self.at]
        self.at += 1
        word = next(name for name, size in SCALES.items() if size == atom.value)
        return Number("cardinal", number.value * atom.value, number.text, word, atom.token - first.token)

    def _continues(self, size: int) -> bool:
        """Whether what follows a scale is the rest of the same number."""
        joined = self._kind() == "and"
        probe = _Reader(self._atoms)
        probe.at = self.at + joined
        kind = probe._kind()
        if kind not in {"one", "teen", "ten", "ordinal"}:
            return False
        value, is_ordinal = probe._group()
        if joined and (value >= 100 or not value):  # noqa: PLR2004
            return False
        if is_ordinal:
            return True
        after = probe._atoms[probe.at] if probe._kind() == "scale" else None
        if probe._kind() == "hundred":
            return False
        return bool(value) and (after is None or (after.value < size and not joined))

    def _group(self) -> tuple[int, bool]:
        """A number below a thousand, or below ten thousand in hundreds; whether it is an ordinal."""
        value, is_ordinal = self._below_hundred()
        if is_ordinal or not value:
            return value, is_ordinal
        if self._kind() == "ordinal" and self._atoms[self.at].value == 100:  # noqa: PLR2004
            self.at += 1
            return value * 100, True
        if self._kind() != "hundred" or value >= 100:  # noqa: PLR2004
            return value, False
        self.at += 1
        value *= 100
        joined = self._kind() == "and"
        kind = self._kind(int(joined))
        if kind not in {"one", "teen", "ten", "ordinal"}:
            return value, False
        probe = _Reader(self._atoms)
        probe.at = self.at + joined
        rest, is_ordinal = probe._below_hundred()
        if not 0 < rest < 100 or probe._kind() == "hundred":  # noqa: PLR2004
            return value, False
        self.at = probe.at
        return value + rest, is_ordinal

    def _below_hundred(self) -> tuple[int, bool]:
        atom = self._atoms[self.at]
        self.at += 1
        if atom.kind == "ordinal":
            return atom.value, True
        if atom.kind == "ten" and self._kind() in {"one", "ordinal"}:
            after = self._atoms[self.at]
            if 0 < after.value < 10:  # noqa: PLR2004
                self.at += 1
                return atom.value + after.value, after.kind == "ordinal"
        return atom.value, False

    def _fraction(self) -> str:
        """Figures behind a decimal point; empty, and nothing read, if there are none."""
        begin = self.at
        self.at += 1
        text = ""
        while self._kind() in {"one", "oh"} or (
            self._kind() == "written" and len(self._atoms[self.at].text) == 1
        ):
            text += str(self._atoms[self.at].value)
            self.at += 1
        if not text and self._kind() in {"teen", "ten", "written"}:
            text = str(self._below_hundred()[0])
        if not text:
            self.at = begin
        return text
