"""Formats an unfinished turn as far as no later word can change the result.

The rules decide about the known words as in a finished turn, with unknown words after them. A decision that
looked at an unknown word may still change, so it does not count. Any other decision is the one that the
finished turn will get, because a rule depends on nothing but the words that it looks at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, overload

from vivavoce.asr.text.formatting.addresses import address
from vivavoce.asr.text.formatting.formatter import FormattedWord, apply, rewrite_at
from vivavoce.asr.text.formatting.words import UNCHANGED, SplitWord, split_words

if TYPE_CHECKING:
    from vivavoce.types import Word

__all__ = ["frozen_words"]

_UNKNOWN: Final = SplitWord("", "\0", "", "\0", opens_sentence=False)
_LOOKAHEAD: Final = 16  # unknown words; no rule looks further ahead through words that match nothing


class _UnfinishedTurn(Sequence[SplitWord]):
    """The known words of a turn, followed by unknown ones.

    Attributes:
        looked_ahead: Whether a rule has looked at an unknown word; set to False before asking the rules.
    """

    def __init__(self, known: Sequence[SplitWord]) -> None:
        self._words = (*known, *[_UNKNOWN] * _LOOKAHEAD)
        self._n_known = len(known)
        self.looked_ahead = False

    def __len__(self) -> int:
        return len(self._words)

    @overload
    def __getitem__(self, index: int) -> SplitWord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SplitWord]: ...
    def __getitem__(self, index: int | slice) -> SplitWord | Sequence[SplitWord]:
        last = index.indices(len(self._words))[1] - 1 if isinstance(index, slice) else index
        self.looked_ahead |= last >= self._n_known
        return self._words[index]


def frozen_words(
    words: Sequence[Word], start: int, *, is_tentative: bool
) -> tuple[list[FormattedWord], bool]:
    """Format the words of an unfinished turn whose formatting no later word can change.

    An ordinary last word is formatted on the assumption that it does not begin an address ("bob" before "at
    example dot com"). Otherwise every word would come one word late. If it does begin one, that address stays
    as spoken.

    Args:
        words: The words of the turn that the recogniser will not change any more.
        start: How many of them were formatted before.
        is_tentative: Whether the last of these was formatted on that assumption.

    Returns:
        The formatted words from ``start`` on, and whether the last of them depends on the assumption.
    """
    known = split_words(words)
    turn = _UnfinishedTurn(known)
    frozen: list[FormattedWord] = []
    at = start
    if is_tentative and start:
        replacement = address(turn, start - 1)
        if turn.looked_ahead:
            return [], True
        if replacement is not None:
            at = start - 1 + replacement.n_words
            frozen += [FormattedWord(word, 1) for word in words[start:at]]
    while at < len(words):
        turn.looked_ahead = False
        decision = rewrite_at(turn, at, may_hold_address=True)
        if turn.looked_ahead:
            break
        written = apply(decision, words, known, at)
        frozen += written
        at += sum(it.n_spoken for it in written)
    if at == len(words) - 1 and _is_ordinary(turn, at):
        return [*frozen, FormattedWord(words[at], 1)], True
    return frozen, False


def _is_ordinary(turn: _UnfinishedTurn, at: int) -> bool:
    """Whether only the rule for addresses needs the words after this one."""
    key = turn[at].key
    if len(key) == 1 and key != "i":
        return False  # a letter may belong to a name that is being spelled
    turn.looked_ahead = False
    decision = rewrite_at(turn, at, may_hold_address=False)
    return not turn.looked_ahead and decision == UNCHANGED
