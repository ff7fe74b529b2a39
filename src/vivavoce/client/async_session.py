"""The short interface for asyncio, with the names of the other front."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

from vivavoce.client.chunking import as_bytes, check_source_rate, is_audio
from vivavoce.client.events import Event, TurnEvent
from vivavoce.client.operations import KEEP_ALIVE
from vivavoce.client.raise_once import RaiseOnce
from vivavoce.client.runner import Runner
from vivavoce.client.session_config import update_fields
from vivavoce.client.threaded import SLICE_BYTES
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable
    from types import TracebackType

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import BeginEvent, ClosedEvent, SpeakerRevisionEvent
    from vivavoce.client.session_config import SessionConfig

__all__ = ["AsyncSession", "Connecting"]


class AsyncSession:
    """An open session; :func:`vivavoce.connect_async` makes it.

    It has the methods of :class:`vivavoce.Session`, with ``await`` and ``async for``::

        async with vivavoce.connect_async(sample_rate=16_000) as session:
            async for turn in session.transcribe(source):
                print(turn.text)
    """

    def __init__(self, config: SessionConfig) -> None:
        self._core = config.make_core()
        self._error = RaiseOnce(self._core)
        self._waiting: list[asyncio.Future[None]] = []  # each waits for the next change of the core
        self._runner = Runner(
            self._core,
            config.dial,
            lock=contextlib.nullcontext(),
            changed=self._wake_waiting,
            timeouts=config.timeouts,
        )
        self._task: asyncio.Task[None] | None = None  # runs the session, once it is being opened

    # --- opening -------------------------------------------------------------------------------

    async def open(self) -> Self:
        """Connect and wait until the server has begun the session. Called by :func:`vivavoce.connect_async`.

        Raises:
            ConnectError: No server answers, or what answers is not a server of this protocol.
            RefusedError: The server refused the session: a wrong key, a quota, no capacity.
        """
        self._task = asyncio.create_task(self._runner.run(), name="vivavoce-session")
        self._task.add_done_callback(lambda _: self._wake_waiting())
        try:
            await self._until(lambda: self._core.has_opened)
        except BaseException:
            await self.drop()
            raise
        if not self._core.has_opened:
            await self._task  # raises the exception that broke it
            self._error.raise_unraised()
        return self

    def _wake_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    @property
    def _is_over(self) -> bool:
        return self._task is None or self._task.done() or self._core.owner.is_elsewhere

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true or the session is over."""
        while not (condition() or self._is_over):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    # --- sending -------------------------------------------------------------------------------

    async def send(self, audio: Audio | Iterable[Audio] | AsyncIterable[Audio]) -> None:
        """Send audio: one piece, or every piece of an iterable, asynchronous or not.

        Pieces may be of any length and of any type in :data:`vivavoce.Audio`. The call waits while the
        network is slower than the audio. It returns early, without an error, if another task closes the
        session while it sends an iterable. A synchronous iterable blocks the event loop while it produces a
        piece: read a microphone in a thread.

        Args:
            audio: Samples at the session's sample rate.

        Raises:
            ConfigurationError: The source states another ``sample_rate`` than the session's, or samples have
                values that floats can't have.
            RealtimeError: The session was closed, or it failed, and then this is that failure.
            TypeError: The argument is not audio.
        """
        with self._error.noting():
            await self._send_all(audio)

    async def _send_all(self, audio: Audio | Iterable[Audio] | AsyncIterable[Audio]) -> None:
        if is_audio(audio) or not (hasattr(audio, "__aiter__") or hasattr(audio, "__iter__")):
            await self._send_piece(audio)
            return
        self._check_source(audio)
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

    def _check_source(self, source: object) -> None:
        """Check the rate of a source that states it; :meth:`send` does.

        Raises:
            ConfigurationError: It is not the session's.
        """
        check_source_rate(source, self._core.sample_rate)

    async def _send_piece(self, audio: object) -> None:
        data = as_bytes(audio, is_pcm=self._core.is_pcm)
        for start in range(0, len(data), SLICE_BYTES) or (0,):
            await self._until(lambda: not self._core.is_full)
            self._core.send_audio(data[start : start + SLICE_BYTES])
            self._runner.wake()

    async def _send_control(self, send: Callable[[], None]) -> None:
        await self._until(lambda: not self._core.is_full)
        with self._error.noting():
            send()
        self._runner.wake()

    async def force_endpoint(self) -> None:
        """Request the end of the turn.

        Raises:
            RealtimeError: The session is not open.
        """
        await self._send_control(self._core.force_endpoint)

    async def update(self, **options: Any) -> None:
        """Change parameters, such as ``max_turn_silence=800`` or ``keyterms_prompt=["Vivavoce"]``.

        Raises:
            ConfigurationError: A parameter is unknown or its value is invalid.
            RealtimeError: The session is not open.
        """
        fields = update_fields(options)
        await self._send_control(lambda: self._core.update(fields))

    async def keep_alive(self) -> None:
        """Keep a session open that sends no audio; some servers end it otherwise.

        Raises:
            RealtimeError: The session is not open.
        """
        await self._send_control(lambda: self._core.send(KEEP_ALIVE))

    # --- receiving -----------------------------------------------------------------------------

    async def next_event(self, timeout_s: float | None = None) -> Event | None:
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
        async with asyncio.timeout(timeout_s):
            await self._until(lambda: self._core.has_events or self._core.is_finished)
        return self._core.take_event()

    async def events(self) -> AsyncIterator[Event]:
        """Iterate over all events; the last one is a ClosedEvent.

        Raises:
            RealtimeError: The session failed; raised after the last event.
        """
        while (event := await self.next_event()) is not None:
            if not isinstance(event, RealtimeError):
                yield event
        self._error.raise_unraised()

    async def __aiter__(self) -> AsyncIterator[TurnEvent]:
        async for event in self.events():
            if isinstance(event, TurnEvent):
                yield event

    async def transcribe(
        self, source: Audio | Iterable[Audio] | AsyncIterable[Audio]
    ) -> AsyncIterator[TurnEvent]:
        """Send all of a source, yield the turns meanwhile, and close the session.

        Args:
            source: Audio, as for :meth:`send`.

        Raises:
            ConfigurationError: The source states another ``sample_rate`` than the session's.
            RealtimeError: The session failed.
            Exception: The source raised it.
        """
        self._check_source(source)
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
            await self._send_all(source)
        except RealtimeError as error:
            if error is not self._core.error:  # which transcribe() raises anyway
                raise
        finally:
            await self.end()

    # --- ending --------------------------------------------------------------------------------

    async def end(self) -> None:
        """Request the end of the session without waiting; the last turns can still be iterated."""
        self._core.terminate()
        self._wake_waiting()
        self._runner.wake()

    async def close(self) -> None:
        """Send what is queued, wait for the last turns, and end the session.

        Takes ``close_timeout_s`` at most after the last progress, whatever the server does; more calls have
        no effect. The turns that came can still be iterated.

        Raises:
            RealtimeError: The session failed, and no call has raised that error yet.
        """
        await self.end()
        await self.wait()
        self._error.raise_unraised()

    async def wait(self) -> None:
        """Wait until the session is over; after :meth:`end` that is bounded."""
        if self._task is not None and not self._core.owner.is_elsewhere:
            await asyncio.shield(self._task)

    async def drop(self) -> None:
        """End the session at once; what is queued, and the last turns, are lost."""
        self._core.drop()
        self._wake_waiting()
        self._runner.wake()
        if self._task is not None and not self._core.owner.is_elsewhere:
            await asyncio.wait([self._task])

    @property
    def is_open(self) -> bool:
        """Whether audio can be sent; also while a lost connection is being restored."""
        return self._core.is_open

    @property
    def began(self) -> BeginEvent | None:
        """The first event of the session, with its id and the time when it expires."""
        return self._core.began

    @property
    def speaker_revisions(self) -> list[SpeakerRevisionEvent]:
        """The revisions of speakers so far; see :attr:`Session.speaker_revisions`."""
        return list(self._core.speaker_revisions)

    @property
    def closed(self) -> ClosedEvent | None:
        """How the session ended, with code and reason; None while it is not over."""
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
    """Result of :func:`vivavoce.connect_async`: ``await`` it for a session, or use it in ``async with``."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._session: AsyncSession | None = None  # opened by ``async with``

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
