"""Stopping a decoder that has begun to invent. No lists of phrases: only lengths and repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cut_loop", "max_tokens"]

TOKENS_PER_SECOND: Final = 6.5
"""More than fast speech needs; Moonshine's authors use the same limit."""

_SPARE_TOKENS: Final = 4
_LONGEST_PERIOD: Final = 16
# A phrase said three times running may be real ("no, no, no"); what a loop repeats goes on to the limit.
_LOOP_TOKENS: Final = 16
_LOOP_TURNS: Final = 4


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
