"""Limits against hallucinated text: lengths, loops and words without duration, no lists of phrases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cut_loop", "max_tokens", "zero_duration"]

TOKENS_PER_SECOND: Final = 6.5
"""More than fast English has; Moonshine's authors use the same limit."""
OTHER_TOKENS_PER_SECOND: Final = 13.0
"""The same for other languages, whose words take more tokens each."""

_SPARE_TOKENS: Final = 4
_LONGEST_PERIOD: Final = 16
# A phrase that is repeated three times may be real ("no, no, no"); a loop continues up to the limit.
_LOOP_TOKENS: Final = 16
_LOOP_TURNS: Final = 4
# In 180 recordings, each decoded as a whole, no three successive words took less than 0.24 s.
_SHORT_WORDS: Final = 3
_SHORT_S: Final = 0.24


def max_tokens(seconds: float, language: str | None = None) -> int:
    """The largest number of tokens that a span can have.

    Args:
        seconds: Its length.
        language: That is spoken, as an ISO 639-1 code; None: as for English.
    """
    rate = TOKENS_PER_SECOND if language in {None, "en"} else OTHER_TOKENS_PER_SECOND
    return int(seconds * rate) + _SPARE_TOKENS


def cut_loop(tokens: Sequence[int]) -> int | None:
    """Find a loop at the end of a sequence.

    Returns:
        Number of tokens to keep, which include one turn of the loop; None if there is no loop.
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


def zero_duration(times: Sequence[tuple[float, float]]) -> list[bool]:
    """Find words without a duration in the audio: three successive words that take almost no time.

    At the end of a span the model tends to repeat earlier words, or to add words that often follow. Such
    words have no place in the audio but its last frames.

    Args:
        times: Start and end of each word, in seconds, in order.

    Returns:
        For each word whether it is one of such three.
    """
    found = [False] * len(times)
    for last in range(_SHORT_WORDS - 1, len(times)):
        first = last - _SHORT_WORDS + 1
        if times[last][1] - times[first][0] < _SHORT_S:
            found[first : last + 1] = [True] * _SHORT_WORDS
    return found
