"""The synchronous client, under the vendor's names."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

from vivavoce.client.chunking import is_audio
from vivavoce.client.session import Session
from vivavoce.errors import SessionStateError
from vivavoce.streaming.v3.base import BaseClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import Event
    from vivavoce.streaming.v3.models import RealTimeParameters, RealTimeSessionParameters

__all__ = ["RealTimeTranscriber", "StreamingClient"]


class _HandledSession(Session):
    """A session whose events a client gives to its handlers."""

    def dispatch(self, handle: Callable[[Any], None]) -> None:
        """Call `handle` with every event until the session is over."""
        self._dispatch(handle)

    def check_source(self, source: object) -> None:
        """Check the rate of a source, and warn if it keeps handlers waiting.

        Raises:
            ConfigurationError: The rate is not the session's.
        """
        self._check_handler_source(source)

    @property
    def is_here(self) -> bool:
        """Whether this process opened the session; False in a forked child."""
        return self._is_here


class RealTimeTranscriber(BaseClient):
    """Streams audio to a server and calls handlers with the transcript while it is spoken.

    The arguments are those of the vendor's class. Some behaviour differs on purpose: :meth:`connect` raises
    an error if it can't open a session; the next :meth:`stream` or :meth:`disconnect` raises the exception
    of a handler; :meth:`stream` raises an error after the end of the session, and waits while the network is
    slower than the audio. A client can connect again.
    """

    _session: _HandledSession | None
    _dispatcher: threading.Thread | None

    def connect(self, params: RealTimeParameters) -> None:
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
        session = _HandledSession(self._config(params)).open()
        self._session = session
        self._dispatcher = threading.Thread(
            target=session.dispatch, args=(self._give,), name="vivavoce-handlers", daemon=True
        )
        self._dispatcher.start()

    def _give(self, event: Event) -> None:
        name, handlers = self._handlers_of(event)
        for handler in tuple(handlers):
            try:
                handler(self, event)
            except BaseException as error:  # noqa: BLE001  - the user's thread raises it
                self._errors.record(f"for {name}", error)

    def stream(self, data: Audio | Iterable[Audio]) -> None:
        """Send audio: one piece, or all pieces of an iterable. Pieces have any length.

        If a handler or another thread ends the session, the iteration stops without an error.

        Raises:
            RealTimeError: No session is open, the session failed, or a handler raised an exception.
            ConfigurationError: The data states another ``sample_rate`` than the session's.
            TypeError: The data is not audio.
        """
        session = self._open_session()
        self._surface()
        if is_audio(data) or not hasattr(data, "__iter__"):
            session.send(data)
        else:
            session.check_source(data)
            session.send(self._checked(data))

    def _checked(self, data: Any) -> Iterable[Audio]:
        for piece in data:
            self._surface()
            yield piece

    def _surface(self) -> None:
        if threading.current_thread() is not self._dispatcher:
            self._errors.raise_recorded()

    def set_params(self, params: RealTimeSessionParameters) -> None:
        """Change parameters from now on.

        Raises:
            RealTimeError: No session is open.
        """
        fields = params.to_wire()
        if fields:
            self._open_session().update(**fields)

    def force_endpoint(self) -> None:
        """End the turn now.

        Raises:
            RealTimeError: No session is open.
        """
        self._open_session().force_endpoint()

    def keep_alive(self) -> None:
        """Keep the session open although no audio comes: restart the server's inactivity timer.

        Raises:
            RealTimeError: No session is open.
        """
        self._open_session().keep_alive()

    def disconnect(self, terminate: bool = False) -> None:
        """End the session. Safe to call more than once, before :meth:`connect`, and from a handler.

        Args:
            terminate: Whether to send all queued audio and wait for the last turns, at most for
                ``terminate_timeout``; if not, they are dropped. In a handler, the call does not wait: the
                last turns come after the handler returns.

        Raises:
            RealTimeError: A handler raised an exception, which is the cause. The session ends nonetheless.
        """
        session, dispatcher = self._session, self._dispatcher
        if session is None or dispatcher is None or not session.is_here:
            return
        if terminate:
            session.end()
        else:
            session.drop()
        if threading.current_thread() is dispatcher:
            return
        session.wait()
        dispatcher.join(self._options.terminate_timeout)
        self._errors.raise_recorded()

    def create_temporary_token(
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
        return self._create_token(expires_in_seconds, max_session_duration_seconds)

    def _open_session(self) -> _HandledSession:
        if self._session is None:
            raise SessionStateError("not connected: connect() first")
        return self._session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.disconnect(terminate=exc_value is None)


StreamingClient = RealTimeTranscriber
"""The name before 1.0 of the vendor's SDK."""
