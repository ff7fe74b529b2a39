"""Word times from the decoder's attention."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.moonshine.sizes import FRAME_SAMPLES
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models.vocabulary import WordTokens

__all__ = ["FRAME_S", "Timing", "token_spans", "word_times"]

Floats: TypeAlias = npt.NDArray[np.float32]

FRAME_S: Final = FRAME_SAMPLES / MODEL_RATE_HZ


@dataclass(frozen=True, slots=True)
class Timing:
    """How words are read from attention. The defaults are those of Moonshine tiny's two word heads.

    Attributes:
        frame_s: Seconds between two frames.
        start_quantile: Of a token's attention, at which its word starts; this and the next were measured
            against a forced aligner on read speech, as were the two for the end.
        start_lag_s: Lag of that moment.
        end_quantile: Of the last row's attention while the next token is written, at which the word ends.
        end_lag_s: Lag of that moment.
        end_reach_frames: How far before the next token's run that attention is looked at.
    """

    frame_s: float = FRAME_S
    start_quantile: float = 0.5
    start_lag_s: float = 0.037
    end_quantile: float = 0.3
    end_lag_s: float = -0.028
    end_reach_frames: int = 20


_TINY: Final = Timing()


def token_spans(attention: Floats) -> list[int]:
    """Divide the frames into one run per token, in order, so that most attention lies in a token's own run.

    Args:
        attention: Shape (tokens, frames), float32, with at least as many frames as tokens.

    Returns:
        tokens + 1 boundaries, from 0 to frames.
    """
    tokens, frames = attention.shape
    before = np.concatenate([np.zeros((tokens, 1)), np.cumsum(attention, axis=1, dtype=np.float64)], axis=1)
    # best[t]: most attention of the tokens so far if their runs end before frame t.
    best = np.full(frames + 1, -np.inf)
    best[0] = 0
    came_from = np.zeros((tokens, frames + 1), np.int64)
    for token in range(tokens):
        gain = best - before[token]
        top = np.maximum.accumulate(gain)
        where = np.maximum.accumulate(np.where(gain >= top, np.arange(frames + 1), 0))
        best = np.full(frames + 1, -np.inf)
        best[1:] = before[token, 1:] + top[:-1]
        came_from[token, 1:] = where[:-1]
    bounds = [frames]
    for token in range(tokens - 1, -1, -1):
        bounds.append(int(came_from[token, bounds[-1]]))
    return bounds[::-1]


def word_times(
    attention: Floats, words: Sequence[WordTokens], timing: Timing = _TINY
) -> list[tuple[float, float]]:
    """Start and end of each word in seconds, in order and without overlap.

    Args:
        attention: Shape (heads, rows, frames), float32: one row for each token and, if the model ended the
            text itself, one for the end. The first head gives the starts of words, the last their ends.
        words: The words, each with the tokens that spell it.
        timing: How they are read.
    """
    rows, frames = attention.shape[1:]
    groups = [(word.first, word.first + word.n_tokens) for word in words]
    length = frames * timing.frame_s
    if not groups:
        return []
    if frames < rows:
        # More tokens than frames: a loop; spread the words evenly.
        edges = np.linspace(0, length, len(groups) + 1)
        return [(float(a), float(b)) for a, b in itertools.pairwise(edges)]
    bounds = token_spans(attention[0])

    def moment(head: int, row: int, first: int, last: int, quantile: float) -> float:
        mass = np.cumsum(attention[head, row, first:last])
        return (first + int(np.searchsorted(mass, quantile * mass[-1])) + 0.5) * timing.frame_s

    times: list[tuple[float, float]] = []
    clock = 0.0
    starts = [
        moment(0, a, bounds[a], bounds[a + 1], timing.start_quantile) - timing.start_lag_s for a, _ in groups
    ]
    for place, (_, after) in enumerate(groups):
        start = min(max(starts[place], clock), length)
        if after < rows:
            first = max(bounds[after] - timing.end_reach_frames, bounds[after - 1])
            end = moment(-1, after, first, bounds[after + 1], timing.end_quantile) - timing.end_lag_s
        else:
            end = bounds[after] * timing.frame_s
        if place + 1 < len(starts):
            end = min(end, starts[place + 1])
        end = min(max(end, start + timing.frame_s), length)
        times.append((round(start, 3), round(end, 3)))
        clock = end
    return times
