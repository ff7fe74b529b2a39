"""How probable a text is for audio in which nobody speaks.

The model writes words for noise, and mostly the same few. So a text that it would also write for noise is
weak evidence of speech, however confident the model is, and one that it would never write there is strong
evidence. Comparing with a background model: R. C. Rose and D. B. Paul, "A hidden Markov model based keyword
recognition system", 1990; here the background is the model itself on noise.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.moonshine.decoder import Batch
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.moonshine.decoder import Decoder, Floats

__all__ = ["NoiseModel"]

_SEED: Final = 3
_CACHED_TEXTS: Final = 1_024


class NoiseModel:
    """The recogniser's probabilities for a second of silence, and of several kinds of noise."""

    def __init__(self, decoder: Decoder, encode: Callable[[Samples], Floats]) -> None:
        """Encode the noises; takes about 50 ms.

        Args:
            decoder: Of the recogniser.
            encode: Returns the decoder's keys and values of a span, shape (states, heads, frames, head_size).
        """
        self._decoder = decoder
        cross = [encode(noise) for noise in _noises()]
        self._batch = Batch.of(cross, np.zeros(0, np.int64))  # of every text, with its own watched tokens
        self.log_probability = functools.lru_cache(_CACHED_TEXTS)(self._log_probability)

    def _log_probability(self, tokens: tuple[int, ...]) -> float:
        """Return the logarithm of the mean probability of a text over the noises.

        It does not depend on what else is decoded.

        Args:
            tokens: Of the text, without start and end marks; at least one.
        """
        watched = np.unique(np.array(tokens, np.int64))
        batch = dataclasses.replace(self._batch, watched=watched)
        prompted = self._decoder.prompt(batch, [tokens] * len(batch), in_blocks=False)
        columns = np.searchsorted(watched, tokens)
        log_probabilities = [
            sum(float(prompted.output(row, place).watched[column]) for place, column in enumerate(columns))
            for row in range(len(batch))
        ]
        return float(np.logaddexp.reduce(log_probabilities) - np.log(len(log_probabilities)))


def _noises() -> Iterator[Samples]:
    """Yield silence, hiss, rumble, hum, a knock and a sweep, one second of each, 16 kHz."""
    random = np.random.default_rng(_SEED)
    seconds = np.arange(MODEL_RATE_HZ) / MODEL_RATE_HZ

    def hiss() -> npt.NDArray[np.float64]:
        return random.standard_normal(MODEL_RATE_HZ)

    rumble = np.cumsum(hiss())
    rumble -= np.linspace(rumble[0], rumble[-1], MODEL_RATE_HZ)
    partials = np.arange(1, 10)[:, None]
    hum = (np.sin(2 * np.pi * 110 * partials * seconds) / partials).sum(axis=0)
    knock = hiss() * np.exp(-(((seconds - 0.5) / 0.05) ** 2))
    sweep = np.sin(2 * np.pi * (300 + 400 * seconds) * seconds) * np.hanning(MODEL_RATE_HZ)
    for noise in (
        np.zeros(MODEL_RATE_HZ),
        0.003 * hiss(),
        0.1 * hiss(),
        0.2 * rumble / np.abs(rumble).max(),
        0.1 * hum,
        0.3 * knock,
        0.2 * sweep,
    ):
        yield noise.astype(np.float32)
