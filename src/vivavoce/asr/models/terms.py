"""Contextual biasing: terms that a client expects, as a trie over tokens that favours them.

Source of adding a bonus to the log-probabilities of tokens that continue a term, and of taking it back
where the match fails: D. Zhao et al., "Shallow-Fusion End-to-End Contextual Biasing", Interspeech 2019.
There a beam keeps the way without the term; with one hypothesis it is gone back to instead.

Everything here is a function of tokens: nothing is remembered between two calls.
"""

from __future__ import annotations

import enum
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["DEFAULT_STRENGTH", "Fate", "Strength", "TermBias", "plain_letters", "written_forms"]


class Fate(enum.Enum):
    """What became of the terms that a token may be part of."""

    COMPLETE = "complete"
    OPEN = "open"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Strength:
    """How much terms are favoured, in nats: a token may be so much less likely than the likeliest.

    Attributes:
        first: The first token of a term.
        later: Each one behind it.
    """

    first: float = 3.0
    later: float = 5.0


DEFAULT_STRENGTH: Final = Strength()


@dataclass(slots=True)
class _Node:
    children: dict[int, _Node] = field(default_factory=dict)
    is_end: bool = False


class TermBias:
    """A bias towards some terms.

    Attributes:
        tokens: All tokens that may be favoured, in ascending order.
        first: Those that begin a term.
        strength: How much they are favoured.
    """

    def __init__(self, spellings: Iterable[Sequence[int]], strength: Strength = DEFAULT_STRENGTH) -> None:
        """Build the trie.

        Args:
            spellings: Token sequences, at least one token each; a term may have several.
            strength: How much they are favoured.
        """
        self.strength = strength
        self._root = _Node()
        self._longest = 0
        tokens: set[int] = set()
        for spelling in spellings:
            node = self._root
            for token in spelling:
                node = node.children.setdefault(token, _Node())
            node.is_end = True
            tokens.update(spelling)
            self._longest = max(self._longest, len(spelling))
        self.tokens = tuple(sorted(tokens))
        self.first = tuple(sorted(self._root.children))

    def continuing(self, history: Sequence[int]) -> set[int]:
        """Tokens that continue a term that was begun at the end of a history."""
        found: set[int] = set()
        for start in range(max(0, len(history) - self._longest + 1), len(history)):
            node: _Node | None = self._root
            for token in history[start:]:
                node = node.children.get(token) if node is not None else None
            if node is not None:
                found.update(node.children)
        return found

    def fate(self, tokens: Sequence[int], place: int) -> Fate:
        """What became of the terms that the token at a place may be part of, by the tokens behind it."""
        is_open = False
        for start in range(max(0, place - self._longest + 1), place + 1):
            node: _Node | None = self._root
            for index in range(start, len(tokens)):
                node = node.children.get(tokens[index]) if node is not None else None
                if node is None:
                    break
                if node.is_end and index >= place:
                    return Fate.COMPLETE
            else:
                is_open = True
        return Fate.OPEN if is_open else Fate.FAILED


def written_forms(term: str) -> tuple[str, ...]:
    """How a term may be written in a transcript.

    One with capitals and small letters is written as it is given, or with a capital where a sentence
    begins. One in small letters alone, or in capitals alone, says nothing of its case: all are tried.
    """
    term = " ".join(term.split())
    forms = [term, _capitalised(term)]
    if term in (term.lower(), term.upper()):
        small = term.lower()
        forms += [small, _capitalised(small), " ".join(map(_capitalised, small.split())), term.upper()]
    return tuple(dict.fromkeys(form for form in forms if form))


def plain_letters(text: str) -> str:
    """A text without its accents."""
    return "".join(it for it in unicodedata.normalize("NFD", text) if not unicodedata.combining(it))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
