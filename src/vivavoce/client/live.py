"""A session for programs that wait: the short surface without asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any, Final, Self

from vivavoce.client.chunking import as_bytes, is_audio
from vivavoce.client.events import ClosedEvent, Event, TurnEvent
from vivavoce.client.opening import update_fields
from vivavoce.client.operations import KEEP_ALIVE
from vivavoce.client.runner import Runner
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import BeginEvent
    from vivavoce.client.opening import Plan

__all__ = ["SLICE_BYTES", "Session"]

logger = logging.getLogger("vivavoce.client")

SLICE_BYTES: Final = 64 * 1024
"""How much audio is cut at once, in bytes: bounds what is queued above the mark."""

_JOIN_S: Final = 3.0  # beyond the limit of the session itself: the closing handshake


class Session:
    """An open session; :func:`vivavoce.connect` makes it.

    Send audio with :meth:`send`, from any thread, and iterate to get turns::

        with vivavoce.connect(sample_rate=16_000) as session:
            for turn in session.transcribe(microphone):
                print(turn.text)

    An iteration gives every state of every turn; ``turn.end_of_turn`` tells the last one. It ends with
    the session, and if that failed it raises why. Leaving the ``with`` block closes the session; leaving
    it by an exception does not wait for what is still to come.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._core = plan.make_core()
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner: Runner | None = None
        self._done = threading.Event()
        self._fault_told = False
        self._source_error: BaseException | None = None
        self._crash: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="vivavoce-session", daemon=True)

    # --- opening ------------------------------------------------------------------------------

    def open(self) -> Self:
        """Connect and wait until the server has begun the session. Called by :func:`vivavoce.connect`.

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
            self._fault_told = True
            if self._core.fault is not None:
                raise self._core.fault
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
            self._plan.dial,
            lock=self._changed,
            changed=self._changed.notify_all,
            limits=self._plan.limits,
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
                with self._telling():
                    self._core.send_audio(data[start : start + SLICE_BYTES])
            self._wake()

    def _say(self, act: Callable[[], None]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._core.is_full)
            with self._telling():
                act()
        self._wake()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except RealtimeError as error:
            self._fault_told = self._fault_told or error is self._core.fault
            raise

    def force_endpoint(self) -> None:
        """End the turn now.

        Raises:
            RealtimeError: The session is not open.
        """
        self._say(self._core.force_endpoint)

    def update(self, **options: Any) -> None:
        """Change settings from now on, such as ``max_turn_silence=800`` or ``keyterms_prompt=["Vivavoce"]``.

        Raises:
            ConfigurationError: There is no such setting, or its value can't be used.
            RealtimeError: The session is not open.
        """
        fields = update_fields(options)
        self._say(lambda: self._core.update(fields))

    def keep_alive(self) -> None:
        """Tell a server that ends silent sessions that this one is still wanted.

        Raises:
            RealtimeError: The session is not open.
        """
        self._say(lambda: self._core.send(KEEP_ALIVE))

    # --- receiving ----------------------------------------------------------------------------

    def next_event(self, timeout_s: float | None = None) -> Event | None:
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

    def events(self) -> Iterator[Event]:
        """All events, the last of them a ClosedEvent.

        Raises:
            RealtimeError: The session failed; after the last event.
        """
        while (event := self.next_event()) is not None:
            if not isinstance(event, RealtimeError):
                yield event
        self._tell_fault()

    def __iter__(self) -> Iterator[TurnEvent]:
        return (event for event in self.events() if isinstance(event, TurnEvent))

    def transcribe(self, source: Audio | Iterable[Audio]) -> Iterator[TurnEvent]:
        """Send all of a source while giving the turns, until the last one.

        The source is read in a thread of its own. The session is over afterwards. If the source has a
        method ``interrupt``, as a MicrophoneStream has, Ctrl-C calls that instead of ending the program,
        and what was said until then is still given; a second Ctrl-C is one as always.

        Args:
            source: What :meth:`send` takes.

        Raises:
            RealtimeError: The session failed.
            Exception: What the source raised.
        """
        feeder = threading.Thread(target=self._feed, args=(source,), name="vivavoce-source", daemon=True)
        feeder.start()
        try:
            while (event := self._next_event_of(source)) is not None:
                if isinstance(event, TurnEvent):
                    yield event
        finally:
            self.end()
        self._tell_fault()
        if self._source_error is not None:
            error, self._source_error = self._source_error, None
            raise error

    def _next_event_of(self, source: object) -> Event | None:
        try:
            return self.next_event()
        except KeyboardInterrupt:
            # Where sound is waited for in another thread, this is the thread that Ctrl-C comes to.
            stop = getattr(source, "interrupt", None)
            if stop is None or self._core.is_terminating:
                raise
            stop()
            self.end()
            return self.next_event()

    def _feed(self, source: Audio | Iterable[Audio]) -> None:
        try:
            self.send(source)
        except BaseException as error:  # noqa: BLE001  - raised by the iteration
            if error is self._core.fault:
                self._fault_told = False  # not yet: the iteration tells it
            else:
                self._source_error = error
        finally:
            self.end()

    def _tell_fault(self) -> None:
        fault = self._core.fault
        if fault is not None and not self._fault_told:
            self._fault_told = True
            raise fault

    # --- ending -------------------------------------------------------------------------------

    def end(self) -> None:
        """Say that no more audio comes, without waiting; the last turns can still be iterated."""
        with self._changed:
            self._core.terminate()
            self._changed.notify_all()
        self._wake()

    def close(self) -> None:
        """Send what is queued, wait for the last turns, and end.

        Takes a few seconds at most, whatever the server does; may be called more than once. Turns that
        came are still there to be iterated.

        Raises:
            RealtimeError: The session has failed, and nobody was told yet.
        """
        self.end()
        self.wait()
        self._tell_fault()

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
        return self._core.has_opened and not (self._core.is_finished or self._core.is_terminating)

    @property
    def began(self) -> BeginEvent | None:
        """What the server said at the beginning: the session's id, and when it expires."""
        return self._core.began

    @property
    def closed(self) -> ClosedEvent | None:
        """How the session ended, with code and reason; None as long as it has not."""
        return self._core.closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_value is None:
            self.close()
        else:
            self.drop()
