"""Contextual biasing: a trie over the tokens of expected terms, which favours them.

Source of adding a bonus to the log-probabilities of tokens that continue a term, and of subtracting it
where the match fails: D. Zhao et al., "Shallow-Fusion End-to-End Contextual Biasing", Interspeech 2019.
There a beam keeps the path without the term; with a single hypothesis, decoding goes back to it instead.

Every result is a function of tokens: nothing is kept between two calls.
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
    """Result of matching the terms that a token may be part of."""

    COMPLETE = "complete"
    OPEN = "open"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Strength:
    """Bonus of the tokens of terms, in nats.

    A token of a term is chosen if its log-probability is less than the bonus below that of the best token.

    Attributes:
        first: Of the first token of a term.
        later: Of each token after it.
    """

    first: float = 3.0
    later: float = 5.0


DEFAULT_STRENGTH: Final = Strength()


@dataclass(slots=True)
class _Node:
    children: dict[int, _Node] = field(default_factory=dict)
    is_end: bool = False  # whether a term may end here


class TermBias:
    """A bias towards some terms.

    Attributes:
        tokens: All tokens that may be favoured, in ascending order.
        first: Those that begin a term.
        strength: The bonus.
    """

    def __init__(self, spellings: Iterable[Sequence[int]], strength: Strength = DEFAULT_STRENGTH) -> None:
        """Build the trie.

        Args:
            spellings: Token sequences, at least one token each; a term may have several.
            strength: The bonus.
        """
        self.strength = strength
        self._root = _Node()
        self._longest = 0  # tokens of the longest spelling
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
        """The tokens that continue a term whose beginning is at the end of a history."""
        found: set[int] = set()
        for start in range(max(0, len(history) - self._longest + 1), len(history)):
            node: _Node | None = self._root
            for token in history[start:]:
                node = node.children.get(token) if node is not None else None
            if node is not None:
                found.update(node.children)
        return found

    def fate(self, tokens: Sequence[int], place: int) -> Fate:
        """Match the terms that the token at a place may be part of.

        Returns:
            ``COMPLETE`` if the tokens contain such a term, ``OPEN`` if more tokens may complete one, else
            ``FAILED``.
        """
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
    """The forms in which a term may be written in a transcript.

    A term in mixed case is written as given, or with a capital at the start of a sentence. A term in lower
    case only, or in upper case only, does not determine its case: it has a form in each.
    """
    term = " ".join(term.split())
    forms = [term, _capitalised(term)]
    if term in (term.lower(), term.upper()):
        small = term.lower()
        forms += [small, _capitalised(small), " ".join(map(_capitalised, small.split())), term.upper()]
    return tuple(dict.fromkeys(form for form in forms if form))


def plain_letters(text: str) -> str:
    """The text without accents: "Lübeck" becomes "Lubeck"."""
    return "".join(it for it in unicodedata.normalize("NFD", text) if not unicodedata.combining(it))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
