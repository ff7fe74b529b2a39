"""Whisper's log-mel features, in NumPy.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), section 2.2, with
the constants of its published code: frames of 25 ms every 10 ms, 80 bands on Slaney's mel scale (M. Slaney,
"Auditory Toolbox", 1998), base-10 logarithms bounded to 8 below the greatest, moved to about ±1.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples

__all__ = ["HOP_SAMPLES", "N_BANDS", "log_mel", "mel_power"]

HOP_SAMPLES: Final = 160
N_BANDS: Final = 80
_FRAME_SAMPLES: Final = 400
_FLOOR: Final = 1e-10
_RANGE: Final = 8.0
# Slaney's scale: 15 mels per kilohertz below 1 kHz, and above it 27 mels per factor of 6.4.
_LINEAR_HZ: Final = 1_000.0
_LINEAR_MELS: Final = 15.0
_MELS_PER_E: Final = 27.0 / np.log(6.4)


def log_mel(samples: Samples, n_bands: int = N_BANDS) -> npt.NDArray[np.float32]:
    """Compute the features of a stretch of audio.

    Args:
        samples: Shape (n,), float32, 16 kHz, n > 200.
        n_bands: 80, or 128 for Whisper large from its third version on.

    Returns:
        Shape (n_bands, n // 160), float32, one column every 10 ms.
    """
    # Each frame is centred on its moment; the audio is mirrored at both ends.
    padded = np.pad(samples, _FRAME_SAMPLES // 2, mode="reflect")
    power = _power(padded, len(samples) // HOP_SAMPLES)
    logarithms = np.log10(np.maximum(_filters(n_bands) @ power.T, _FLOOR))
    bounded = np.maximum(logarithms, logarithms.max() - _RANGE)
    scaled: npt.NDArray[np.float32] = ((bounded + 4.0) / 4.0).astype(np.float32)
    return scaled


def mel_power(samples: Samples, n_bands: int) -> npt.NDArray[np.float32]:
    """Compute the power in the bands, frame by frame, without a logarithm and without mirrored ends.

    Args:
        samples: Shape (n,), float32, 16 kHz, n of 400 or more.
        n_bands: Number of bands.

    Returns:
        Shape ((n - 400) // 160 + 1, n_bands), float32.
    """
    n_frames = (len(samples) - _FRAME_SAMPLES) // HOP_SAMPLES + 1
    found: npt.NDArray[np.float32] = (_power(samples, n_frames) @ _filters(n_bands).T).astype(np.float32)
    return found


def _power(samples: Samples, n_frames: int) -> npt.NDArray[np.float64]:
    """Power spectra of the first frames, shape (n_frames, 201)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME_SAMPLES)[::HOP_SAMPLES]
    spectrum = np.fft.rfft(frames[:n_frames] * _window())
    power: npt.NDArray[np.float64] = np.square(spectrum.real) + np.square(spectrum.imag)
    return power


@cache
def _window() -> npt.NDArray[np.float64]:
    return np.hanning(_FRAME_SAMPLES + 1)[:-1]


@cache
def _filters(n_bands: int) -> npt.NDArray[np.float64]:
    """Triangles of equal area between neighbouring bands, shape (n_bands, 201)."""
    highest = _LINEAR_MELS + _MELS_PER_E * np.log(MODEL_RATE_HZ / 2 / _LINEAR_HZ)
    mels = np.linspace(0.0, highest, n_bands + 2)
    edges = np.where(
        mels < _LINEAR_MELS,
        mels * _LINEAR_HZ / _LINEAR_MELS,
        _LINEAR_HZ * np.exp((mels - _LINEAR_MELS) / _MELS_PER_E),
    )[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    hz = np.linspace(0.0, MODEL_RATE_HZ / 2, _FRAME_SAMPLES // 2 + 1)
    triangles = np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle))
    filters: npt.NDArray[np.float64] = np.maximum(0.0, triangles) * 2.0 / (high - low)
    return filters
