"""The same recordings decoded in one pass each, without voice activity or streaming: the yardstick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from vivavoce.bench.corpus import load_pcm
from vivavoce.bench.metrics import word_errors
from vivavoce.bench.model import need

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from vivavoce.asr.models import Hypothesis, Span
    from vivavoce.bench.corpus import Pcm
    from vivavoce.bench.metrics import Errors
    from vivavoce.bench.model import Clip

__all__ = ["OfflineRecogniser", "offline_errors", "offline_hypotheses", "to_model_rate"]

_MODEL_RATE_HZ = 16_000


class OfflineRecogniser(Protocol):
    """As much of a recogniser as is needed here."""

    def recognise(self, spans: Sequence[Span]) -> list[Hypothesis]:
        """One hypothesis per span."""


def to_model_rate(pcm: Pcm, sample_rate: int) -> npt.NDArray[np.float32]:
    """Turn int16 samples of any rate, in Hz, into float32 at 16 kHz, full scale ±1."""
    samples = pcm.astype(np.float32) / np.float32(32_768)
    if sample_rate == _MODEL_RATE_HZ:
        return samples
    resampled: npt.NDArray[np.float32] = need("soxr").resample(samples, sample_rate, _MODEL_RATE_HZ)
    return resampled


def offline_hypotheses(
    recogniser: OfflineRecogniser, clips: Sequence[Clip], *, load: Callable[[Clip], Pcm] = load_pcm
) -> dict[str, str]:
    """What a recogniser makes of whole recordings, one after another.

    Returns:
        The text by the id of the recording.
    """
    from vivavoce.asr.models import Span as MakeSpan  # noqa: PLC0415 - only this measurement needs the engines

    texts: dict[str, str] = {}
    for clip in clips:
        samples = to_model_rate(load(clip), clip.sample_rate)
        texts[clip.id] = recogniser.recognise([MakeSpan(samples)])[0].text
    return texts


def offline_errors(clips: Sequence[Clip], texts: Mapping[str, str]) -> Errors:
    """Pooled word errors over the recordings in which something known is said."""
    return word_errors([(clip.text, texts[clip.id]) for clip in clips if clip.text])
