"""A session of Realtime v2, and the thread that calls its handlers."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from vivavoce.client.events import ClosedEvent, ReconnectedEvent, ReconnectingEvent
from vivavoce.client.handlers import HandlerErrors
from vivavoce.client.threaded import ThreadedSession
from vivavoce.errors import RealtimeError
from vivavoce.protocol.aai_v2.messages import (
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeSpeakerRevision,
    RealtimeTranscript,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vivavoce.client.handlers import Handlers
    from vivavoce.client.realtime_core import Event, RealtimeCore
    from vivavoce.client.timeouts import Timeouts
    from vivavoce.client.transport import Connection

__all__ = ["HandlerSession"]

logger = logging.getLogger("vivavoce.client")


class HandlerSession(
    ThreadedSession[
        RealtimeSessionOpened | RealtimeTranscript | RealtimeSessionInformation | RealtimeSpeakerRevision
    ]
):
    """A session that calls handlers, one at a time.

    Args:
        core: The session.
        dial: Opens a connection.
        timeouts: Limits of each step.
        handlers: The handlers of the program.
    """

    _core: RealtimeCore

    def __init__(
        self,
        core: RealtimeCore,
        dial: Callable[[], Awaitable[Connection]],
        timeouts: Timeouts,
        handlers: Handlers,
    ) -> None:
        super().__init__(core, dial, timeouts)
        self._handlers = handlers
        self._errors = HandlerErrors()
        self._closing = threading.Lock()  # acquired for good by the thread that calls on_close
        self._dispatcher = threading.Thread(
            target=self._dispatch, args=(self._handle,), name="vivavoce-handlers", daemon=True
        )

    def start_handlers(self) -> None:
        """Start to call handlers. :meth:`open` does not: a handler may use what receives the session."""
        self._dispatcher.start()

    def check_source(self, source: object) -> None:
        """Check the rate of a source, and warn if it keeps handlers waiting.

        Raises:
            ConfigurationError: The rate is not the session's.
        """
        self._check_handler_source(source)

    def set_silence_ms(self, milliseconds: int) -> None:
        """Set the silence that ends an utterance.

        Raises:
            RealtimeError: The session is not open.
        """
        self._send_control(lambda: self._core.set_silence_ms(milliseconds))

    def close(self) -> None:
        """Send what is queued, wait for the last transcripts, and end the session.

        A call in a handler does not wait, because its own thread handles the last transcripts.
        """
        self.end()
        if threading.current_thread() is self._dispatcher or self._core.owner.is_elsewhere:
            return
        self.wait()
        self._dispatcher.join(self._timeouts.close_s)
        if self._dispatcher.is_alive():  # it hangs in a handler
            self._call_on_close()
        self.raise_handler_error()

    def raise_handler_error(self) -> None:
        """Raise the exception of a handler, once; a call in a handler raises nothing.

        Raises:
            RealtimeError: A handler raised; its exception is the cause.
        """
        if threading.current_thread() is not self._dispatcher:
            self._errors.raise_recorded()

    # --- handlers -----------------------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        if self._closing.locked():
            return  # on_close is the last call
        handlers = self._handlers
        match event:
            case RealtimeTranscript():
                self._call("on_data", handlers.on_data, event)
            case RealtimeError():
                self._call("on_error", handlers.on_error, event)
            case RealtimeSessionOpened():
                logger.info("session %s began", event.session_id)
                self._call("on_open", handlers.on_open, event)
            case RealtimeSessionInformation():
                self._call("on_extra_session_information", handlers.on_extra_session_information, event)
            case RealtimeSpeakerRevision():
                self._call("on_speaker_revision", handlers.on_speaker_revision, event)
            case ReconnectingEvent() | ReconnectedEvent():
                self._call("on_reconnect", handlers.on_reconnect, event)
            case ClosedEvent():
                self._call_on_close()

    def _call_on_close(self) -> None:
        closed = self.closed
        if closed is None or not self._closing.acquire(blocking=False):
            return
        logger.info("session ended")
        self._call("on_close", self._handlers.on_close, closed.code, closed.reason)

    def _call(self, name: str, handler: Callable[..., None] | None, *arguments: object) -> None:
        if handler is None:
            return
        try:
            handler(*arguments)
        except BaseException as error:  # noqa: BLE001  - a call of the program raises it
            self._errors.record(name, error)
