"""How many sessions may begin at once: those whose load does not show yet count by what they will need.

A session needs its share of the machine some seconds after it begins, once its speaker speaks. Until then
the load of a burst is invisible, and whoever looks at the load alone admits all of it.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

from vivavoce.cores import usable_cores

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from vivavoce.asr.engine import Engine
    from vivavoce.server.options import ServerOptions

__all__ = ["Arrivals", "LoadMeter", "arrivals_of"]

_HIDDEN_S: Final = 4.0  # from a session's begin until its speaker may have said something
_SHOWN_AFTER_S: Final = 12.0  # from its begin until all of its load is in the smoothed one
_MEMORY_S: Final = 3.0  # over which the load is smoothed
_FULL: Final = 0.9  # beyond it, passes wait for each other
_FREE: Final = 8  # that many sessions may always begin: a person, a small team, a suite of tests
_PRIOR_WEIGHT: Final = 4.0  # sessions after which what was seen counts as much as what was expected
_ROUNDING: Final = 1e-6
_SESSIONS_PER_CORE: Final = 12  # of the default model; two cores held 26 and more


class Arrivals:
    """Admits sessions while the load, with what has not shown yet, leaves room for another. Pure.

    The load is that at the slowest cadence of partials: what can be saved by fewer partials is room. A
    session's need is learned from the load of those that are open, beginning with what was expected. Sessions
    that end give back what they have shown, so that those who reconnect take their own place.
    """

    def __init__(self, expected: int) -> None:
        """Begin without sessions.

        Args:
            expected: How many sessions the machine is expected to hold, at least 1.
        """
        self._expected_cost = _FULL / max(1, expected)
        self._load = 0.0  # smoothed
        self._noted = -math.inf  # when it was last reported
        self._recent: dict[Hashable, tuple[float, float]] = {}  # when each began, and its weight; in order
        self._settled: dict[Hashable, float] = {}  # weights of sessions whose load shows
        self._settled_weight = 0.0  # their sum
        self._left: deque[tuple[float, float]] = deque()  # when sessions ended, and what they had shown

    def note_load(self, load: float, now: float) -> None:
        """Take a measurement of the load.

        Args:
            load: The share of its time that the machine worked, as it would be at the slowest cadence.
            now: In seconds of any steady clock.
        """
        kept = _kept(self._noted, now)
        self._load = kept * self._load + (1 - kept) * max(0.0, load)
        self._noted = now

    def may_begin(self, now: float, weight: float = 1.0) -> bool:
        """Whether another session may begin.

        Args:
            now: As for `note_load`.
            weight: How many ordinary sessions it is worth; 0 for a recording, which waits for all others.
        """
        self._settle(now)
        waiting = sum(each * (1 - _shown(began, now)) for began, each in self._recent.values())
        n_open = self._settled_weight + sum(each for _, each in self._recent.values())
        if weight <= 0 or n_open + weight <= _FREE:
            return True
        gone = sum(each * _kept(at, now) for at, each in self._left)
        shown = max(0.0, n_open - waiting + gone)
        cost = (_PRIOR_WEIGHT * self._expected_cost + self._load) / (_PRIOR_WEIGHT + shown)
        return self._load + cost * (waiting - gone + weight) <= _FULL + _ROUNDING

    def begin(self, key: Hashable, now: float, weight: float = 1.0) -> None:
        """Count a session; one that is counted already gets another weight.

        Args:
            key: Identifies it.
            now: As for `note_load`.
            weight: As for `may_begin`.
        """
        began = self._recent.pop(key, (now, 0.0))[0]
        self._settled_weight -= self._settled.pop(key, 0.0)
        self._recent[key] = (began, weight)

    def end(self, key: Hashable, now: float) -> None:
        """Forget a session, if it is counted.

        Args:
            key: Identifies it.
            now: As for `note_load`.
        """
        self._settle(now)
        shown = self._settled.pop(key, 0.0)
        self._settled_weight = self._settled_weight - shown if self._settled else 0.0
        if key in self._recent:
            began, weight = self._recent.pop(key)
            shown = weight * _shown(began, now)
        if shown > 0:
            self._left.append((now, shown))

    def _settle(self, now: float) -> None:
        """Move on what is long ago."""
        while self._left and now - self._left[0][0] >= _SHOWN_AFTER_S:
            self._left.popleft()
        old = [key for key, (began, _) in self._recent.items() if _shown(began, now) >= 1]
        for key in old:
            self._settled[key] = self._recent.pop(key)[1]
            self._settled_weight += self._settled[key]


def arrivals_of(options: ServerOptions) -> Arrivals:
    """Return what admits the sessions of a server, by what its machine is expected to hold."""
    known = options.expected_sessions or options.max_sessions
    return Arrivals(known or _SESSIONS_PER_CORE * usable_cores())


class LoadMeter:
    """Measures the load of engines that share a machine, as it would be at the slowest cadence."""

    def __init__(self) -> None:
        self._at = -math.inf  # when it was last measured
        self._needed_s: dict[Engine, float] = {}  # what each engine had spent by then

    def measure(self, engines: Mapping[str, Engine], now: float) -> float:
        """Return the load since it was last measured: 1 if all workers of an engine worked all the time.

        Args:
            engines: The engines that are loaded now.
            now: In seconds of any steady clock.
        """
        elapsed_s, self._at = now - self._at, now
        before, self._needed_s = self._needed_s, {each: each.stats.needed_s for each in engines.values()}
        if not 0 < elapsed_s < math.inf:
            return 0.0
        return sum(
            (needed_s - before.get(each, 0.0)) / (each.workers * elapsed_s)
            for each, needed_s in self._needed_s.items()
        )


def _shown(began: float, now: float) -> float:
    """The part of a session's load that is in the smoothed load: 0 to 1."""
    return min(1.0, max(0.0, (now - began - _HIDDEN_S) / (_SHOWN_AFTER_S - _HIDDEN_S)))


def _kept(noted: float, now: float) -> float:
    """The part of what was in the smoothed load then that still is: 0 to 1."""
    return math.exp(-max(0.0, now - noted) / _MEMORY_S)
