"""A session for programs with an event loop: the short surface, with the names of the other front."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Self

from vivavoce.client.chunking import as_bytes, is_audio
from vivavoce.client.events import Event, TurnEvent
from vivavoce.client.operations import KEEP_ALIVE
from vivavoce.client.runner import Runner
from vivavoce.client.session_config import update_fields
from vivavoce.client.threaded import SLICE_BYTES
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
    from types import TracebackType

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import BeginEvent, ClosedEvent
    from vivavoce.client.session_config import SessionConfig

__all__ = ["AsyncSession", "Connecting"]


class AsyncSession:
    """An open session; :func:`vivavoce.connect_async` makes it.

    Everything is as in :class:`vivavoce.Session`, with ``await`` and ``async for``::

        async with vivavoce.connect_async(sample_rate=16_000) as session:
            async for turn in session.transcribe(source):
                print(turn.text)
    """

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._core = config.make_core()
        self._lock = threading.Lock()  # never waited for: all is on one loop
        self._waiting: list[asyncio.Future[None]] = []
        self._runner = Runner(
            self._core, config.dial, lock=self._lock, changed=self._wake_waiting, timeouts=config.timeouts
        )
        self._task: asyncio.Task[None] | None = None
        self._error_raised = False

    # --- opening ------------------------------------------------------------------------------

    async def open(self) -> Self:
        """Connect and wait until the server has begun the session. Called by :func:`vivavoce.connect_async`.

        Raises:
            ConnectError: Nobody answers at the address, or what answers is no such server.
            RefusedError: The server said no: a wrong key, a quota, no free place.
        """
        self._task = asyncio.create_task(self._runner.run(), name="vivavoce-session")
        self._task.add_done_callback(lambda _: self._wake_waiting())
        try:
            await self._until(lambda: self._core.has_opened)
        except BaseException:
            await self.drop()
            raise
        if not self._core.has_opened:
            await self._task  # raises what broke it
            self._error_raised = True
            if self._core.error is not None:
                raise self._core.error
        return self

    def _wake_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    @property
    def _is_over(self) -> bool:
        return self._task is None or self._task.done()

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds or the session is over."""
        while not (holds() or self._is_over):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    # --- sending ------------------------------------------------------------------------------

    async def send(self, audio: Audio | Iterable[Audio] | AsyncIterable[Audio]) -> None:
        """Send audio: one piece, or every piece of an iterable, asynchronous or not.

        Pieces may be of any length and of any type that :data:`vivavoce.Audio` has. While the network is
        slower than the sound, this waits. An iterable is left, without an error, when the session is
        closed from elsewhere. One that is not asynchronous holds up the event loop for as long as it
        takes to give its pieces: a microphone belongs into a thread.

        Args:
            audio: One channel at the session's sample rate.

        Raises:
            RealtimeError: The session was closed, or it failed, and then this is that failure.
            TypeError: It is no audio.
        """
        if is_audio(audio) or not (hasattr(audio, "__aiter__") or hasattr(audio, "__iter__")):
            await self._send_piece(audio)
            return
        try:
            if hasattr(audio, "__aiter__"):
                async for piece in audio:
                    await self._send_piece(piece)
            else:
                for piece in audio:  # type: ignore[union-attr]
                    await self._send_piece(piece)
        except RealtimeError:
            if not self._core.closed_by_user:
                raise

    async def _send_piece(self, audio: object) -> None:
        data = as_bytes(audio, is_pcm=self._core.is_pcm)
        for start in range(0, len(data), SLICE_BYTES) or (0,):
            await self._until(lambda: not self._core.is_full)
            with self._noting_error():
                self._core.send_audio(data[start : start + SLICE_BYTES])
            self._runner.wake()

    async def _send_control(self, act: Callable[[], None]) -> None:
        await self._until(lambda: not self._core.is_full)
        with self._noting_error():
            act()
        self._runner.wake()

    @contextlib.contextmanager
    def _noting_error(self) -> Iterator[None]:
        try:
            yield
        except RealtimeError as error:
            self._error_raised = self._error_raised or error is self._core.error
            raise

    async def force_endpoint(self) -> None:
        """End the turn now.

        Raises:
            RealtimeError: The session is not open.
        """
        await self._send_control(self._core.force_endpoint)

    async def update(self, **options: Any) -> None:
        """Change settings from now on, such as ``max_turn_silence=800`` or ``keyterms_prompt=["Vivavoce"]``.

        Raises:
            ConfigurationError: There is no such setting, or its value can't be used.
            RealtimeError: The session is not open.
        """
        fields = update_fields(options)
        await self._send_control(lambda: self._core.update(fields))

    async def keep_alive(self) -> None:
        """Tell a server that ends silent sessions that this one is still wanted.

        Raises:
            RealtimeError: The session is not open.
        """
        await self._send_control(lambda: self._core.send(KEEP_ALIVE))

    # --- receiving ----------------------------------------------------------------------------

    async def next_event(self, timeout_s: float | None = None) -> Event | None:
        """The next event, a failure among them; None after the last one.

        Args:
            timeout_s: How long to wait for it, in seconds; None: as long as it takes.

        Raises:
            TimeoutError: There was none in that time.
        """
        async with asyncio.timeout(timeout_s):
            await self._until(lambda: self._core.has_events or self._core.is_finished)
        return self._core.take_event()

    async def events(self) -> AsyncIterator[Event]:
        """All events, the last of them a ClosedEvent.

        Raises:
            RealtimeError: The session failed; after the last event.
        """
        while (event := await self.next_event()) is not None:
            if not isinstance(event, RealtimeError):
                yield event
        self._raise_error()

    async def __aiter__(self) -> AsyncIterator[TurnEvent]:
        async for event in self.events():
            if isinstance(event, TurnEvent):
                yield event

    async def transcribe(
        self, source: Audio | Iterable[Audio] | AsyncIterable[Audio]
    ) -> AsyncIterator[TurnEvent]:
        """Send all of a source while giving the turns, until the last one.

        The session is over afterwards.

        Args:
            source: What :meth:`send` takes.

        Raises:
            RealtimeError: The session failed.
            Exception: What the source raised.
        """
        feeder = asyncio.create_task(self._feed(source))
        try:
            async for turn in self:
                yield turn
            await feeder
        finally:
            feeder.cancel()
            await asyncio.wait([feeder])
            await self.end()

    async def _feed(self, source: Audio | Iterable[Audio] | AsyncIterable[Audio]) -> None:
        try:
            await self.send(source)
        except RealtimeError as error:
            if error is not self._core.error:
                raise
            self._error_raised = False  # not yet: the iteration tells it
        finally:
            await self.end()

    def _raise_error(self) -> None:
        error = self._core.error
        if error is not None and not self._error_raised:
            self._error_raised = True
            raise error

    # --- ending -------------------------------------------------------------------------------

    async def end(self) -> None:
        """Say that no more audio comes, without waiting; the last turns can still be iterated."""
        self._core.terminate()
        self._wake_waiting()
        self._runner.wake()

    async def close(self) -> None:
        """Send what is queued, wait for the last turns, and end.

        Takes a few seconds at most, whatever the server does; may be called more than once. Turns that
        came are still there to be iterated.

        Raises:
            RealtimeError: The session has failed, and nobody was told yet.
        """
        await self.end()
        await self.wait()
        self._raise_error()

    async def wait(self) -> None:
        """Wait until the session is over; after :meth:`end` that is bounded."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def drop(self) -> None:
        """End at once, without waiting for anything."""
        self._core.drop()
        self._wake_waiting()
        self._runner.wake()
        if self._task is not None:
            await asyncio.wait([self._task])

    @property
    def is_open(self) -> bool:
        """Whether audio can be sent; also while a lost connection is being made again."""
        return self._core.is_open

    @property
    def began(self) -> BeginEvent | None:
        """What the server said at the beginning: the session's id, and when it expires."""
        return self._core.began

    @property
    def closed(self) -> ClosedEvent | None:
        """How the session ended, with code and reason; None as long as it has not."""
        return self._core.closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_value is None:
            await self.close()
        else:
            await self.drop()


class Connecting:
    """What :func:`vivavoce.connect_async` gives: ``await`` it for a session, or use it in ``async with``."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._session: AsyncSession | None = None

    def __await__(self) -> Generator[Any, None, AsyncSession]:
        return AsyncSession(self._config).open().__await__()

    async def __aenter__(self) -> AsyncSession:
        self._session = await self
        return self._session

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.__aexit__(exc_type, exc_value, traceback)
