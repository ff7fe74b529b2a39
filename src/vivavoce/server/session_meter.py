"""Follows one session for the metrics, and for traces if there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.server.turn_meter import ArrivalClock, TurnMeter

if TYPE_CHECKING:
    from vivavoce.protocol.events import TurnUpdated
    from vivavoce.server.metrics import Metrics
    from vivavoce.server.tracing import Tracing

__all__ = ["SessionMeter"]


class SessionMeter:
    """Measures one session from its begin to its end."""

    def __init__(
        self,
        metrics: Metrics,
        tracing: Tracing | None = None,
        *,
        session_id: str,
        dialect: str,
        model: str,
        began_s: float,
    ) -> None:
        """Count a session that begins.

        Args:
            metrics: What its figures are added to.
            tracing: Writes a trace of each turn; None: there are no traces.
            session_id: Its id.
            dialect: Name of its protocol.
            model: Name of its model.
            began_s: The time, in seconds of a clock that all methods use.
        """
        self._metrics = metrics
        self._tracing = tracing
        self._about = {"session_id": session_id, "dialect": dialect, "model": model}
        self._model = model
        self._began_s = began_s
        self._clock = ArrivalClock()
        self._turns = TurnMeter(self._clock)
        metrics.began(dialect)

    def received(self, audio_ms: float, now: float) -> None:
        """Note that audio may have arrived.

        Args:
            audio_ms: All audio of the session, in milliseconds.
            now: The time, in seconds.
        """
        self._clock.note(audio_ms, now)

    def sent(self, turn: TurnUpdated, now: float) -> None:
        """Note a message that was sent.

        Args:
            turn: What it said.
            now: The time, in seconds.
        """
        report = self._turns.update(turn, now)
        if report is not None:
            self._metrics.turn(self._model, report)
            if self._tracing is not None:
                self._tracing.turn(report, self._about)

    def over(self, reason: str, now: float) -> None:
        """Note that the session is over.

        Args:
            reason: Why it is.
            now: The time, in seconds.
        """
        self._metrics.ended(reason, now - self._began_s)
