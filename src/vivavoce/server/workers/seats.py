"""What the parent knows of connections and sessions: which worker is next, and who may still enter. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from vivavoce.server.shares import SharedMachine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Seats", "WorkerLoad"]

_READERS_OF_A_SESSION: Final = 50  # connections without a session cost little, and not nothing


@dataclass
class WorkerLoad:
    """What one worker has to do.

    Attributes:
        n_threads: How much it can do at the same time.
        takes: Whether it takes connections: its event loop runs, and it does not end.
        is_silent: Whether it has given no sign of life for a while: its event loop may hang.
        is_ready: Whether its models are loaded.
        is_saturated: Whether it can't serve another session in time.
        cadence_ms: Audio between two partials of its sessions, in milliseconds.
        connections: The addresses of the clients of its connections, by number.
        forwarded: The addresses of proxies' clients that have requests open, and how many.
        plain: The numbers of those that are known to open no session.
    """

    n_threads: int = 1
    takes: bool = False
    is_silent: bool = False
    is_ready: bool = False
    is_saturated: bool = False
    cadence_ms: float = 0.0
    connections: dict[int, str] = field(default_factory=dict)
    plain: set[int] = field(default_factory=set)
    forwarded: Counter[str] = field(default_factory=Counter)

    def leave_forwarded(self, host: str) -> bool:
        """Forget a request of a proxy's client; returns whether there was one."""
        if not self.forwarded[host]:
            return False
        self.forwarded[host] -= 1
        if not self.forwarded[host]:
            del self.forwarded[host]
        return True

    def rank(self) -> tuple[bool, bool, bool, Fraction]:
        """Return what it is compared by: the least takes the next connection."""
        n_plain = len(self.plain)
        load = len(self.connections) - n_plain + Fraction(n_plain, _READERS_OF_A_SESSION)
        return self.is_silent, not self.is_ready, self.is_saturated, load / self.n_threads


@dataclass
class _Seat:
    worker: int
    models: tuple[str, ...] = ()
    owner: str | None = None  # None before its session begins


class Seats:
    """The sessions of all workers.

    Attributes:
        loads: What each worker has to do, by its number.
        limit: Most sessions; None: no limit.
    """

    def __init__(self, n_threads: Iterable[int], limit: int | None, streams: Mapping[str, int]) -> None:
        """Begin without sessions.

        Args:
            n_threads: Of each worker.
            limit: Most sessions of all; None: no limit.
            streams: As for `SharedMachine`.
        """
        self.loads = [WorkerLoad(each) for each in n_threads]
        self.limit = limit
        self._machine = SharedMachine(streams)
        self._seats: dict[tuple[int, int], _Seat] = {}  # by worker and number
        self._by_owner: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many sessions are open, or about to be."""
        return len(self._seats)

    def next_workers(self) -> list[int]:
        """Return the workers that take connections, the one that should get the next first."""
        takers = [worker for worker, load in enumerate(self.loads) if load.takes]
        return sorted(takers, key=lambda worker: self.loads[worker].rank())

    @property
    def is_full(self) -> bool:
        """Whether no worker can take another session, whatever its model."""
        if self.limit is not None and len(self._seats) >= self.limit:
            return True
        takers = [load for load in self.loads if load.takes]
        is_saturated = bool(takers) and all(load.is_saturated for load in takers)
        return is_saturated or self._machine.is_full(self._models())

    def _models(self) -> list[str]:
        return [name for seat in self._seats.values() for name in seat.models]

    def enter(self, worker: int, number: int, *, is_busy: bool = False) -> bool:
        """Count a client that asks for a session; returns whether there is room for it.

        Args:
            worker: Where it is.
            number: Distinguishes it from the worker's others.
            is_busy: Whether the worker can't serve another session in time. It gets this one all the same if
                another worker could, which is then the next.
        """
        if is_busy:
            self.loads[worker].is_saturated = True
        if self.is_full:
            return False
        self._seats[worker, number] = _Seat(worker)
        return True

    def begin(
        self, worker: int, number: int, models: Iterable[str], owner: str, limit: int | None
    ) -> str | None:
        """Count the session of a client that has entered.

        Args:
            worker: Where it is.
            number: As for `enter`.
            models: Its model, once for each channel.
            owner: Whose key it has; empty: it needs none.
            limit: Most sessions of this owner; None: no limit.

        Returns:
            Why it can't begin; None: it does.
        """
        seat = self._seats[worker, number]
        names = tuple(models)
        if not self._machine.holds([*self._models(), *names]):
            return "the server has no capacity for another session"
        if limit is not None and self._by_owner[owner] >= limit:
            return f"at most {limit} at a time with one key"
        seat.models, seat.owner = names, owner
        self._by_owner[owner] += 1
        return None

    def leave(self, worker: int, number: int) -> None:
        """Forget a client that has entered."""
        seat = self._seats.pop((worker, number), None)
        if seat is None or seat.owner is None:
            return
        self._by_owner[seat.owner] -= 1
        if not self._by_owner[seat.owner]:
            del self._by_owner[seat.owner]

    def lose(self, worker: int) -> WorkerLoad:
        """Forget all that a worker had, which has ended; returns that."""
        for each, number in list(self._seats):
            if each == worker:
                self.leave(worker, number)
        old = self.loads[worker]
        self.loads[worker] = WorkerLoad(old.n_threads)
        return old
