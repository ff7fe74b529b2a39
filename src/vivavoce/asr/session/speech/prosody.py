"""How a stretch of speech ends: loudness and pitch of its end relative to the speech before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples

__all__ = ["WINDOW_SAMPLES", "Prosody", "prosody"]

WINDOW_SAMPLES: Final = MODEL_RATE_HZ * 2
"""How much of the speech is measured, at 16 kHz."""

_DECIMATION: Final = 4
_RATE_HZ: Final = MODEL_RATE_HZ // _DECIMATION
_FRAME: Final = 160  # 40 ms: two and a half periods of the deepest voice
_HOP: Final = 64  # 16 ms
_FFT: Final = 512  # at least a frame and the longest lag
_LOWEST_HZ: Final = 65
_HIGHEST_HZ: Final = 400
_VOICED: Final = 0.5
_NEARLY_AS_HIGH: Final = 0.85
_END_FRAMES: Final = 12  # 0.2 s
_AUDIBLE_DB: Final = 35.0
_FLOOR: Final = 1e-10
_SEMITONES: Final = 12.0


class Prosody(NamedTuple):
    """The voice at the end of speech.

    Attributes:
        fall_db: Loudness of its loud parts minus that of its last 0.2 s, in dB.
        fall_semitones: Its usual pitch minus that of its last voiced sounds, in semitones; 0 if not found.
    """

    fall_db: float = 0.0
    fall_semitones: float = 0.0


def prosody(samples: Samples) -> Prosody:
    """Measure the end of speech.

    Pitch is a peak of the normalised autocorrelation, as in P. Boersma, "Accurate short-term analysis of the
    fundamental frequency" (1993), without its search for the best path.

    Args:
        samples: Speech up to its end, shape (n,), float32, 16 kHz; only the last `WINDOW_SAMPLES` count.
    """
    n = min(len(samples), WINDOW_SAMPLES) // _DECIMATION
    if n < _FRAME + _END_FRAMES * _HOP:
        return Prosody()
    low = samples[len(samples) - n * _DECIMATION :].reshape(n, _DECIMATION).mean(axis=1)
    offset = (n - _FRAME) % _HOP  # the last frame ends with the last sample
    frames = np.lib.stride_tricks.sliding_window_view(low, _FRAME)[offset::_HOP]
    level_db = 10 * np.log10(np.square(frames).mean(axis=1) + _FLOOR)
    loud_db = float(np.percentile(level_db, 90))
    is_audible = level_db > loud_db - _AUDIBLE_DB
    end = int(np.flatnonzero(is_audible)[-1]) + 1
    start = max(0, end - _END_FRAMES)
    fall_db = loud_db - float(level_db[start:end].mean())
    hz = _pitch(frames[:end])
    usual, last = hz[: end - _END_FRAMES], hz[start:]
    usual, last = usual[usual > 0], last[last > 0]
    if not (len(usual) and len(last)):
        return Prosody(fall_db)
    return Prosody(fall_db, float(_SEMITONES * np.log2(np.median(usual) / np.median(last))))


def _pitch(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Pitch of each frame, shape (n,), in Hz; 0 where it has none."""
    shortest, longest = _RATE_HZ // _HIGHEST_HZ, _RATE_HZ // _LOWEST_HZ
    lags = np.arange(shortest - 1, longest + 1)
    window = np.hanning(_FRAME).astype(np.float32)
    of_window = _autocorrelation(window[None])[0]
    own = _autocorrelation((frames - frames.mean(axis=1, keepdims=True)) * window)
    likeness = own[:, lags[0] : lags[-1] + 1] / (own[:, :1] + _FLOOR) * (of_window[0] / of_window[lags])
    inner = likeness[:, 1:-1]
    is_peak = (inner >= likeness[:, :-2]) & (inner >= likeness[:, 2:]) & (inner > _VOICED)
    # Multiples of the period have peaks too: of the peaks that are nearly as high, the shortest lag is taken.
    highest = np.where(is_peak, inner, 0.0).max(axis=1, keepdims=True)
    first = (is_peak & (inner >= _NEARLY_AS_HIGH * highest)).argmax(axis=1)
    return np.where(highest[:, 0] > 0, _RATE_HZ / lags[first + 1], 0.0)


def _autocorrelation(frames: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
    spectrum = np.fft.rfft(frames, _FFT)
    return np.fft.irfft(np.square(spectrum.real) + np.square(spectrum.imag))
