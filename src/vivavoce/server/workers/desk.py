"""What workers ask of their parent: places for sessions, used tokens, the figures of all."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from vivavoce.server.access.tokens import SpentTokens, UsedToken
from vivavoce.server.exposition import plain
from vivavoce.server.process_figures import process_lines
from vivavoce.server.workers.channel import ChannelClosed
from vivavoce.server.workers.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vivavoce.server.workers.channel import Handler
    from vivavoce.server.workers.seats import Seats

__all__ = ["Desk"]

_SCRAPE_S: Final = 2.0  # for the figures of one worker; one that is late has those of its last scrape


class Desk:
    """Answers what concerns all workers.

    Attributes:
        seats: Their sessions.
        figures: Their metrics.
        is_draining: Whether the server stops.
    """

    def __init__(
        self, seats: Seats, ask: Callable[[int], Awaitable[Any]], n_restarts: Callable[[], int]
    ) -> None:
        """Begin.

        Args:
            seats: Their sessions.
            ask: Asks a worker for its exposition.
            n_restarts: Returns how often workers were started again.
        """
        self.seats = seats
        self.figures = Figures()
        self.is_draining = False
        self._n_restarts = n_restarts
        self._ask = ask
        self._spent = SpentTokens()

    def handlers(self, worker: int) -> dict[str, Handler]:
        """Return what answers the questions of one worker, by name."""
        seats = self.seats
        return {
            "enter": lambda number, is_busy: seats.enter(worker, number, is_busy=is_busy),
            "begin": lambda number, *about: seats.begin(worker, number, *about),
            "leave": lambda number: seats.leave(worker, number),
            "spend": self._spend,
            "standing": self._standing,
            "exposition": self.exposition,
        }

    @property
    def state(self) -> str:
        """``ready``, or why a new session would not be accepted."""
        if self.is_draining:
            return "draining"
        if self.seats.is_full:
            return "full"
        return "ready" if any(load.is_ready and load.takes for load in self.seats.loads) else "loading"

    def _spend(self, claims: bytes, expires_unix: int) -> bool:
        return self._spent.spend(UsedToken(claims, expires_unix), time.time())

    def _standing(self) -> dict[str, Any]:
        cadences = [load.cadence_ms for load in self.seats.loads]
        return {"state": self.state, "n_sessions": len(self.seats), "cadence_ms": max(cadences)}

    async def exposition(self) -> str:
        """Return the metrics of all workers and of the parent."""
        takers = self.seats.next_workers()
        for worker, text in zip(takers, await asyncio.gather(*map(self._scrape, takers)), strict=True):
            if text is not None and self.seats.loads[worker].takes:
                self.figures.note(worker, text)
        return self.figures.render("\n".join(self._own_lines()) + "\n")

    async def _scrape(self, worker: int) -> str | None:
        try:
            async with asyncio.timeout(_SCRAPE_S):
                return str(await self._ask(worker))
        except (TimeoutError, ChannelClosed):
            return None

    def _own_lines(self) -> list[str]:
        loads, limit = self.seats.loads, self.seats.limit
        ready = sum(load.is_ready for load in loads)
        gauges: list[tuple[str, str, float]] = [
            ("ready", "1 if a new session would be accepted, else 0.", int(self.state == "ready")),
            ("draining", "1 if the server stops, else 0.", int(self.is_draining)),
            ("workers", "Processes that serve sessions, as many as --workers says.", len(loads)),
            ("workers_ready", "Those of them whose models are loaded.", ready),
        ]
        if limit is not None:
            gauges.append(("sessions_limit", "Most sessions that may be open.", limit))
        lines = [
            line for name, text, value in gauges for line in plain("gauge", f"vivavoce_{name}", text, value)
        ]
        text = "How often a worker that had ended was started again."
        lines += plain("counter", "vivavoce_worker_restarts_total", text, self._n_restarts())
        return [*lines, *process_lines()]
