"""The asynchronous client, under the vendor's names."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from typing import TYPE_CHECKING, Any, Self

from vivavoce.client.async_session import AsyncSession
from vivavoce.client.chunking import is_audio
from vivavoce.client.events import BeginEvent, ClosedEvent
from vivavoce.client.handlers import BLOCKED_HANDLERS
from vivavoce.errors import RealtimeError, SessionStateError
from vivavoce.streaming.v3.base import BaseClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable
    from types import TracebackType

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import Event
    from vivavoce.streaming.v3.models import RealTimeParameters, RealTimeSessionParameters

__all__ = ["AsyncRealTimeTranscriber", "AsyncStreamingClient"]

logger = logging.getLogger("vivavoce.client")


class _HandledSession(AsyncSession):
    """A session whose events a client gives to its handlers."""

    def check_source(self, source: object) -> None:
        """Check the rate of a source.

        Raises:
            ConfigurationError: The rate is not the session's.
        """
        self._check_source(source)


class AsyncRealTimeTranscriber(BaseClient):
    """A :class:`RealTimeTranscriber` with coroutines. Handlers may be coroutine functions."""

    _session: _HandledSession | None
    _dispatcher: asyncio.Task[None] | None

    async def connect(self, params: RealTimeParameters) -> None:
        """Open a session and wait for its first message.

        Raises:
            ConnectError: No server answers at the address, or it is not a server of this protocol.
            RefusedError: The server refuses: a wrong key, a quota, no capacity; ``code`` has its close code.
            RealTimeError: A session is open already.
            ConfigurationError: The address or the key is not valid.
        """
        if self._session is not None and self._session.closed is None:
            raise SessionStateError("this client has already been connected: disconnect() it first")
        self._errors.clear()
        session = await _HandledSession(self._config(params)).open()
        self._session = session
        self._dispatcher = asyncio.create_task(self._dispatch(session), name="vivavoce-handlers")

    async def _dispatch(self, session: AsyncSession) -> None:
        while (event := await session.next_event()) is not None:
            await self._give(event)

    async def _give(self, event: Event) -> None:
        self._current = event
        name, handlers = self._handlers_of(event)
        for handler in tuple(handlers):
            try:
                result = handler(self, event)
                if inspect.isawaitable(result):
                    await result
            except Exception as error:  # noqa: BLE001  - the user's task raises it
                self._errors.record(f"for {name}", error)

    async def stream(self, data: Audio | Iterable[Audio] | AsyncIterable[Audio]) -> None:
        """Send audio: one piece, or all pieces of an iterable, asynchronous or not.

        If the session ends meanwhile, the iteration stops without an error.

        Raises:
            RealTimeError: No session is open, the session failed, or a handler raised an exception.
            ConfigurationError: The data states another ``sample_rate`` than the session's.
            TypeError: The data is not audio.
        """
        session = self._open_session()
        self._surface()
        in_handler = asyncio.current_task() is self._dispatcher
        if in_handler and not is_audio(data) and not hasattr(data, "__len__"):
            logger.warning(BLOCKED_HANDLERS)
        if is_audio(data) or not hasattr(data, "__aiter__"):
            await session.send(data)
        else:
            session.check_source(data)
            await session.send(self._checked(data))
        self._surface()

    async def _checked(self, data: Any) -> AsyncIterable[Audio]:
        async for piece in data:
            self._surface()
            yield piece

    def _surface(self) -> None:
        if asyncio.current_task() is not self._dispatcher:
            self._errors.raise_recorded()

    async def set_params(self, params: RealTimeSessionParameters) -> None:
        """Change parameters from now on.

        Raises:
            RealTimeError: No session is open.
        """
        fields = params.to_wire()
        if fields:
            await self._open_session().update(**fields)

    async def force_endpoint(self) -> None:
        """End the turn now.

        Raises:
            RealTimeError: No session is open.
        """
        await self._open_session().force_endpoint()

    async def keep_alive(self) -> None:
        """Keep the session open although no audio comes: restart the server's inactivity timer.

        Raises:
            RealTimeError: No session is open.
        """
        await self._open_session().keep_alive()

    async def disconnect(self, terminate: bool = False) -> None:
        """End the session. Safe to call more than once, before :meth:`connect`, and from a handler.

        Args:
            terminate: Whether to send all queued audio and wait for the last turns, at most for
                ``terminate_timeout``; if not, they are dropped and a handler that waits is cancelled at once.
                In a handler, the call does not wait: the last turns come after the handler returns.

        Raises:
            RealTimeError: A handler raised an exception, which is the cause. The session ends nonetheless.
        """
        session, dispatcher = self._session, self._dispatcher
        if session is None or dispatcher is None:
            return
        if terminate:
            await session.end()
        else:
            await session.drop()
        if asyncio.current_task() is dispatcher:
            return
        await session.wait()
        timeout_s = self._options.terminate_timeout
        if terminate or isinstance(self._current, ClosedEvent):
            await asyncio.wait([dispatcher], timeout=timeout_s)
        if not dispatcher.done():
            dispatcher.cancel()
            await asyncio.wait([dispatcher], timeout=timeout_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._give_last(session), timeout_s)
        self._errors.raise_recorded()

    async def _give_last(self, session: AsyncSession) -> None:
        """Give what is left to the handlers, except the turns that the program drops."""
        while (event := await session.next_event()) is not None:
            if isinstance(event, BeginEvent | ClosedEvent | RealtimeError):
                await self._give(event)

    async def create_temporary_token(
        self, expires_in_seconds: int, max_session_duration_seconds: int | None = None
    ) -> str:
        """Ask the server for a token that opens one session, for a client without the key.

        Args:
            expires_in_seconds: How long the token can open a session, 1 to 600.
            max_session_duration_seconds: How long that session can last, 60 to 10800.

        Raises:
            ConnectError: No server answers, or it is not a server of this protocol.
            RefusedError: The server refuses.
        """
        return await asyncio.to_thread(self._create_token, expires_in_seconds, max_session_duration_seconds)

    def _open_session(self) -> _HandledSession:
        if self._session is None:
            raise SessionStateError("not connected: connect() first")
        return self._session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.disconnect(terminate=exc_value is None)


AsyncStreamingClient = AsyncRealTimeTranscriber
"""The name before 1.0 of the vendor's SDK."""
