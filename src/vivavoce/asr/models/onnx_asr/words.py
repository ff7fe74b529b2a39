"""Words from the tokens of a transducer or of CTC: a token has a time, a word a beginning and an end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.base import HypothesisWord

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["words_of"]

_AFTER_LAST_S: Final = 0.16
"""From the last token of a word to its end, if no other word begins before: two frames of 80 ms.

Such models say when a token begins, not when it ends. Not calibrated: no real weights were at hand.
"""
_ATTACHED: Final = frozenset(".,!?;:…'\u2019%)]»")  # written without a space before them


def words_of(
    tokens: Sequence[str], starts_s: Sequence[float], log_probabilities: Sequence[float], *, duration_s: float
) -> tuple[HypothesisWord, ...]:
    """Group tokens to words.

    Args:
        tokens: A space begins a word; it may be a token by itself.
        starts_s: When each token begins, in seconds, ascending.
        log_probabilities: One for each token.
        duration_s: Length of the audio, in seconds, where the last word ends at the latest.

    Returns:
        The words; their numbers of tokens add up to that of all tokens. A word is as confident as its least
        probable token.
    """
    groups = _groups(tokens)
    if not groups:
        return ()
    firsts = [next(index for index in group if tokens[index].strip()) for group in groups]
    starts = [min(starts_s[first], duration_s) for first in firsts]
    return tuple(
        HypothesisWord(
            text="".join(tokens[index].strip() for index in group),
            start_s=start_s,
            end_s=max(start_s, min(starts_s[group[-1]] + _AFTER_LAST_S, next_s)),
            confidence=math.exp(min(0.0, *(log_probabilities[index] for index in group))),
            n_tokens=len(group),
        )
        for group, start_s, next_s in zip(groups, starts, [*starts[1:], duration_s], strict=True)
    )


def _groups(tokens: Sequence[str]) -> list[list[int]]:
    """Indices of the tokens of each word; none if no token has text."""
    groups: list[list[int]] = []
    is_blank = False  # whether the last group has no text yet
    for index, token in enumerate(tokens):
        text = token.strip()
        begins = token.startswith(" ") and not (text and text[0] in _ATTACHED)
        if groups and (is_blank or not begins):
            groups[-1].append(index)
            is_blank = is_blank and not text
        else:
            groups.append([index])
            is_blank = not text
    if is_blank:  # spaces at the end
        spaces = groups.pop()
        if groups:
            groups[-1] += spaces
    return groups
