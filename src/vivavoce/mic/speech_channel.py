"""Makes one channel of a microphone that only opens with several: the one that carries speech.

A mean would halve a microphone that is wired to one side, and silence two sides of opposite phase. The
choice follows speakers who have a microphone each, on a channel each.
"""

from __future__ import annotations

from array import array
from operator import mul
from typing import Final

__all__ = ["SpeechChannel"]

_SMOOTHING: Final = 0.5  # weight of the last chunk, of 100 ms
_FLOOR_RISE: Final = 1.02  # of the noise floor per chunk; it falls at once
_ADVANTAGE: Final = 3.0  # how much more speech, in power, another channel must carry to be chosen
_FADE_SAMPLES: Final = 160


def _power(samples: array[int]) -> float:
    """Return the mean power without the DC offset."""
    n = max(1, len(samples))
    power: float = sum(map(mul, samples, samples)) / n - (sum(samples) / n) ** 2
    return max(0.0, power)


class SpeechChannel:
    """Chooses a channel of each chunk, and changes its choice smoothly.

    What rises above the noise floor of a channel counts as speech, so constant hum or noise counts little.

    Args:
        channels: Number of channels.
    """

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._floors: list[float] = []  # noise floors, in power; empty before the first chunk
        self._levels = [0.0] * channels  # smoothed power above the floor
        self._chosen = 0

    @property
    def chosen(self) -> int:
        """Index of the channel that is used at present."""
        return self._chosen

    def extract(self, chunk: bytes) -> bytes:
        """Return the chosen channel of a chunk.

        Args:
            chunk: About 100 ms of interleaved 16-bit samples in the machine's byte order.

        Returns:
            As many samples of one channel.
        """
        interleaved = array("h", chunk)
        sides = [interleaved[index :: self._channels] for index in range(self._channels)]
        before = self._chosen
        self._choose([_power(side) for side in sides])
        samples = sides[self._chosen]
        if before != self._chosen:
            n = min(_FADE_SAMPLES, len(samples))
            for index in range(n):
                samples[index] = (samples[index] * index + sides[before][index] * (n - index)) // n
        return samples.tobytes()

    def _choose(self, powers: list[float]) -> None:
        if not self._floors:
            self._floors = powers
            self._chosen = max(range(self._channels), key=powers.__getitem__)
            return
        for index, power in enumerate(powers):
            self._floors[index] = min(power, self._floors[index] * _FLOOR_RISE + 1.0)
            above = power - self._floors[index]
            self._levels[index] += _SMOOTHING * (above - self._levels[index])
        best = max(range(self._channels), key=self._levels.__getitem__)
        if self._levels[best] > _ADVANTAGE * self._levels[self._chosen]:
            self._chosen = best
