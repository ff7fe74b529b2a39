"""The client for programs with an event loop, under the vendor's names."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Self

from vivavoce.client.async_session import AsyncSession
from vivavoce.client.chunking import is_audio
from vivavoce.errors import RealtimeError
from vivavoce.streaming.v3.base import BaseClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable
    from types import TracebackType

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import Event
    from vivavoce.streaming.v3.models import RealTimeParameters, RealTimeSessionParameters

__all__ = ["AsyncRealTimeTranscriber", "AsyncStreamingClient"]


class AsyncRealTimeTranscriber(BaseClient):
    """As :class:`RealTimeTranscriber`, with coroutines. Handlers may be coroutine functions."""

    _session: AsyncSession | None = None
    _dispatcher: asyncio.Task[None] | None = None

    async def connect(self, params: RealTimeParameters) -> None:
        """Open a session and wait until the server has begun it.

        Raises:
            ConnectError: Nobody answers at the address, or what answers is no such server.
            RefusedError: The server said no: a wrong key, a quota, no free place. ``code`` says which.
            RealTimeError: A session is open already.
            ConfigurationError: The address or the key can't be used.
        """
        if self._session is not None and self._session.closed is None:
            raise RealtimeError("a session is open already: disconnect() it first")
        self._errors.clear()
        session = await AsyncSession(self._config(params)).open()
        self._session = session
        self._dispatcher = asyncio.create_task(self._dispatch(session), name="vivavoce-handlers")

    async def _dispatch(self, session: AsyncSession) -> None:
        while (event := await session.next_event()) is not None:
            await self._give(event)

    async def _give(self, event: Event) -> None:
        name, handlers = self._handlers_of(event)
        for handler in tuple(handlers):
            try:
                result = handler(self, event)
                if inspect.isawaitable(result):
                    await result
            except Exception as error:  # noqa: BLE001  - the user's task is to have it
                self._errors.record(f"for {name}", error)

    async def stream(self, data: Audio | Iterable[Audio] | AsyncIterable[Audio]) -> None:
        """Send audio: one piece, or every piece of an iterable, asynchronous or not.

        An iterable is left, without an error, when the session is ended meanwhile.

        Raises:
            RealTimeError: No session is open; where it failed, this is that failure. Or a handler raised.
            TypeError: It is no audio.
        """
        session = self._open_session()
        self._surface()
        if is_audio(data) or not hasattr(data, "__aiter__"):
            await session.send(data)
        else:
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
        """Change settings from now on.

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
        """Tell a server that ends silent sessions that this one is still wanted.

        Raises:
            RealTimeError: No session is open.
        """
        await self._open_session().keep_alive()

    async def disconnect(self, terminate: bool = False) -> None:
        """End the session; may be called more than once, before :meth:`connect`, and from a handler.

        Args:
            terminate: Whether to send what is queued and wait for the last turns, for as long as
                ``terminate_timeout`` allows; if not, all of that is dropped. In a handler it does not
                wait: what is still to come comes after the handler has returned.

        Raises:
            RealTimeError: A handler raised; its exception is the cause. The session is over nonetheless.
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
        await asyncio.wait([dispatcher], timeout=self._options.terminate_timeout)
        self._errors.raise_recorded()

    async def create_temporary_token(
        self, expires_in_seconds: int, max_session_duration_seconds: int | None = None
    ) -> str:
        """Ask the server for a token that opens one session, to give to somebody without the key.

        Args:
            expires_in_seconds: How long it may be used to open a session, 1 to 600.
            max_session_duration_seconds: How long that session may last, 60 to 10800.

        Raises:
            ConnectError: Nobody answers, or what answers is no such server.
            RefusedError: The server said no.
        """
        return await asyncio.to_thread(self._create_token, expires_in_seconds, max_session_duration_seconds)

    def _open_session(self) -> AsyncSession:
        if self._session is None:
            raise RealtimeError("no session is open: connect() first")
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
"""Its name before 1.0 of the vendor's SDK."""
