"""The client for programs that wait, under the vendor's names."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

from vivavoce.client.chunking import is_audio
from vivavoce.client.session import Session
from vivavoce.errors import RealtimeError
from vivavoce.streaming.v3.base import BaseClient

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import Event
    from vivavoce.streaming.v3.models import RealTimeParameters, RealTimeSessionParameters

__all__ = ["RealTimeTranscriber", "StreamingClient"]


class RealTimeTranscriber(BaseClient):
    """Streams sound to a server and hands over what it understands while it is still being spoken.

    Arguments are those of the vendor's class. What differs, on purpose: :meth:`connect` raises where no
    session can be opened; an exception in a handler is raised by the next :meth:`stream` or
    :meth:`disconnect`; :meth:`stream` raises once the session is over, and waits while the network is
    slower than the sound. A client can be connected again.
    """

    _session: Session | None = None
    _dispatcher: threading.Thread | None = None

    def connect(self, params: RealTimeParameters) -> None:
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
        session = Session(self._config(params)).open()
        self._session = session
        self._dispatcher = threading.Thread(
            target=self._dispatch, args=(session,), name="vivavoce-handlers", daemon=True
        )
        self._dispatcher.start()

    def _dispatch(self, session: Session) -> None:
        while (event := session.next_event()) is not None:
            self._give(event)

    def _give(self, event: Event) -> None:
        name, handlers = self._handlers_of(event)
        for handler in tuple(handlers):
            try:
                handler(self, event)
            except BaseException as error:  # noqa: BLE001  - whatever it is, the user's thread is to have it
                self._errors.record(f"for {name}", error)

    def stream(self, data: Audio | Iterable[Audio]) -> None:
        """Send audio: one piece, or every piece of an iterable; of any length, cut anew.

        An iterable is left, without an error, when the session is ended from a handler or another thread.

        Raises:
            RealTimeError: No session is open; where it failed, this is that failure. Or a handler raised.
            TypeError: It is no audio.
        """
        session = self._open_session()
        self._surface()
        if is_audio(data) or not hasattr(data, "__iter__"):
            session.send(data)
        else:
            session.send(self._checked(data))

    def _checked(self, data: Any) -> Iterable[Audio]:
        for piece in data:
            self._surface()
            yield piece

    def _surface(self) -> None:
        if threading.current_thread() is not self._dispatcher:
            self._errors.raise_recorded()

    def set_params(self, params: RealTimeSessionParameters) -> None:
        """Change settings from now on.

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
        """Tell a server that ends silent sessions that this one is still wanted.

        Raises:
            RealTimeError: No session is open.
        """
        self._open_session().keep_alive()

    def disconnect(self, terminate: bool = False) -> None:
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
        """Ask the server for a token that opens one session, to give to somebody without the key.

        Args:
            expires_in_seconds: How long it may be used to open a session, 1 to 600.
            max_session_duration_seconds: How long that session may last, 60 to 10800.

        Raises:
            ConnectError: Nobody answers, or what answers is no such server.
            RefusedError: The server said no.
        """
        return self._create_token(expires_in_seconds, max_session_duration_seconds)

    def _open_session(self) -> Session:
        if self._session is None:
            raise RealtimeError("no session is open: connect() first")
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
"""Its name before 1.0 of the vendor's SDK."""
