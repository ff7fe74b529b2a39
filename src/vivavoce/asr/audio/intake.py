"""From the bytes of a client to the samples of the engine, chunk by chunk."""

from __future__ import annotations

import functools
import math
from typing import Final

import numpy as np
import soxr

from vivavoce.asr.audio.codecs import CodecDecoder
from vivavoce.asr.audio.offset import OffsetRemover
from vivavoce.asr.audio.pcm import Samples, decode_samples
from vivavoce.errors import ProtocolViolation
from vivavoce.types import MODEL_RATE_HZ, Codec, Encoding, Failure

__all__ = ["Intake"]

# Chosen by latency: the word error rates on telephone prompts do not separate the presets (5.6, 5.5, 5.7 %
# for QQ, LQ, HQ), but LQ delays 8 kHz audio by 61 ms, and QQ not at all. QQ does not filter out frequencies
# above the new band, so it is used only to raise the rate.
_QUALITY_UP: Final = "QQ"
_QUALITY_DOWN: Final = "LQ"
_PROBE_S: Final = 0.25
_PIECES_PER_S: Final = 100
_PROBES_PER_S: Final = (1_000, _PIECES_PER_S)  # pieces of other lengths are held at most 0.8 ms longer
_LAG_MARGIN_S: Final = 0.002


def _soxr_stream(sample_rate: int) -> soxr.ResampleStream:
    quality = _QUALITY_UP if sample_rate < MODEL_RATE_HZ else _QUALITY_DOWN
    return soxr.ResampleStream(sample_rate, MODEL_RATE_HZ, 1, dtype="float32", quality=quality)


@functools.cache
def _lag_samples(sample_rate: int) -> int:
    """The largest number of 16 kHz samples that the resampler holds, found by trial.

    It depends on the rate in steps that soxr does not document: 31 ms at 32 kHz, 22 at 44.1, 20 at 48.
    """
    lag = 0.0
    for per_s in _PROBES_PER_S:
        probe = _soxr_stream(sample_rate)
        step = np.zeros(sample_rate // per_s, dtype=np.float32)
        out = 0
        for n in range(1, round(_PROBE_S * sample_rate / len(step))):
            out += len(probe.resample_chunk(step))
            lag = max(lag, n * len(step) * MODEL_RATE_HZ / sample_rate - out)
    return math.ceil(lag + _LAG_MARGIN_S * MODEL_RATE_HZ)


class _Resampler:
    """Removes the offset of one stream and resamples it to 16 kHz.

    Attributes:
        rate_hz: Of its input.
        lag_samples: The largest number of output samples that it holds.
    """

    def __init__(self, rate_hz: int) -> None:
        is_needed = rate_hz != MODEL_RATE_HZ
        self.rate_hz: Final = rate_hz
        self.lag_samples: Final = _lag_samples(rate_hz) if is_needed else 0
        self._stream = _soxr_stream(rate_hz) if is_needed else None  # None: the input is 16 kHz
        self._offset = OffsetRemover(rate_hz)

    def resample(self, samples: Samples, *, last: bool = False) -> Samples:
        """Remove the offset of the next samples of the stream and resample them; shape (n,), float32."""
        samples = self._offset.feed(samples)
        if last:
            samples = np.concatenate([samples, self._offset.finish()])
        if self._stream is None:
            return samples
        # Of long chunks soxr holds more: 43 ms instead of 26 at 83.7 kHz. The pieces bound that.
        size = self.rate_hz // _PIECES_PER_S
        pieces = [self._stream.resample_chunk(samples[at : at + size]) for at in range(0, len(samples), size)]
        if last:
            pieces.append(self._stream.resample_chunk(samples[:0], last=True))
        return np.concatenate([np.zeros(0, dtype=np.float32), *pieces])


class Intake:
    """Turns the bytes of one session into 16 kHz samples.

    The samples do not depend on how the bytes are divided into chunks: soxr's float32 streams are exact
    with any chunks.
    """

    def __init__(self, sample_rate: int, encoding: Encoding | Codec) -> None:
        """Begin a stream.

        Args:
            sample_rate: In Hz; a codec replaces it by the rate in its stream.
            encoding: Encoding of the audio.

        Raises:
            ProtocolViolation: The decoder of the codec is not installed.
        """
        self._encoding = encoding
        self._codec = CodecDecoder(encoding) if isinstance(encoding, Codec) else None
        self._received_samples = 0  # at the rate of the stream
        self._resampled_samples = 0  # given out, at 16 kHz
        self._resampler = _Resampler(sample_rate)

    @property
    def is_compressed(self) -> bool:
        """Whether only the decoded audio shows how long a message is."""
        return self._codec is not None

    @property
    def received_ms(self) -> float:
        """Duration of the audio so far, in milliseconds."""
        return self.duration_ms(self._received_samples)

    @property
    def guaranteed_samples(self) -> int:
        """The number of 16 kHz samples that the audio so far yields in any chunks; never more than came out.

        The number of samples that the resampler holds depends on the chunks. A position that must not depend
        on them (a forced endpoint) is derived from this number.
        """
        exact = self._received_samples * MODEL_RATE_HZ // self._resampler.rate_hz
        return max(0, min(exact - self._resampler.lag_samples, self._resampled_samples))

    def decode(self, data: bytes) -> Samples:
        """Decode the next bytes of the stream; the samples count only once they are fed.

        Returns:
            Shape (n,), float32, at the rate of the stream.

        Raises:
            ProtocolViolation: The bytes are not a whole number of samples, or the codec can't decode them.
        """
        if self._codec is not None:
            samples = self._codec.decode(data)
            rate_hz = self._codec.rate_hz
            if rate_hz is not None and rate_hz != self._resampler.rate_hz:
                self._resampler = _Resampler(rate_hz)
            return samples
        encoding = Encoding(self._encoding)
        if len(data) % encoding.bytes_per_sample:
            raise ProtocolViolation(
                Failure.AUDIO_MISALIGNED, f"{len(data)} bytes are not a whole number of samples"
            )
        return decode_samples(data, encoding)

    def duration_ms(self, n_samples: int) -> float:
        """Duration of a number of decoded samples, in milliseconds."""
        return n_samples * 1000 / self._resampler.rate_hz

    def feed(self, samples: Samples) -> Samples:
        """Take decoded samples; returns the resampled audio, shape (n,), float32, 16 kHz."""
        self._received_samples += len(samples)
        resampled = self._resampler.resample(samples)
        self._resampled_samples += len(resampled)
        return resampled

    def finish(self) -> Samples:
        """Return all samples that decoder and resampler still hold; nothing may be fed after that."""
        rest = self._codec.finish() if self._codec is not None else np.zeros(0, dtype=np.float32)
        self._received_samples += len(rest)
        return self._resampler.resample(rest, last=True)
