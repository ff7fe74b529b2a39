"""When a worker that has ended is started again. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_FAILURES", "Restarts"]

MAX_FAILURES: Final = 5
_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 30.0
_STEADY_S: Final = 60.0


class Restarts:
    """The starts and ends of one worker.

    A worker that served for a minute is started again at once, whatever ended it. One that ends sooner waits
    longer each time, and is given up after five times in a row: its cause will not go away by itself.

    Attributes:
        n_restarts: How often it was started again.
        is_given_up: Whether it is not started any more.
    """

    def __init__(self) -> None:
        """Begin before the first start."""
        self.n_restarts = 0
        self.is_given_up = False
        self._n_failures = 0  # in a row
        self._ready_at: float | None = None  # of the present run; None: it is not ready

    def ready(self, now: float) -> None:
        """Note that its models are loaded, in seconds of any clock."""
        self._ready_at = now

    def ended(self, now: float) -> float | None:
        """Note that it has ended, in seconds of the same clock.

        Returns:
            After how many seconds to start it again; None: not any more.
        """
        is_steady = self._ready_at is not None and now - self._ready_at >= _STEADY_S
        self._ready_at = None
        self._n_failures = 0 if is_steady else self._n_failures + 1
        if self._n_failures >= MAX_FAILURES:
            self.is_given_up = True
            return None
        self.n_restarts += 1
        if self._n_failures <= 1:
            return 0.0
        return float(min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 4 ** (self._n_failures - 2)))

    def revive(self) -> bool:
        """Forget the failures; returns whether it was given up, and is to be started again."""
        was_given_up, self.is_given_up = self.is_given_up, False
        self._n_failures = 0
        self.n_restarts += was_given_up
        return was_given_up
