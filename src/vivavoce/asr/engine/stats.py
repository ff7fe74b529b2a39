"""What an engine has done so far, in numbers that only grow."""

from __future__ import annotations

from typing import Final

__all__ = ["EngineStats", "Histogram"]

_WAITS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SIZES: Final = (1, 2, 4, 8, 16, 32)


class Histogram:
    """Counts of values up to each bound.

    Attributes:
        bounds: Upper bounds, rising.
        counts: How many values were within each bound but not the one before, and behind the last.
        total: Sum of the values.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        place = next((n for n, bound in enumerate(self.bounds) if value <= bound), len(self.bounds))
        self.counts[place] += 1
        self.total += value


class EngineStats:
    """Of one engine.

    Attributes:
        passes: Passes of the recogniser, by kind: ``final``, ``settled`` or ``partial``.
        batch_sizes: Passes in a batch.
        waits_s: How long the longest waiting pass of a batch had waited, in seconds.
        decode_s: Time spent decoding, in seconds, summed over threads.
        heard_s: Audio that went through the speech detector, in seconds.
    """

    def __init__(self) -> None:
        self.passes = {"final": 0, "settled": 0, "partial": 0}
        self.batch_sizes = Histogram(_SIZES)
        self.waits_s = Histogram(_WAITS_S)
        self.decode_s = 0.0
        self.heard_s = 0.0

    def batch(self, kinds: list[str], *, wait_s: float, decode_s: float) -> None:
        """Note a batch.

        Args:
            kinds: Of its passes.
            wait_s: How long the longest waiting of them had waited, in seconds.
            decode_s: How long it took, in seconds.
        """
        for kind in kinds:
            self.passes[kind] += 1
        self.batch_sizes.add(len(kinds))
        self.waits_s.add(wait_s)
        self.decode_s += decode_s
