"""Which requests the recogniser serves next. Pure: no threads, no clock, no samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.session import DecodeRequest

__all__ = ["Batch", "Scheduler"]

# By measurement on two AVX2 cores: a pass costs as much in a batch of four as alone and more in one of
# eight, since a batch lasts as long as its longest pass, and whoever is not in it waits. Larger batches, as
# on a GPU, may hold as much audio for each span; that was not measured.
_MEASURED_BATCH: Final = 4
_MAX_PARTIALS_SAMPLES: Final = MODEL_RATE_HZ * 12
_MAX_WHOLE_SAMPLES: Final = MODEL_RATE_HZ * 6
_HEAD_START_S: Final = 0.15
_SECONDS_PER_SAMPLE: Final = 0.05 / MODEL_RATE_HZ  # roughly the cost of a span


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests to serve together.

    Attributes:
        requests: Sessions and their requests, most urgent first; empty if there is nothing to do.
        wait_s: How long the longest waiting of them has waited, in seconds; 0 for recordings.
    """

    requests: tuple[tuple[int, DecodeRequest], ...] = ()
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: DecodeRequest
    since: float  # wall time at which the session began to wait

    @property
    def urgency(self) -> tuple[bool, bool, float]:
        """Sorts recordings last, finals first, then by waiting time, corrected for the pass."""
        request = self.request
        handicap = -_HEAD_START_S if request.is_exact else _SECONDS_PER_SAMPLE * request.n_samples
        return (request.is_patient, not request.is_final, self.since + handicap)


class Scheduler:
    """Holds at most one request a session and makes batches of them.

    Finals go first, then the request that waits longest. Passes over utterances that pause may soon be
    finals, so they are treated as if they had waited longer. Long partials are treated as if they had waited
    less: short ones are done sooner, and usually belong to an utterance that just began. The steps of a batch
    are padded to its longest span, so the padded size is what is bounded; the first span is always served. A
    batch lasts as long as its longest pass, so partials, which take a few decoder steps, are not mixed with
    passes over whole utterances or cuts. Recordings go last and are not mixed with live sessions, which must
    not wait for them.
    """

    def __init__(
        self,
        max_batch: int,
        *,
        max_partials_samples: int | None = None,
        max_whole_samples: int | None = None,
    ) -> None:
        """Plan for a recogniser.

        Args:
            max_batch: Most spans in a batch.
            max_partials_samples: Bound of the padded size of a batch of partials, in samples at 16 kHz. None:
                12 s, and in proportion more where more than four spans are in a batch.
            max_whole_samples: The same for spans that hold a whole utterance. None: 6 s, or more.
        """
        self._max_batch = max_batch
        scale = max(1.0, max_batch / _MEASURED_BATCH)
        if max_partials_samples is None:
            max_partials_samples = round(scale * _MAX_PARTIALS_SAMPLES)
        if max_whole_samples is None:
            max_whole_samples = round(scale * _MAX_WHOLE_SAMPLES)
        self._max_partials_samples = max_partials_samples
        self._max_whole_samples = max_whole_samples
        self._waiting: dict[int, _Waiting] = {}  # by session

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, key: int, request: DecodeRequest, now: float) -> None:
        """Set the request of a session; one that replaces another keeps its place unless it becomes a final.

        Args:
            key: The session.
            request: What it needs.
            now: Wall time, in seconds.
        """
        old = self._waiting.get(key)
        keeps_place = old is not None and old.request.is_final == request.is_final
        self._waiting[key] = _Waiting(request, old.since if old is not None and keeps_place else now)

    def forget(self, key: int) -> None:
        """Drop the request of a session, if it has one."""
        self._waiting.pop(key, None)

    def plan(self, now: float, running: Sequence[DecodeRequest] = ()) -> Batch:
        """Take the requests that are served next.

        None overtakes a more urgent one by joining a batch that the other does not fit into: it could go on
        for ever.

        Args:
            now: Wall time, in seconds.
            running: What is in the batch that they join.
        """
        chosen: dict[int, _Waiting] = {}
        longest = max((request.n_samples for request in running), default=0)
        # Of all requests of the batch: exact or not, patient or not.
        kind = (running[0].is_exact, running[0].is_patient) if running else None
        for key, waiting in sorted(self._waiting.items(), key=lambda item: item[1].urgency):
            n = len(running) + len(chosen)
            if n >= self._max_batch:
                break
            request = waiting.request
            kind = kind or (request.is_exact, request.is_patient)
            padded = max(longest, request.n_samples) * (n + 1)
            most = self._max_whole_samples if request.is_exact else self._max_partials_samples
            if (request.is_exact, request.is_patient) != kind or (n and padded > most):
                if running:
                    break
                continue
            chosen[key] = waiting
            longest = max(longest, request.n_samples)
        for key in chosen:
            del self._waiting[key]
        return Batch(
            tuple((key, waiting.request) for key, waiting in chosen.items()),
            max(
                (now - waiting.since for waiting in chosen.values() if not waiting.request.is_patient),
                default=0.0,
            ),
        )

    def longest_wait_s(self, now: float) -> float:
        """How long the longest waiting of all live requests has waited, in seconds; 0 without any."""
        live = (waiting for waiting in self._waiting.values() if not waiting.request.is_patient)
        return max((now - waiting.since for waiting in live), default=0.0)
