"""Ctrl-C: the first ends the audio and shows the last final; the second, or two seconds, ends the process.

SIGTERM, and SIGHUP when the terminal or the connection to it is closed, do the same. Wrappers such as
``timeout`` send a signal to the program and again to its group, and a service manager sends SIGTERM and
SIGHUP together: signals within `SAME_REQUEST_S` are one request.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

__all__ = ["EXIT_INTERRUPTED", "GRACE_S", "SAME_REQUEST_S", "Interrupt"]

EXIT_INTERRUPTED: Final = 130
GRACE_S: Final = 1.7
SAME_REQUEST_S: Final = 0.2
"""Signals within this time, in seconds, are one request; no one presses Ctrl-C twice so quickly."""

_CLEANUP_S: Final = 0.2
_ALWAYS_HANDLED: Final = (signal.SIGINT, signal.SIGTERM)
_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def _exit_now(code: int) -> None:
    if sys.stdout.isatty():
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), b"\r\n")
    os._exit(code)  # other threads may hold locks; every line of output is already flushed


class Interrupt:
    """Turns SIGINT, SIGTERM and SIGHUP into a request to stop while the block runs.

    A SIGHUP that ``nohup`` has switched off stays without effect.

    Args:
        live: Whether the source never ends by itself, like a microphone or a pipe. Stopping such a
            source is the normal end of a run, with exit code 0; an interrupted recording gives 130.
        grace_s: Time from the request until the process is ended by force, in seconds.
        exit_process: Ends the process with an exit code.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        *,
        live: bool,
        grace_s: float = GRACE_S,
        exit_process: Callable[[int], None] = _exit_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live = live
        self._grace_s = grace_s
        self._exit_process = exit_process
        self._clock = clock
        self._on_stop: Callable[[], None] | None = None
        self._on_exit: Callable[[], None] | None = None
        self._stop = threading.Event()
        self._finished = False  # the last final is shown
        self._signalled_at: float | None = None  # time of the first signal
        self._timer: threading.Timer | None = None  # ends the process; set by the first signal
        self._previous: dict[int, object] = {}  # signal number -> handler before the block

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            if number not in _ALWAYS_HANDLED and signal.getsignal(number) is signal.SIG_IGN:
                continue
            with contextlib.suppress(ValueError):  # not the main thread
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @property
    def stop_requested(self) -> bool:
        """Whether the source must end."""
        return self._stop.is_set()

    @property
    def was_signalled(self) -> bool:
        """Whether a signal requested the stop."""
        return self._signalled_at is not None

    @property
    def exit_code(self) -> int:
        """Exit code of a run that ended in order."""
        return EXIT_INTERRUPTED if self.was_signalled and not (self._live and self._finished) else 0

    def on_stop(self, function: Callable[[], None]) -> None:
        """Call a function once, on its own thread, when a stop is requested.

        A source that may block, such as a microphone that delivers no audio, is closed this way.
        """
        self._on_stop = function

    def on_exit(self, function: Callable[[], None]) -> None:
        """Call a function before the process is ended by force, on its own thread and for a moment.

        It may wait for a lock that the interrupted thread holds.
        """
        self._on_exit = function

    def request_stop(self) -> None:
        """Ask the source to end, for a reason other than a signal."""
        if not self._stop.is_set():
            self._stop.set()
            if self._on_stop is not None:
                threading.Thread(target=self._on_stop, name="vivavoce-stop", daemon=True).start()

    def mark_finished(self) -> None:
        """Record that the last final is shown; only cleanup follows."""
        self._finished = True

    def wait(self, seconds: float) -> bool:
        """Sleep until the time has passed or a stop is requested; return whether one was requested."""
        return self._stop.wait(seconds)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        now = self._clock()
        if self._signalled_at is not None:
            if now - self._signalled_at >= SAME_REQUEST_S:
                self._end_by_force()
            return
        self._signalled_at = now
        self.request_stop()
        self._timer = threading.Timer(self._grace_s, self._end_by_force)
        self._timer.daemon = True
        self._timer.start()

    def _end_by_force(self) -> None:
        if self._on_exit is not None:
            cleanup = threading.Thread(target=self._on_exit, name="vivavoce-cleanup", daemon=True)
            cleanup.start()
            cleanup.join(_CLEANUP_S)
        self._exit_process(self.exit_code)
