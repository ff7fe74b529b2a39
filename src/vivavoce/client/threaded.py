"""The front without asyncio, for every protocol: the session's event loop runs in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from vivavoce.client.chunking import as_bytes, check_source_rate, is_audio
from vivavoce.client.exit_guard import ExitGuard, SessionLoop
from vivavoce.client.handlers import BLOCKED_HANDLERS
from vivavoce.client.raise_once import RaiseOnce
from vivavoce.client.runner import Runner
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import ClosedEvent
    from vivavoce.client.session_core import LocalEvent, SessionCore
    from vivavoce.client.timeouts import Timeouts
    from vivavoce.client.transport import Connection

__all__ = ["SLICE_BYTES", "ThreadedSession"]

logger = logging.getLogger("vivavoce.client")

SLICE_BYTES: Final = 64 * 1024
"""Audio that is queued at once, in bytes; it bounds how far a queue exceeds its limit."""

_CLOSING_HANDSHAKE_S: Final = 3.0  # after the session itself is over

ServerEvent = TypeVar("ServerEvent")


class ThreadedSession(Generic[ServerEvent]):
    """Runs a core in a thread; other threads send to it and take its events.

    The thread is a daemon, so a program that never closes its session still ends. It ends after the handler
    that :meth:`_dispatch` calls at that time.

    Args:
        core: The session.
        dial: Opens a connection.
        timeouts: Limits of each step.
    """

    def __init__(
        self,
        core: SessionCore[ServerEvent],
        dial: Callable[[], Awaitable[Connection]],
        timeouts: Timeouts,
    ) -> None:
        self._core = core
        self._dial = dial
        self._timeouts = timeouts
        self._error = RaiseOnce(core)
        self._changed = threading.Condition()  # its lock guards the core
        self._loop: asyncio.AbstractEventLoop | None = None  # of the thread, while it runs
        self._runner: Runner | None = None  # made by the thread
        self._done = threading.Event()  # the thread no longer uses the core
        self._dispatching: threading.Thread | None = None  # calls handlers; None: no warning about them
        self._crash: BaseException | None = None  # what ended the thread, other than the session's end
        self._thread = threading.Thread(target=self._run, name="vivavoce-session", daemon=True)

    # --- opening -------------------------------------------------------------------------------

    def open(self) -> Self:
        """Connect and wait until the server has begun the session.

        Raises:
            ConnectError: No server answers, or what answers is not a server of this protocol.
            RefusedError: The server refused the session: a wrong key, a quota, no capacity.
        """
        self._thread.start()
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._core.has_opened or self._done.is_set())
        except BaseException:
            self.drop()
            raise
        if not self._core.has_opened:
            if self._crash is not None:
                raise self._crash
            self._error.raise_unraised()
        return self

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=SessionLoop) as runner:
                runner.run(self._main())
        except BaseException as error:  # noqa: BLE001  - open() raises it in the thread that waits
            self._crash = error
            with self._changed:
                self._core.give_up(f"the session broke: {error!r}")
        finally:
            with self._changed:
                self._done.set()
                self._loop = None
                self._changed.notify_all()

    async def _main(self) -> None:
        self._runner = Runner(
            self._core,
            self._dial,
            lock=self._changed,
            changed=self._changed.notify_all,
            timeouts=self._timeouts,
        )
        self._loop = asyncio.get_running_loop()
        await self._runner.run()

    def _wake(self) -> None:
        loop, runner = self._loop, self._runner
        if loop is not None and runner is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(runner.wake)

    # --- sending -------------------------------------------------------------------------------

    def send(self, audio: Audio | Iterable[Audio]) -> None:
        """Send audio: one piece, or every piece of an iterable.

        Pieces may be of any length and of any type in :data:`vivavoce.Audio`. The call waits while the
        network is slower than the audio. It returns early, without an error, if another thread closes the
        session while it sends an iterable.

        Args:
            audio: Samples at the session's sample rate.

        Raises:
            ConfigurationError: The source states another ``sample_rate`` than the session's, or samples have
                values that floats can't have.
            RealtimeError: The session was closed, or it failed, and then this is that failure.
            TypeError: The argument is not audio.
        """
        with self._error.noting():
            self._send_all(audio)

    def _send_all(self, audio: Audio | Iterable[Audio]) -> None:
        if is_audio(audio):
            self._send_piece(audio)
            return
        if hasattr(audio, "__aiter__") and not hasattr(audio, "__iter__"):
            raise TypeError("an asynchronous iterable needs an asynchronous session; use connect_async()")
        if not hasattr(audio, "__iter__"):
            as_bytes(audio)  # raises a TypeError that names the problem
        self._check_source(audio)
        for piece in audio:  # type: ignore[union-attr]
            try:
                self._send_piece(piece)
            except RealtimeError:
                if self._core.closed_by_user:
                    return
                raise

    def _check_source(self, source: object) -> None:
        """Check the rate of a source that states it; :meth:`send` does.

        Raises:
            ConfigurationError: It is not the session's.
        """
        check_source_rate(source, self._core.sample_rate)

    def _check_handler_source(self, source: object) -> None:
        """Check a source as :meth:`_check_source` does, and warn if it keeps other handlers waiting.

        Raises:
            ConfigurationError: The rate of the source is not the session's.
        """
        self._check_source(source)
        if threading.current_thread() is self._dispatching and not hasattr(source, "__len__"):
            self._dispatching = None  # one warning is enough
            logger.warning(BLOCKED_HANDLERS)

    def _send_piece(self, audio: object) -> None:
        self._core.owner.check()  # a lock that another thread held at fork() is never released here
        data = as_bytes(audio, is_pcm=self._core.is_pcm)
        for start in range(0, len(data), SLICE_BYTES) or (0,):
            with self._changed:
                self._changed.wait_for(lambda: not self._core.is_full)
                self._core.send_audio(data[start : start + SLICE_BYTES])
            self._wake()

    def _send_control(self, send: Callable[[], None]) -> None:
        self._core.owner.check()
        with self._changed:
            self._changed.wait_for(lambda: not self._core.is_full)
            with self._error.noting():
                send()
        self._wake()

    def force_endpoint(self) -> None:
        """Request the end of the turn.

        Raises:
            RealtimeError: The session is not open.
        """
        self._send_control(self._core.force_endpoint)

    # --- receiving -----------------------------------------------------------------------------

    def next_event(self, timeout_s: float | None = None) -> ServerEvent | LocalEvent | None:
        """Wait for the next event, which may be a RealtimeError.

        Args:
            timeout_s: Limit in seconds; None for none.

        Returns:
            The event; None after the last one.

        Raises:
            RealtimeError: The session belongs to another process, of which this one is a child.
            TimeoutError: No event came in time.
        """
        self._core.owner.check()
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._core.has_events or self._done.is_set() or self._core.is_finished, timeout_s
            ):
                raise TimeoutError(f"no event came within {timeout_s} s")
            return self._core.take_event()

    def _dispatch(self, handle: Callable[[ServerEvent | LocalEvent], None]) -> None:
        """Call `handle` with every event until the session is over.

        A program that ends waits for a call in progress, and once the session is closing for all calls.
        """
        guard = ExitGuard()
        self._dispatching = threading.current_thread()
        try:
            while True:
                with self._changed:
                    is_idle = not (self._core.has_events or self._core.is_terminating)
                if is_idle:
                    guard.release()
                event = self.next_event()
                if event is None:
                    return
                guard.hold()
                handle(event)
        finally:
            guard.release()

    # --- ending --------------------------------------------------------------------------------

    def end(self) -> None:
        """Request the end of the session without waiting; the last turns can still be iterated.

        It has no effect in a forked child.
        """
        if self._core.owner.is_elsewhere:
            return
        with self._changed:
            self._core.terminate()
            self._changed.notify_all()
        self._wake()

    def wait(self) -> None:
        """Wait until the session is over; after :meth:`end` that is bounded. A forked child does not wait."""
        if self._core.owner.is_elsewhere:
            return
        self._done.wait()
        self._thread.join(_CLOSING_HANDSHAKE_S)

    def drop(self) -> None:
        """End the session at once; what is queued, and the last turns, are lost.

        It has no effect in a forked child.
        """
        if self._core.owner.is_elsewhere:
            return
        with self._changed:
            self._core.drop()
            self._changed.notify_all()
        self._wake()
        self._done.wait(_CLOSING_HANDSHAKE_S)

    @property
    def is_open(self) -> bool:
        """Whether audio can be sent; also while a lost connection is being restored."""
        return self._core.is_open

    @property
    def _is_here(self) -> bool:
        """Whether this process opened the session; False in a forked child."""
        return not self._core.owner.is_elsewhere

    @property
    def closed(self) -> ClosedEvent | None:
        """How the session ended, with code and reason; None while it is not over."""
        return self._core.closed
