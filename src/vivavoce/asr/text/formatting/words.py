"""What the formatting rules read and return: words split from their punctuation, and replacements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.types import Word

__all__ = ["UNCHANGED", "Decision", "Replacement", "Rewrite", "SplitWord", "split_words"]

_LEAD_CORE_TRAIL: Final = re.compile(r"([^\w$€£¥@#+&]*)(.*?)([^\w%°]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SplitWord:
    """A word split from the punctuation around it.

    Attributes:
        lead: Punctuation before the word.
        core: The word itself, in its original case.
        trail: Punctuation after the word.
        key: The word in lower case, for comparisons.
        opens_sentence: Whether it is the first word of a sentence.
    """

    lead: str
    core: str
    trail: str
    key: str
    opens_sentence: bool

    @property
    def parts(self) -> list[str]:
        """The parts of a hyphenated word, in lower case."""
        return self.key.split("-")


@dataclass(frozen=True, slots=True)
class Replacement:
    """The text that replaces one or more words in a row.

    Attributes:
        n_words: How many words it replaces.
        text: Without the punctuation before the first and after the last of these words.
    """

    n_words: int
    text: str


Rewrite: TypeAlias = tuple[Replacement, ...]
"""Replacements in a row: each replaces the words that follow those of the one before."""


class Decision(NamedTuple):
    """What the rules decide at a word.

    Attributes:
        rewrite: Replacements for the words from this one on; empty if it stays as spoken.
        n_unchanged: With an empty rewrite: how many words stay as spoken, before the rules decide again.
    """

    rewrite: Rewrite
    n_unchanged: int


UNCHANGED: Final = Decision((), 1)
"""One word stays as spoken."""


def _split(text: str) -> tuple[str, str, str]:
    if text.isalnum():  # most words are, and this takes a tenth of the time
        return "", text, ""
    match = _LEAD_CORE_TRAIL.fullmatch(text)
    if match is None:
        return "", text, ""
    lead, core, trail = match.groups()
    return lead, core, trail


def split_words(words: Sequence[Word]) -> list[SplitWord]:
    """Split the words of a turn from their punctuation."""
    split: list[SplitWord] = []
    opens_sentence = True
    for word in words:
        lead, core, trail = _split(word.text)
        split.append(SplitWord(lead, core, trail, core.lower(), opens_sentence))
        opens_sentence = trail.startswith((".", "?", "!"))
    return split
