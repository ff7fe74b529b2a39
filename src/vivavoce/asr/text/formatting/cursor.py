"""Reading the words of a turn by index, up to punctuation and up to the ends of the turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from vivavoce.asr.text.formatting.words import SplitWord

__all__ = ["before", "closes", "is_name", "joined", "joined_keys"]


def joined(words: Sequence[SplitWord], at: int) -> str:
    """Return the word at an index in lower case; empty after punctuation and beyond the ends of the turn."""
    if not 0 < at < len(words) or words[at - 1].trail or words[at].lead:
        return ""
    return words[at].key


def joined_keys(words: Sequence[SplitWord], at: int, *choices: Collection[str]) -> bool:
    """Whether the words from an index on are of these choices, without punctuation before any of them."""
    return all(joined(words, at + n) in choice for n, choice in enumerate(choices))


def before(words: Sequence[SplitWord], at: int, n: int = 1) -> str:
    """Return the n-th word before an index in lower case; empty beyond punctuation or the turn's start."""
    for index in range(at - 1, at - n - 1, -1):
        if index < 0 or words[index].trail or words[index + 1].lead:
            return ""
    return words[at - n].key


def closes(words: Sequence[SplitWord], end: int) -> bool:
    """Whether punctuation or the end of the turn comes at an index."""
    return bool(words[end - 1].trail) or end >= len(words) or bool(words[end].lead)


def is_name(words: Sequence[SplitWord], at: int) -> bool:
    """Whether a word is capitalised within a sentence, as names and titles are."""
    return words[at].core[:1].isupper() and not words[at].opens_sentence
