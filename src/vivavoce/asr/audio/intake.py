"""From what a client sends to what the engine hears: decoding and resampling, chunk by chunk."""

from __future__ import annotations

import functools
import math
from typing import Final

import numpy as np
import soxr

from vivavoce.asr.audio.codecs import CodecDecoder
from vivavoce.asr.audio.pcm import Samples, decode_samples
from vivavoce.asr.audio.rate import ENGINE_RATE_HZ
from vivavoce.errors import ProtocolViolation
from vivavoce.types import Codec, Encoding, Failure

__all__ = ["Intake"]

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

    def __init__(self, sample_rate: int, encoding: Encoding | Codec) -> None:
        """Prepare for a stream.

        Args:
            sample_rate: In Hz; a codec brings its own.
            encoding: How the audio is written.

        Raises:
            ProtocolViolation: The codec is not installed.
        """
        self._encoding = encoding
        self._codec = CodecDecoder(encoding) if isinstance(encoding, Codec) else None
        self._received_samples = 0
        self._set_rate(sample_rate)

    def _set_rate(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._lag_samples = 0 if sample_rate == ENGINE_RATE_HZ else _lag_samples(sample_rate)
        self._resampler = None if sample_rate == ENGINE_RATE_HZ else _resampler(sample_rate)

    @property
    def is_compressed(self) -> bool:
        """Whether a codec says how much audio a message holds."""
        return self._codec is not None

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

    def decode(self, data: bytes) -> Samples:
        """Decode what came next.

        Returns:
            Shape (n,), float32, at the rate of the stream. It is not taken until it is fed.

        Raises:
            ProtocolViolation: No whole number of samples, or nothing the codec can read.
        """
        if self._codec is not None:
            samples = self._codec.decode(data)
            if self._codec.rate_hz not in {None, self._rate}:
                self._set_rate(self._codec.rate_hz or self._rate)
            return samples
        encoding = Encoding(self._encoding)
        if len(data) % encoding.bytes_per_sample:
            raise ProtocolViolation(
                Failure.AUDIO_MISALIGNED, f"{len(data)} bytes are not a whole number of samples"
            )
        return decode_samples(data, encoding)

    def duration_ms(self, n_samples: int) -> float:
        """How long that many decoded samples last, in milliseconds."""
        return n_samples * 1000 / self._rate

    def feed(self, samples: Samples) -> Samples:
        """Take decoded samples; returns what came out, shape (n,), float32, 16 kHz."""
        self._received_samples += len(samples)
        if self._resampler is None:
            return samples
        return np.asarray(self._resampler.resample_chunk(samples), dtype=np.float32)

    def finish(self) -> Samples:
        """Return what was still held back; nothing may be fed after it."""
        rest = self._codec.finish() if self._codec is not None else np.zeros(0, dtype=np.float32)
        self._received_samples += len(rest)
        if self._resampler is None:
            return rest
        return np.asarray(self._resampler.resample_chunk(rest, last=True), dtype=np.float32)
