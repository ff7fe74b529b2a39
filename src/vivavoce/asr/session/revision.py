"""A second hypothesis of an utterance that has ended, by a better recogniser than the one of its partials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.asr.text import plain_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models import HypothesisWord

__all__ = ["Revision", "after_promise"]


@dataclass(frozen=True, slots=True)
class Revision:
    """What the better recogniser heard.

    Attributes:
        end: Position after the last sample that it heard; a revision of less than the utterance is none.
        words: Its words, on the utterance's timeline; empty: there are none, or nobody waits for it any more.
    """

    end: int
    words: tuple[HypothesisWord, ...]


def after_promise(
    promised: Sequence[HypothesisWord], words: Sequence[HypothesisWord]
) -> tuple[HypothesisWord, ...]:
    """Return the words of a revision that follow those which the client was promised already.

    The place is where the words before it differ least from the promised ones, by the number of words to
    insert, delete or replace (V. I. Levenshtein, 1966); of several such places, the one nearest in time.

    Args:
        promised: Words that stay as they are.
        words: All words of the revision, on the same timeline.
    """
    if not promised:
        return tuple(words)
    ours = [plain_word(word.text) for word in promised]
    theirs = [plain_word(word.text) for word in words]
    row = list(range(len(theirs) + 1))  # distance of no promised word to so many words of the revision
    for count, text in enumerate(ours, start=1):
        above, row = row, [count]
        for at, other in enumerate(theirs):
            row.append(min(row[at] + 1, above[at + 1] + 1, above[at] + (text != other)))
    end_s = promised[-1].end_s
    ends_s = [0.0, *(word.end_s for word in words)]
    place = min(range(len(row)), key=lambda at: (row[at], abs(ends_s[at] - end_s)))
    return tuple(words[place:])
