"""A session for programs that wait, of whatever protocol: its loop runs in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from vivavoce.client.chunking import as_bytes, is_audio
from vivavoce.client.runner import Runner
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import ClosedEvent
    from vivavoce.client.session_core import LocalEvent, SessionCore
    from vivavoce.client.timeouts import Timeouts
    from vivavoce.client.transport import Connection

__all__ = ["SLICE_BYTES", "ThreadedSession"]

SLICE_BYTES: Final = 64 * 1024
"""How much audio is cut at once, in bytes: bounds what is queued above the mark."""

_JOIN_S: Final = 3.0  # beyond the limit of the session itself: the closing handshake

ServerEvent = TypeVar("ServerEvent")


class ThreadedSession(Generic[ServerEvent]):
    """Runs a core; threads send to it and take its events.

    The thread is a daemon, so that a program that forgets to close its session still ends.

    Args:
        core: What the session is.
        dial: Opens a connection.
        timeouts: How long things may take.
    """

    def __init__(
        self, core: SessionCore[ServerEvent], dial: Callable[[], Awaitable[Connection]], timeouts: Timeouts
    ) -> None:
        self._core = core
        self._dial = dial
        self._timeouts = timeouts
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: Runner | None = None
        self._done = threading.Event()
        self._error_raised = False
        self._crash: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="vivavoce-session", daemon=True)

    # --- opening ------------------------------------------------------------------------------

    def open(self) -> Self:
        """Connect and wait until the server has begun the session.

        Raises:
            ConnectError: Nobody answers at the address, or what answers is no such server.
            RefusedError: The server said no: a wrong key, a quota, no free place.
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
            self._error_raised = True
            if self._core.error is not None:
                raise self._core.error
        return self

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001  - told to the thread that waits
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
            with contextlib.suppress(RuntimeError):  # it has just been closed
                loop.call_soon_threadsafe(runner.wake)

    # --- sending ------------------------------------------------------------------------------

    def send(self, audio: Audio | Iterable[Audio]) -> None:
        """Send audio: one piece, or every piece of an iterable.

        Pieces may be of any length and of any type that :data:`vivavoce.Audio` has. While the network is
        slower than the sound, this waits. An iterable is left, without an error, when the session is
        closed from elsewhere.

        Args:
            audio: One channel at the session's sample rate.

        Raises:
            RealtimeError: The session was closed, or it failed, and then this is that failure.
            TypeError: It is no audio.
        """
        if is_audio(audio):
            self._send_piece(audio)
            return
        if hasattr(audio, "__aiter__") and not hasattr(audio, "__iter__"):
            raise TypeError("an asynchronous iterable needs an asynchronous session: connect_async()")
        if not hasattr(audio, "__iter__"):
            as_bytes(audio)  # raises what is wrong with it
        for piece in audio:  # type: ignore[union-attr]
            try:
                self._send_piece(piece)
            except RealtimeError:
                if self._core.closed_by_user:
                    return
                raise

    def _send_piece(self, audio: object) -> None:
        data = as_bytes(audio, is_pcm=self._core.is_pcm)
        for start in range(0, len(data), SLICE_BYTES) or (0,):
            with self._changed:
                self._changed.wait_for(lambda: not self._core.is_full)
                with self._noting_error():
                    self._core.send_audio(data[start : start + SLICE_BYTES])
            self._wake()

    def _send_control(self, act: Callable[[], None]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._core.is_full)
            with self._noting_error():
                act()
        self._wake()

    @contextlib.contextmanager
    def _noting_error(self) -> Iterator[None]:
        try:
            yield
        except RealtimeError as error:
            self._error_raised = self._error_raised or error is self._core.error
            raise

    def force_endpoint(self) -> None:
        """End the turn now.

        Raises:
            RealtimeError: The session is not open.
        """
        self._send_control(self._core.force_endpoint)

    # --- receiving ----------------------------------------------------------------------------

    def next_event(self, timeout_s: float | None = None) -> ServerEvent | LocalEvent | None:
        """The next event, a failure among them; None after the last one.

        Args:
            timeout_s: How long to wait for it, in seconds; None: as long as it takes.

        Raises:
            TimeoutError: There was none in that time.
        """
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._core.has_events or self._done.is_set() or self._core.is_finished, timeout_s
            ):
                raise TimeoutError
            return self._core.take_event()

    # --- ending -------------------------------------------------------------------------------

    def end(self) -> None:
        """Say that no more audio comes, without waiting; the last turns can still be iterated."""
        with self._changed:
            self._core.terminate()
            self._changed.notify_all()
        self._wake()

    def wait(self) -> None:
        """Wait until the session is over; after :meth:`end` that is bounded."""
        self._done.wait()
        self._thread.join(_JOIN_S)

    def drop(self) -> None:
        """End at once, without waiting for anything."""
        with self._changed:
            self._core.drop()
            self._changed.notify_all()
        self._wake()
        self._done.wait(_JOIN_S)

    @property
    def is_open(self) -> bool:
        """Whether audio can be sent; also while a lost connection is being made again."""
        return self._core.is_open

    @property
    def closed(self) -> ClosedEvent | None:
        """How the session ended, with code and reason; None as long as it has not."""
        return self._core.closed
