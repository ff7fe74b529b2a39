"""What of an unfinished turn can be written already, whatever is said next.

The rules are asked about the words there are, as in a finished turn, with nothing known behind them. A rule
that looks there had to know more: its answer does not count yet. An answer without such a look is the answer
that the finished turn will get, since rules depend on nothing but the words that they look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, overload

from vivavoce.asr.text.formatting.addresses import address
from vivavoce.asr.text.formatting.grouping import Group, grouped, read
from vivavoce.asr.text.formatting.pieces import Token, tokens_of

if TYPE_CHECKING:
    from vivavoce.types import Word

__all__ = ["frozen_groups"]

_UNKNOWN: Final = Token("", "\0", "", "\0", opens=False)
_LOOKAHEAD: Final = 16  # more than any rule looks ahead without finding something


class _Unfinished(Sequence[Token]):
    """Tokens with unknown ones behind them.

    Attributes:
        looked_ahead: Whether an unknown one was asked for.
    """

    def __init__(self, known: Sequence[Token]) -> None:
        self._tokens = (*known, *[_UNKNOWN] * _LOOKAHEAD)
        self._n_known = len(known)
        self.looked_ahead = False

    def __len__(self) -> int:
        return len(self._tokens)

    @overload
    def __getitem__(self, index: int) -> Token: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Token]: ...
    def __getitem__(self, index: int | slice) -> Token | Sequence[Token]:
        last = index.indices(len(self._tokens))[1] - 1 if isinstance(index, slice) else index
        self.looked_ahead |= last >= self._n_known
        return self._tokens[index]


def frozen_groups(words: Sequence[Word], start: int, *, is_tentative: bool) -> tuple[list[Group], bool]:
    """The words that can be written for good, each with the number of words it was made of.

    That an ordinary last word does not begin an address is taken for granted until the next word is there:
    else every word would come a word late. Where it does begin one, that one stays as it was said.

    Args:
        words: Those of an unfinished turn that will not change any more.
        start: How many of them were written before.
        is_tentative: Whether the last of these was taken for granted.

    Returns:
        The groups from ``start`` on, and whether the last of them was taken for granted.
    """
    known = tokens_of(words)
    tokens = _Unfinished(known)
    groups: list[Group] = []
    at = start
    if is_tentative and start:
        piece = address(tokens, start - 1)
        if tokens.looked_ahead:
            return [], True
        if piece is not None:
            at = start - 1 + piece.n
            groups += [(word, 1) for word in words[start:at]]
    while at < len(words):
        tokens.looked_ahead = False
        reading = read(tokens, at, has_address=True)
        if tokens.looked_ahead:
            break
        found = grouped(words, known, at, reading)
        groups += found
        at += sum(n for _, n in found)
    if at == len(words) - 1 and _is_ordinary(tokens, at):
        return [*groups, (words[at], 1)], True
    return groups, False


def _is_ordinary(tokens: _Unfinished, at: int) -> bool:
    """Whether the only rule that must know what follows a token is that for addresses."""
    key = tokens[at].key
    if len(key) == 1 and key != "i":
        return False  # a letter of a name that is spelled
    tokens.looked_ahead = False
    pieces, n_as_said = read(tokens, at, has_address=False)
    return not tokens.looked_ahead and (pieces, n_as_said) == ((), 1)
