"""Mixes the channels of a recording into one, so that none of them cancels or drowns another."""

from __future__ import annotations

import math
import sys
from array import array
from operator import mul
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Mixer", "channel_weights"]

_SAMPLE_MAX: Final = 32_767
_SAMPLE_MIN: Final = -32_768
_SILENT_PEAK: Final = 33  # -60 dB: a channel without a louder sample is connected to nothing
_AUDIBLE_POWER: Final = 100  # mean square below which the phase of a block means nothing
_PROBE_STEP: Final = 4  # every fourth sample is enough to compare channels
_OPPOSITE: Final = 0.6  # correlation from which on the phase is opposite; equal channels lose 6 dB then
_FADE_S: Final = 0.005
_WEIGHTS: Final = {"FC": 1.0, "FL": 0.7, "FR": 0.7, "LFE": 0.1, "LFE2": 0.1}  # speech is in the centre
_OTHER_WEIGHT: Final = 0.5
_MIN_SURROUND: Final = 3


def channel_weights(names: Sequence[str]) -> list[float] | None:
    """Return the weights of the channels of a film; None: all channels are equal.

    Args:
        names: FFmpeg's names of the channels, such as ``FL``.
    """
    if len(names) < _MIN_SURROUND or "FC" not in names:
        return None
    return [_WEIGHTS.get(name, _OTHER_WEIGHT) for name in names]


def _in_file_order(samples: array[int]) -> array[int]:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


class Mixer:
    """Mixes blocks of interleaved samples.

    Channels are averaged, with two exceptions. A channel in opposite phase is inverted, since it would cancel
    the others: a balanced line that was recorded as stereo is silence when it is averaged. And a channel that
    has been silent so far does not count, since it would only make the others quieter.

    The result depends on the samples and on the division into blocks, which must not depend on chance.

    Args:
        channels: Number of channels.
        sample_rate: In Hz.
        weights: Weight of each channel; equal if None.
    """

    def __init__(self, channels: int, sample_rate: int, weights: Sequence[float] | None = None) -> None:
        self._channels = channels
        self._weights = list(weights) if weights is not None else [1.0] * channels
        self._fade_samples = int(sample_rate * _FADE_S)
        self._signs = [1] * channels  # -1: the channel is inverted
        self._is_active = [False] * channels  # whether it has carried audio
        self._gains: list[float] | None = None  # of the previous block; None before the first

    def mix(self, data: bytes) -> bytes:
        """Mix a block, of about 100 ms, of 16-bit little-endian samples in whole frames."""
        if self._channels == 1 or not data:
            return data
        samples = _in_file_order(array("h", data))
        tracks = [samples[index :: self._channels] for index in range(self._channels)]
        self._compare([track[::_PROBE_STEP] for track in tracks])
        gains = self._current_gains()
        mixed = _weighted(tracks, gains)
        if self._gains is not None and gains != self._gains:
            before = _weighted([track[: self._fade_samples] for track in tracks], self._gains)
            steps = len(before)
            mixed[:steps] = array(
                "h",
                [
                    (old * (steps - at) + new * at) // steps
                    for at, (old, new) in enumerate(zip(before, mixed, strict=False))
                ],
            )
        self._gains = gains
        return _in_file_order(mixed).tobytes()

    def _compare(self, probes: list[array[int]]) -> None:
        """Find channels that carry audio, and those that would cancel the sum of the ones before."""
        mixed: list[int] | array[int] = probes[0]
        for index, probe in enumerate(probes):
            if not self._is_active[index]:
                self._is_active[index] = max(probe) > _SILENT_PEAK or min(probe) < -_SILENT_PEAK
            if index == 0:
                continue
            quietest = _AUDIBLE_POWER * len(probe)
            powers = sum(map(mul, mixed, mixed)), sum(map(mul, probe, probe))
            cross = self._signs[index] * sum(map(mul, mixed, probe))
            if min(powers) > quietest and cross < -_OPPOSITE * math.sqrt(powers[0] * powers[1]):
                self._signs[index] = -self._signs[index]
            sign = self._signs[index]
            if index + 1 < len(probes):
                mixed = [before + sign * value for before, value in zip(mixed, probe, strict=True)]

    def _current_gains(self) -> list[float]:
        are_counted = self._is_active if any(self._is_active) else [True] * self._channels
        weights = [
            weight if is_counted else 0.0
            for weight, is_counted in zip(self._weights, are_counted, strict=True)
        ]
        total = sum(weights)
        return [sign * weight / total for sign, weight in zip(self._signs, weights, strict=True)]


def _weighted(tracks: Sequence[array[int]], gains: Sequence[float]) -> array[int]:
    """Sum of the channels times their gains, whose magnitudes add up to 1."""
    counted = [(track, gain) for track, gain in zip(tracks, gains, strict=True) if gain]
    if len(counted) == 1 and counted[0][1] == 1:
        return counted[0][0][:]
    if all(gain == counted[0][1] > 0 for _, gain in counted):
        n = len(counted)
        if n == 2:  # noqa: PLR2004  - a shift is faster
            return array("h", [(a + b) >> 1 for a, b in zip(*(track for track, _ in counted), strict=True)])
        return array("h", [sum(frame) // n for frame in zip(*(track for track, _ in counted), strict=True)])
    factors = [gain for _, gain in counted]
    return array(
        "h",
        [
            max(_SAMPLE_MIN, min(_SAMPLE_MAX, int(sum(map(mul, factors, frame)))))
            for frame in zip(*(track for track, _ in counted), strict=True)
        ],
    )
