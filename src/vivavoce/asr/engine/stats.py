"""What an engine has done so far, in numbers that only grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.session import PassKind

if TYPE_CHECKING:
    from vivavoce.asr.session import DecodeRequest

__all__ = ["EngineStats", "Histogram"]

_WAITS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SIZES: Final = (1, 2, 4, 8, 16, 32)


class Histogram:
    """Counts of values by upper bounds.

    Attributes:
        bounds: Upper bounds, rising.
        counts: Values up to each bound and above the one before; the last counts those above all bounds.
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
    """Counters of one engine.

    Attributes:
        passes: Passes of the recogniser, by kind: the values of `PassKind`.
        batch_sizes: Passes in a batch, counted whenever some join.
        batch_waits_s: Longest wait of the requests that joined, in seconds.
        queue_waits_s: Longest wait of all requests at that moment, in seconds.
        decode_s: Time spent decoding, in seconds, summed over threads.
        needed_s: The part of ``decode_s`` that live sessions would have needed at the slowest cadence.
        detected_s: Audio that went through the speech detector, in seconds.
        revise_s: Time spent by the better recogniser, in seconds.
        late_revisions: Finals that were reported without it, because it was late.
    """

    def __init__(self) -> None:
        self.passes = {kind.value: 0 for kind in PassKind}
        self.batch_sizes = Histogram(_SIZES)
        self.batch_waits_s = Histogram(_WAITS_S)
        self.queue_waits_s = Histogram(_WAITS_S)
        self.decode_s = 0.0
        self.needed_s = 0.0
        self.detected_s = 0.0
        self.revise_s = 0.0
        self.late_revisions = 0

    def decoded(self, seconds: float, request: DecodeRequest, least_share: float) -> None:
        """Note time spent decoding a batch.

        Args:
            seconds: The time.
            request: One of the batch, which are all of one kind.
            least_share: The part of the partials that the slowest cadence would leave, 0 to 1.
        """
        self.decode_s += seconds
        if not request.is_patient:
            self.needed_s += seconds * (1.0 if request.is_exact else least_share)

    def joined(self, kinds: list[str], *, n_running: int, wait_s: float, queue_wait_s: float) -> None:
        """Count passes that joined a batch.

        Args:
            kinds: Their kinds.
            n_running: Passes that were in it.
            wait_s: Longest wait of their requests, in seconds.
            queue_wait_s: Longest wait of all requests then, in seconds.
        """
        for kind in kinds:
            self.passes[kind] += 1
        self.batch_sizes.add(n_running + len(kinds))
        self.batch_waits_s.add(wait_s)
        self.queue_waits_s.add(queue_wait_s)
