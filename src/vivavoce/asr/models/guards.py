"""Stopping a decoder that has begun to invent. No lists of phrases: only lengths and repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cut_loop", "max_tokens", "squeezed"]

TOKENS_PER_SECOND: Final = 6.5
"""More than fast speech needs; Moonshine's authors use the same limit."""

_SPARE_TOKENS: Final = 4
_LONGEST_PERIOD: Final = 16
# A phrase said three times running may be real ("no, no, no"); what a loop repeats goes on to the limit.
_LOOP_TOKENS: Final = 16
_LOOP_TURNS: Final = 4
# In 180 recordings decoded as a whole no three words in a row took less than 0.24 s.
_SQUEEZED_WORDS: Final = 3
_SQUEEZED_S: Final = 0.24


def max_tokens(seconds: float) -> int:
    """How many tokens a span of that length can hold."""
    return int(seconds * TOKENS_PER_SECOND) + _SPARE_TOKENS


def cut_loop(tokens: Sequence[int]) -> int | None:
    """Look for a loop at the end of a sequence.

    Returns:
        How many tokens to keep, one turn of the loop included; None without a loop.
    """
    for period in range(1, _LONGEST_PERIOD + 1):
        turns = max(_LOOP_TURNS, -(-_LOOP_TOKENS // period))
        length = period * turns
        if length > len(tokens):
            continue
        tail = tokens[-length:]
        if all(tail[index] == tail[index % period] for index in range(length)):
            keep = len(tokens) - length + period
            while keep - period - 1 >= 0 and tokens[keep - period - 1] == tokens[keep - 1]:
                keep -= 1
            return keep
    return None


def squeezed(times: Sequence[tuple[float, float]]) -> list[bool]:
    """Tell words for which there is no sound: as one of three in a row they take no time to speak of.

    At the end of what was heard so far the model likes to say again what it said before, or what it
    expects to hear. Such words have nowhere to go in the audio but its last frames.

    Args:
        times: Start and end of each word, in seconds, in order.
    """
    is_squeezed = [False] * len(times)
    for last in range(_SQUEEZED_WORDS - 1, len(times)):
        first = last - _SQUEEZED_WORDS + 1
        if times[last][1] - times[first][0] < _SQUEEZED_S:
            is_squeezed[first : last + 1] = [True] * _SQUEEZED_WORDS
    return is_squeezed
