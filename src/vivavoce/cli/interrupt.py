"""What Ctrl-C does: once, finish the utterance and leave; twice, or after two seconds, leave now."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

__all__ = ["GRACE_S", "Interrupt"]

GRACE_S: Final = 1.7
_EXIT_INTERRUPTED: Final = 130


def _leave_now(code: int) -> None:
    if sys.stdout.isatty():
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), b"\r\n")
    os._exit(code)  # other threads may hold any lock; every line has been flushed already


class Interrupt:
    """Turns SIGINT and SIGTERM into a request to stop, for as long as the block runs.

    Args:
        live: Whether the source has no end of its own (a microphone, a pipe): stopping it is then
            how a run ends, and the exit code is 0. A recording cut short is 130.
        grace_s: How long after the request the program ends by force, in seconds.
        leave: Ends the process with a code.

    Attributes:
        on_request: Called once, on a thread of its own, when the source is to end: for a source that
            may be waiting for sound that never comes.
    """

    def __init__(
        self, *, live: bool, grace_s: float = GRACE_S, leave: Callable[[int], None] = _leave_now
    ) -> None:
        self._live = live
        self._grace_s = grace_s
        self._leave = leave
        self.on_request: Callable[[], None] | None = None
        self._event = threading.Event()
        self._finished = False
        self._signalled = False
        self._timer: threading.Timer | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError):  # not the main thread
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @property
    def requested(self) -> bool:
        """Whether the source is to end."""
        return self._event.is_set()

    @property
    def exit_code(self) -> int:
        """What a run that ended in order exits with."""
        return _EXIT_INTERRUPTED if self._signalled and not (self._live and self._finished) else 0

    def stop(self) -> None:
        """Ask the source to end, for a reason other than a signal."""
        if not self._event.is_set():
            self._event.set()
            if self.on_request is not None:
                threading.Thread(target=self.on_request, name="vivavoce-stop", daemon=True).start()

    def finished(self) -> None:
        """Say that the last final has been shown: what follows is tidying up."""
        self._finished = True

    def wait(self, seconds: float) -> bool:
        """Sleep, in seconds, or until asked to stop; whether that was so."""
        return self._event.wait(seconds)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._signalled:
            self._leave(self.exit_code)
            return
        self._signalled = True
        self.stop()
        self._timer = threading.Timer(self._grace_s, self._time_is_up)
        self._timer.daemon = True
        self._timer.start()

    def _time_is_up(self) -> None:
        self._leave(self.exit_code)
