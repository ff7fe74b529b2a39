"""From what a client sends to what the engine hears: decoding and resampling, chunk by chunk."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Final

import numpy as np
import soxr

from vivavoce.audio.pcm import Samples, decode_samples

if TYPE_CHECKING:
    from vivavoce.types import Encoding

__all__ = ["ENGINE_RATE_HZ", "Intake"]

ENGINE_RATE_HZ: Final = 16_000
"""Rate of everything behind the intake."""

# Chosen by lag: word error rates on telephone prompts do not tell the presets apart (5.6, 5.5, 5.7 % for
# QQ, LQ, HQ), but LQ holds back 61 ms of 8 kHz audio and QQ nothing. QQ does not keep what lies above the
# new band out, so it is for raising the rate only.
_QUALITY_UP: Final = "QQ"
_QUALITY_DOWN: Final = "LQ"
_PROBE_S: Final = 0.25
_LAG_MARGIN_S: Final = 0.002


@functools.cache
def _lag_samples(sample_rate: int) -> int:
    """How many 16 kHz samples the resampler may hold back, found by trying.

    It depends on the rate in steps that soxr does not document: 31 ms at 32 kHz, 22 at 44.1, 20 at 48.
    """
    probe = _resampler(sample_rate)
    step = np.zeros(max(1, sample_rate // 1000), dtype=np.float32)
    out, lag = 0, 0.0
    for n in range(1, round(_PROBE_S * sample_rate / len(step))):
        out += len(probe.resample_chunk(step))
        lag = max(lag, n * len(step) * ENGINE_RATE_HZ / sample_rate - out)
    return math.ceil(lag + _LAG_MARGIN_S * ENGINE_RATE_HZ)


def _resampler(sample_rate: int) -> soxr.ResampleStream:
    quality = _QUALITY_UP if sample_rate < ENGINE_RATE_HZ else _QUALITY_DOWN
    return soxr.ResampleStream(sample_rate, ENGINE_RATE_HZ, 1, dtype="float32", quality=quality)


class Intake:
    """Turns the bytes of one session into 16 kHz samples.

    The samples do not depend on how the bytes were cut into chunks: soxr's float32 streams are exact
    over any chunking.
    """

    def __init__(self, sample_rate: int, encoding: Encoding) -> None:
        self._rate = sample_rate
        self._encoding = encoding
        self._received_samples = 0
        self._lag_samples = 0 if sample_rate == ENGINE_RATE_HZ else _lag_samples(sample_rate)
        self._resampler = None if sample_rate == ENGINE_RATE_HZ else _resampler(sample_rate)

    @property
    def received_ms(self) -> float:
        """Audio received so far, in milliseconds."""
        return self._received_samples * 1000 / self._rate

    @property
    def settled_samples(self) -> int:
        """How many 16 kHz samples are out for certain after what was received, however it was cut.

        The resampler holds some back, how many at a time depends on the chunks; a position that must
        not depend on them (a forced end) is taken from here.
        """
        exact = self._received_samples * ENGINE_RATE_HZ // self._rate
        return max(0, exact - self._lag_samples)

    def duration_ms(self, n_bytes: int) -> float:
        """How much audio that many bytes hold, in milliseconds."""
        return n_bytes / self._encoding.bytes_per_sample * 1000 / self._rate

    def is_whole(self, n_bytes: int) -> bool:
        """Whether that many bytes are a whole number of samples."""
        return n_bytes % self._encoding.bytes_per_sample == 0

    def feed(self, data: bytes) -> Samples:
        """Take a whole number of samples; returns what came out, shape (n,), float32, 16 kHz."""
        samples = decode_samples(data, self._encoding)
        self._received_samples += len(samples)
        if self._resampler is None:
            return samples
        return np.asarray(self._resampler.resample_chunk(samples), dtype=np.float32)

    def finish(self) -> Samples:
        """Return what the resampler still held; nothing may be fed after it."""
        if self._resampler is None:
            return np.zeros(0, dtype=np.float32)
        rest = self._resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
        return np.asarray(rest, dtype=np.float32)
