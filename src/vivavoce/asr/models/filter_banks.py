"""Kaldi's logarithmic filter banks, in NumPy: the input of many models that tell voices apart.

Source: D. Povey et al., "The Kaldi Speech Recognition Toolkit", 2011, with the constants of its program
``compute-fbank-feats``: frames of 25 ms every 10 ms and only whole ones, from each of which its mean is
subtracted; pre-emphasis of 0.97; Povey's window, or Hamming's; power of 512 frequencies; triangles on the
mel scale from 20 Hz to half the rate. There is no dither, so the same audio gives the same values.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples

__all__ = ["FRAME_SAMPLES", "HOP_SAMPLES", "N_BANDS", "Window", "filter_banks", "long_enough"]

Window: TypeAlias = Literal["povey", "hamming"]
"""What a frame is multiplied by."""

FRAME_SAMPLES: Final = 400
HOP_SAMPLES: Final = 160
N_BANDS: Final = 80
_LEAST_FRAMES: Final = 10  # fewer say nothing of a voice, and networks have no deviation of one
_FFT: Final = 512
_PRE_EMPHASIS: Final = np.float32(0.97)
_LOWEST_HZ: Final = 20.0
_FLOOR: Final = np.finfo(np.float32).eps


def long_enough(samples: Samples) -> Samples:
    """Repeat audio that is shorter than ten frames; silence stands for none at all."""
    least = FRAME_SAMPLES + (_LEAST_FRAMES - 1) * HOP_SAMPLES
    if len(samples) >= least:
        return samples
    return np.resize(samples, least) if len(samples) else np.zeros(least, np.float32)


def filter_banks(samples: Samples, window: Window = "povey") -> npt.NDArray[np.float32]:
    """Compute the features of a stretch of audio, and subtract their mean over its frames.

    Args:
        samples: Shape (n,), float32, 16 kHz, n of 400 or more. The scale matters only near the floor of the
            logarithm.
        window: What each frame is multiplied by.

    Returns:
        Shape ((n - 400) // 160 + 1, 80), float32.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME_SAMPLES)[::HOP_SAMPLES]
    level = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([level[:, :1], level[:, :-1]], axis=1)
    spectrum = np.fft.rfft((level - _PRE_EMPHASIS * before) * _window(window), _FFT)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    logarithms = np.log(np.maximum(power @ _filters(), _FLOOR))
    found: npt.NDArray[np.float32] = (logarithms - logarithms.mean(axis=0)).astype(np.float32)
    return found


@cache
def _window(window: Window) -> npt.NDArray[np.float32]:
    values = np.hamming(FRAME_SAMPLES) if window == "hamming" else np.hanning(FRAME_SAMPLES) ** 0.85
    rounded: npt.NDArray[np.float32] = values.astype(np.float32)
    return rounded


@cache
def _filters() -> npt.NDArray[np.float32]:
    """Triangles between neighbouring bands, as wide on the mel scale, shape (257, 80)."""
    lowest, highest = _mels(np.array([_LOWEST_HZ, MODEL_RATE_HZ / 2]))
    edges = np.linspace(lowest, highest, N_BANDS + 2)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    mels = _mels(np.linspace(0.0, MODEL_RATE_HZ / 2, _FFT // 2 + 1))[:, None]
    triangles = np.minimum((mels - low) / (middle - low), (high - mels) / (high - middle))
    filters: npt.NDArray[np.float32] = np.maximum(triangles, 0.0).astype(np.float32)
    return filters


def _mels(hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """O'Shaughnessy's mel scale."""
    mels: npt.NDArray[np.float64] = 1127.0 * np.log1p(hz / 700.0)
    return mels
