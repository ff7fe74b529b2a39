"""Which sessions the recogniser serves next. Pure: no threads, no clock, no samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Scheduler"]

# By measurement on two AVX2 cores: a pass costs as much in a batch of four as alone and more in one of
# eight, since a batch lasts as long as its longest member, and its members wait for each other.
_MAX_PARTIALS_SAMPLES: Final = 16_000 * 12
_MAX_SETTLED_SAMPLES: Final = 16_000 * 6
_HEAD_START_S: Final = 0.15
_SECONDS_PER_SAMPLE: Final = 0.05 / 16_000  # about what a span costs


@dataclass(frozen=True, slots=True)
class _Wish:
    is_final: bool
    is_settled: bool
    since: float
    n_samples: int

    @property
    def urgency(self) -> tuple[bool, float]:
        """Sorts finals before everything else, and the longest waiting first, with regard to its length."""
        handicap = -_HEAD_START_S if self.is_settled else _SECONDS_PER_SAMPLE * self.n_samples
        return (not self.is_final, self.since + handicap)


class Scheduler:
    """Collects at most one wish a session and makes batches of them.

    Finals go before everything else, the longest waiting first. Passes over utterances that pause, which
    may be finals soon, are taken as if they had waited longer than they did, and long partials as if they
    had waited less: short ones are soon done, and are mostly the beginning of something. A batch is padded
    to its longest span, so its padded size is what is bounded, not the number of its samples; the first span
    always goes. Passes over settled spans see the whole utterance and are confirmed once more, partials
    take a few steps; a batch takes as long as its longest pass, so the two are not mixed.
    """

    def __init__(
        self,
        max_batch: int,
        *,
        max_partials_samples: int = _MAX_PARTIALS_SAMPLES,
        max_settled_samples: int = _MAX_SETTLED_SAMPLES,
    ) -> None:
        """Plan for a recogniser.

        Args:
            max_batch: How many spans it takes at once.
            max_partials_samples: Bound of the padded size of a batch of partials, in samples at 16 kHz.
            max_settled_samples: The same for spans that hold a whole utterance.
        """
        self._max_batch = max_batch
        self._max_partials_samples = max_partials_samples
        self._max_settled_samples = max_settled_samples
        self._wishes: dict[int, _Wish] = {}

    def __len__(self) -> int:
        return len(self._wishes)

    def want(self, key: int, *, is_final: bool, is_settled: bool, n_samples: int, now: float) -> None:
        """Note that a session wants a pass; one that waits already keeps its place.

        Args:
            key: The session.
            is_final: Whether an utterance that is over waits for it.
            is_settled: Whether the span holds all the utterance would hold if it ended now.
            n_samples: Length of the span, at 16 kHz.
            now: Wall time, in seconds.
        """
        old = self._wishes.get(key)
        since = old.since if old is not None and old.is_final == is_final else now
        self._wishes[key] = _Wish(is_final, is_settled, since, n_samples)

    def forget(self, key: int) -> None:
        """Drop what a session wanted."""
        self._wishes.pop(key, None)

    def plan(self) -> list[int]:
        """Take the next batch, most urgent first; empty if nobody wants anything."""
        batch: list[int] = []
        longest = 0
        is_settled: bool | None = None
        for key, wish in sorted(self._wishes.items(), key=lambda item: item[1].urgency):
            if len(batch) == self._max_batch:
                break
            if is_settled is None:
                is_settled = wish.is_settled
            if wish.is_settled != is_settled:
                continue
            padded = max(longest, wish.n_samples) * (len(batch) + 1)
            if batch and padded > (self._max_settled_samples if is_settled else self._max_partials_samples):
                continue
            batch.append(key)
            longest = max(longest, wish.n_samples)
        for key in batch:
            del self._wishes[key]
        return batch

    def oldest_wait_s(self, now: float) -> float:
        """How long the longest waiting session has waited, in seconds; 0 if nobody waits."""
        return max((now - wish.since for wish in self._wishes.values()), default=0.0)
