"""Simulates a cluster of replicas through a day: sessions come and go, replicas start, stop and fail.

The clock moves in steps. In each, replicas become ready, sessions end, replicas fail, sessions arrive and are
placed, and the autoscaler decides. A session that finds no room waits and tries again in each step, until the
patience of its client ends. Sessions of a replica that fails, or whose drain is over, come back at once, as
those of the SDK do.

Session lengths are a mixture of two exponential distributions: how long a session has lasted says nothing
more than its kind does, and a replica is two numbers. The autoscaler is Ray Serve's rule: the mean number of
sessions over a while, divided by the target of a replica, once that has been more, or less, for the delay.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Assumptions", "Autoscaler", "Outage", "Result", "arrival_rate", "simulate"]

_Ints: TypeAlias = npt.NDArray[np.int64]
_Floats: TypeAlias = npt.NDArray[np.float64]

DAY_S: Final = 86_400.0
_HOUR_S: Final = 3_600.0
_TRIES: Final = 4  # of the proxy: one, and three more after refusals
_EMPTY, _STARTING, _RUNNING, _DRAINING = range(4)


@dataclass(frozen=True, slots=True)
class Outage:
    """A part of all replicas that fails at once.

    Attributes:
        at_s: When, in seconds since midnight.
        part: Which part of the running replicas.
    """

    at_s: float
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is simulated.

    Attributes:
        streams: Open sessions at the peak of the day, without bursts, in the mean.
        sessions_per_replica: Most sessions of a replica.
        target: Part of them that the autoscaler aims at.
        min_replicas: Least replicas.
        fixed: Whether there are always ``min_replicas``.
        night: Arrivals at the quietest time, as a part of those at the peak; 1: all day the same.
        burst: Arrivals in the first two minutes of each hour, as a multiple of the usual ones.
        short_s: Mean length of short sessions, in seconds.
        long_s: Mean length of long ones.
        part_long: Part of the sessions that are long.
        start_s: How long a replica starts on a machine that runs, in seconds.
        machine_s: Median of how long a machine starts before that, in seconds; its logarithm has a standard
            deviation of 0.3.
        replicas_per_machine: Replicas that start, and fail, together.
        replica_life_s: Mean time between failures of a replica, in seconds.
        machine_life_s: The same of a machine.
        outage: A part of the replicas that fails at once; None: none.
        look_back_s: Over how long the autoscaler takes the mean.
        upscale_delay_s: How long there must be too many sessions.
        downscale_delay_s: How long there must be too few.
        drain_s: How long the sessions of a replica that stops may continue.
        patience_s: How long a client tries again.
        step_s: Length of a step.
        seed: Of all random numbers.
    """

    streams: int
    sessions_per_replica: int
    target: float = 0.7
    min_replicas: int = 2
    fixed: bool = False
    night: float = 0.15
    burst: float = 2.0
    short_s: float = 240.0
    long_s: float = 1_800.0
    part_long: float = 0.3
    start_s: float = 10.0
    machine_s: float = 90.0
    replicas_per_machine: int = 8
    replica_life_s: float = 30 * DAY_S
    machine_life_s: float = 90 * DAY_S
    outage: Outage | None = None
    look_back_s: float = 30.0
    upscale_delay_s: float = 10.0
    downscale_delay_s: float = 600.0
    drain_s: float = 900.0
    patience_s: float = 60.0
    step_s: float = 5.0
    seed: int = 17

    @property
    def mean_s(self) -> float:
        """Mean length of a session, in seconds."""
        return self.part_long * self.long_s + (1 - self.part_long) * self.short_s

    @property
    def most_replicas(self) -> int:
        """Replicas that are never exceeded: the autoscaler's upper limit."""
        if self.fixed:
            return self.min_replicas
        return max(self.min_replicas, math.ceil(3 * self.streams / self.sessions_per_replica) + 8)


@dataclass(slots=True)
class Result:
    """What happened in a day.

    Attributes:
        arrived: Sessions that came.
        refused_first: Those that were refused at their first try.
        gave_up: Those that never found room.
        waits: How many steps those that were served had waited, as counts by steps.
        lost: Sessions whose replica failed.
        moved: Sessions whose replica's drain ended.
        returned_waits: As ``waits``, of sessions that came back.
        returned_gave_up: Sessions that came back and never found room.
        peak_streams: Most open sessions.
        peak_replicas: Most replicas that run, start or drain.
        stream_s: Open sessions, summed over the day, in seconds.
        replica_s: Replicas, the same.
        left: Sessions that are open at the end.
        waiting: Sessions that wait at the end.
        ended: Sessions that came to their end.
    """

    waits: _Ints
    returned_waits: _Ints
    arrived: int = 0
    refused_first: int = 0
    gave_up: int = 0
    lost: int = 0
    moved: int = 0
    returned_gave_up: int = 0
    peak_streams: int = 0
    peak_replicas: int = 0
    stream_s: float = 0.0
    replica_s: float = 0.0
    left: int = 0
    waiting: int = 0
    ended: int = 0

    def wait_quantile_steps(self, part: float, *, returned: bool = False) -> int:
        """Return how many steps at most this part of the sessions that were served had waited."""
        counts = self.returned_waits if returned else self.waits
        if not counts.sum():
            return 0
        return int(np.searchsorted(np.cumsum(counts), part * counts.sum()))

    @property
    def utilisation(self) -> float:
        """Open sessions per replica, in the mean over the day."""
        return self.stream_s / self.replica_s


def arrival_rate(given: Assumptions, at_s: float) -> float:
    """Return the expected arrivals a second: a wave with its peak at 14 h, and bursts at full hours.

    Args:
        given: The assumptions.
        at_s: Seconds since midnight.
    """
    peak = given.streams / given.mean_s
    wave = 0.5 + 0.5 * math.cos(2 * math.pi * (at_s / DAY_S - 14 / 24))
    rate = peak * (given.night + (1 - given.night) * wave)
    return rate * given.burst if at_s % _HOUR_S < 120 else rate  # noqa: PLR2004 - two minutes


class Autoscaler:
    """Ray Serve's rule. Pure; the sessions go in."""

    def __init__(self, given: Assumptions) -> None:
        """Begin with the least replicas."""
        self._given = given
        self._seen: deque[int] = deque(maxlen=max(1, round(given.look_back_s / given.step_s)))
        self._over_s = 0.0  # for how long more replicas are wanted than there are
        self._under_s = 0.0  # the same of fewer

    def decide(self, sessions: int, replicas: int) -> int:
        """Return how many replicas there should be.

        Args:
            sessions: Open ones, and those that wait.
            replicas: Those that run or start.
        """
        given = self._given
        self._seen.append(sessions)
        if given.fixed:
            return given.min_replicas
        target = max(1, math.floor(given.sessions_per_replica * given.target))
        mean = sum(self._seen) / len(self._seen)
        wanted = min(given.most_replicas, max(given.min_replicas, math.ceil(mean / target)))
        self._over_s = self._over_s + given.step_s if wanted > replicas else 0.0
        self._under_s = self._under_s + given.step_s if wanted < replicas else 0.0
        if self._over_s > given.upscale_delay_s or self._under_s > given.downscale_delay_s:
            self._over_s = self._under_s = 0.0
            return wanted
        return replicas


@dataclass(slots=True)
class _Fleet:
    """All replicas, each a row.

    Attributes:
        state: Of each.
        until_s: When it is ready, or when its drain is over.
        open: Its open sessions, short and long ones.
    """

    given: Assumptions
    random: np.random.Generator
    state: npt.NDArray[np.int8] = field(init=False)
    until_s: _Floats = field(init=False)
    open: _Ints = field(init=False)

    def __post_init__(self) -> None:
        rows = 2 * self.given.most_replicas  # as many may drain
        self.state = np.zeros(rows, np.int8)
        self.until_s = np.zeros(rows)
        self.open = np.zeros((rows, 2), np.int64)

    def count(self, *states: int) -> int:
        return int(np.isin(self.state, states).sum())

    def become_ready(self, now_s: float) -> None:
        self.state[(self.state == _STARTING) & (self.until_s <= now_s)] = _RUNNING

    def end_sessions(self) -> int:
        """End sessions by chance; returns how many."""
        ended = 0
        rows = np.flatnonzero(self.open.any(axis=1))
        for kind, mean_s in enumerate((self.given.short_s, self.given.long_s)):
            chance = -math.expm1(-self.given.step_s / mean_s)
            gone = self.random.binomial(self.open[rows, kind], chance)
            self.open[rows, kind] -= gone
            ended += int(gone.sum())
        return ended

    def take_out(self, rows: _Ints) -> _Ints:
        """Remove replicas; returns their sessions by kind."""
        sessions: _Ints = self.open[rows].sum(axis=0)
        self.open[rows] = 0
        self.state[rows] = _EMPTY
        return sessions

    def fail(self, now_s: float) -> _Ints:
        """Let replicas and machines fail; returns the sessions that were on them."""
        given = self.given
        up = np.flatnonzero((self.state == _RUNNING) | (self.state == _DRAINING))
        alone = self.random.poisson(len(up) * given.step_s / given.replica_life_s)
        machines = self.random.poisson(
            len(up) / given.replicas_per_machine * given.step_s / given.machine_life_s
        )
        n = alone + machines * given.replicas_per_machine
        if given.outage is not None and now_s <= given.outage.at_s < now_s + given.step_s:
            n += round(given.outage.part * len(up))
        if not n:
            return np.zeros(2, np.int64)
        return self.take_out(self.random.choice(up, min(n, len(up)), replace=False))

    def end_drains(self, now_s: float) -> _Ints:
        """Remove replicas that are empty or whose time is over; returns the sessions that must move."""
        draining = self.state == _DRAINING
        over = draining & ((self.until_s <= now_s) | ~self.open.any(axis=1))
        return self.take_out(np.flatnonzero(over))

    def place(self, sessions: _Ints) -> _Ints:
        """Place sessions as proxies do that know nothing of each other; returns those without room, by kind.

        Each is tried on a replica by chance, and up to three more times on others.
        """
        rows = np.flatnonzero(self.state == _RUNNING)
        kinds = np.repeat(np.arange(2), sessions)
        self.random.shuffle(kinds)
        if len(rows) == 0:
            return sessions
        free = self.given.sessions_per_replica - self.open[rows].sum(axis=1)
        for _ in range(_TRIES):
            if len(kinds) == 0 or not free.any():
                break
            chosen = self.random.integers(0, len(rows), len(kinds))
            order = np.argsort(chosen, kind="stable")
            sorted_rows = chosen[order]
            first = np.searchsorted(sorted_rows, sorted_rows)
            rank = np.arange(len(order)) - first  # which of those that chose this replica
            fits = rank < free[sorted_rows]
            placed = order[fits]
            np.add.at(self.open, (rows[chosen[placed]], kinds[placed]), 1)
            free -= np.bincount(chosen[placed], minlength=len(rows))
            kinds = kinds[order[~fits]]
        return np.bincount(kinds, minlength=2).astype(np.int64)

    def scale(self, wanted: int, now_s: float) -> None:
        """Start replicas, or let those with the fewest sessions drain."""
        given = self.given
        there = self.count(_RUNNING, _STARTING)
        if wanted > there:
            rows = np.flatnonzero(self.state == _EMPTY)[: wanted - there]
            machines = -(-len(rows) // given.replicas_per_machine)
            delay = (
                self.random.lognormal(math.log(given.machine_s), 0.3, machines)
                if given.machine_s
                else np.zeros(machines)
            )
            self.state[rows] = _STARTING
            self.until_s[rows] = (
                now_s + given.start_s + np.repeat(delay, given.replicas_per_machine)[: len(rows)]
            )
        elif wanted < there:
            running = np.flatnonzero(self.state == _RUNNING)
            fewest = np.argsort(self.open[running].sum(axis=1), kind="stable")[: there - wanted]
            self.state[running[fewest]] = _DRAINING
            self.until_s[running[fewest]] = now_s + given.drain_s


class _Queue:
    """Sessions that wait for room, by how many steps they have waited, and by kind."""

    def __init__(self, steps: int) -> None:
        self.by_age = np.zeros((steps, 2), np.int64)

    def try_all(self, fleet: _Fleet, new: _Ints, waits: _Ints) -> tuple[int, int]:
        """Try to place the new sessions and all that wait, the longest wait first.

        Returns:
            How many new ones found no room, and how many give up.
        """
        ages = np.vstack([new[np.newaxis], self.by_age])
        for age in range(len(ages) - 1, -1, -1):
            if ages[age].any():
                left = fleet.place(ages[age])
                waits[age] += int((ages[age] - left).sum())
                ages[age] = left
        self.by_age = ages[:-1]
        return int(ages[0].sum()), int(ages[-1].sum())

    @property
    def n(self) -> int:
        return int(self.by_age.sum())


def simulate(given: Assumptions, *, length_s: float = DAY_S) -> Result:
    """Simulate a day, from midnight on, with the replicas that midnight needs.

    Args:
        given: The assumptions.
        length_s: How long, in seconds.
    """
    random = np.random.default_rng(given.seed)
    fleet, scaler = _Fleet(given, random), Autoscaler(given)
    patience = max(0, round(given.patience_s / given.step_s))
    result = Result(np.zeros(patience + 1, np.int64), np.zeros(patience + 1, np.int64))
    queue, returning = _Queue(patience), _Queue(patience)
    target = max(1, math.floor(given.sessions_per_replica * given.target))
    at_first = round(arrival_rate(given, given.step_s * 100) * given.mean_s)
    n_first = given.min_replicas if given.fixed else max(given.min_replicas, -(-at_first // target))
    fleet.state[:n_first] = _RUNNING
    chances = (1 - given.part_long, given.part_long)
    for now_s in np.arange(0.0, length_s, given.step_s).tolist():
        fleet.become_ready(now_s)
        result.ended += fleet.end_sessions()
        lost, moved = fleet.fail(now_s), fleet.end_drains(now_s)
        result.lost += int(lost.sum())
        result.moved += int(moved.sum())
        new = random.multinomial(random.poisson(arrival_rate(given, now_s) * given.step_s), chances)
        result.returned_gave_up += returning.try_all(fleet, lost + moved, result.returned_waits)[1]
        refused, gave_up = queue.try_all(fleet, new, result.waits)
        result.arrived += int(new.sum())
        result.refused_first += refused
        result.gave_up += gave_up
        sessions = int(fleet.open.sum())
        there = fleet.count(_RUNNING, _STARTING)
        fleet.scale(scaler.decide(sessions + queue.n + returning.n, there), now_s)
        replicas = fleet.count(_STARTING, _RUNNING, _DRAINING)
        result.peak_streams = max(result.peak_streams, sessions)
        result.peak_replicas = max(result.peak_replicas, replicas)
        result.stream_s += sessions * given.step_s
        result.replica_s += replicas * given.step_s
    result.left, result.waiting = int(fleet.open.sum()), queue.n + returning.n
    return result
