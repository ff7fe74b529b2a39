"""Word times from the encoder frames at which tokens start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.whisper.runtime import FRAME_SAMPLES
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.vocabulary import WordTokens

__all__ = ["word_times"]

_FRAME_S: Final = FRAME_SAMPLES / MODEL_RATE_HZ
_QUIET: Final = 1e-3  # of the greatest power: 30 dB below it


def word_times(
    starts: Sequence[int], words: Sequence[WordTokens], samples: Samples
) -> list[tuple[float, float]]:
    """Compute start and end of each word, in seconds.

    The alignment divides the whole audio among the tokens, so a pause belongs to a word beside it, and the
    silence before the first word to that. Quiet frames at both ends of a word are therefore taken from it.

    Args:
        starts: The encoder frame at which each token starts, and the one after the last token.
        words: The words that the tokens spell.
        samples: The audio, shape (n,), float32, 16 kHz.
    """
    is_quiet = _quiet_frames(samples)
    times = []
    for word in words:
        first, end = starts[word.first], starts[word.first + word.n_tokens]
        inside = np.flatnonzero(~is_quiet[first:end])
        if len(inside):
            first, end = first + int(inside[0]), first + int(inside[-1]) + 1
        times.append((first * _FRAME_S, max(first, end) * _FRAME_S))
    return times


def _quiet_frames(samples: Samples) -> npt.NDArray[np.bool_]:
    """Whether each frame of 20 ms is quiet, shape (frames,)."""
    frames = -(-len(samples) // FRAME_SAMPLES)
    padded = np.pad(samples, (0, frames * FRAME_SAMPLES - len(samples)))
    power = np.square(padded.reshape(frames, FRAME_SAMPLES)).mean(axis=1)
    quiet: npt.NDArray[np.bool_] = power < _QUIET * power.max(initial=0.0)
    return quiet
