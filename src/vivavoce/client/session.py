"""The threads of one session: one reads and calls the handlers, one sends.

All state is in the core, under one condition. Both threads are daemons, so that a program that forgets
to close its session still ends.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.client.core import Event, RealtimeCore, State
from vivavoce.client.transcripts import (
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeTranscript,
)
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.client.dialling import Dialled

__all__ = ["Handlers", "Session"]

logger = logging.getLogger("vivavoce.client")

CLOSE_LIMIT_S: Final = 5.0
"""How long the server may take to send the last transcripts, in seconds."""

_HOLD_S = 0.25  # how long an error message waits for the close that may belong to it
_SHUT_S = 1.5  # how long the closing handshake may take
_SLICE_BYTES = 64 * 1024  # how much audio is cut at once: bounds what is queued above the mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What the user wants to be called."""

    on_data: Callable[[RealtimeTranscript], None]
    on_error: Callable[[RealtimeError], None]
    on_open: Callable[[RealtimeSessionOpened], None] | None = None
    on_close: Callable[[], None] | None = None
    on_extra_session_information: Callable[[RealtimeSessionInformation], None] | None = None


class Session:
    """A session on an open WebSocket.

    Args:
        core: What the session is.
        connection: The WebSocket.
        handlers: What to call.
    """

    def __init__(self, core: RealtimeCore, connection: Dialled, handlers: Handlers) -> None:
        self._core = core
        self._connection = connection
        self._handlers = handlers
        self._changed = threading.Condition()
        self._done = threading.Event()
        self._deadline: float | None = None
        self._raised: tuple[str, BaseException] | None = None
        self._reader = threading.Thread(target=self._read, name="vivavoce-reader", daemon=True)
        self._writer = threading.Thread(target=self._write, name="vivavoce-writer", daemon=True)

    # --- the user's side ----------------------------------------------------------------------

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, for whatever reason."""
        return self._core.is_finished

    @property
    def closed_by_user(self) -> bool:
        """Whether it ended, or is ending, because it was closed here."""
        return self._core.closed_by_user

    def begin(self, timeout_s: float | None) -> None:
        """Read and send, and wait until the server has begun the session.

        Not done when it is made: its handlers may use whatever will hold it.

        Raises:
            RealtimeError: It did not; a ConnectError or RefusedError.
        """
        self._writer.start()
        self._reader.start()
        with self._changed:
            begun = self._changed.wait_for(lambda: self._core.state is not State.OPENING, timeout_s)
            if not begun:
                self._core.give_up("the server did not begin a session in time")
            fault = None if self._core.has_opened else self._core.fault
        if fault is not None:
            self.abandon()
            raise fault

    def abandon(self) -> None:
        """Drop the connection without ado."""
        with self._changed:
            self._core.give_up("abandoned")
            self._changed.notify_all()
        self._connection.sever()

    def send_audio(self, data: memoryview) -> None:
        """Queue audio, waiting while the queue is full.

        Raises:
            RealtimeError: The session is not open.
        """
        for start in range(0, len(data), _SLICE_BYTES):
            with self._changed:
                self._wait_for_room()
                self._core.send_audio(data[start : start + _SLICE_BYTES])
                self._changed.notify_all()

    def send_force_end(self) -> None:
        """Queue the request to end the utterance.

        Raises:
            RealtimeError: The session is not open.
        """
        with self._changed:
            self._wait_for_room()
            self._core.send_force_end()
            self._changed.notify_all()

    def send_silence_ms(self, milliseconds: int) -> None:
        """Queue a new silence that ends an utterance.

        Raises:
            RealtimeError: The session is not open.
        """
        with self._changed:
            self._wait_for_room()
            self._core.send_silence_ms(milliseconds)
            self._changed.notify_all()

    def _wait_for_room(self) -> None:
        self._changed.wait_for(lambda: not self._core.is_full)  # a finished core has an empty queue

    def close(self) -> None:
        """Send what is queued, wait for the last transcripts, and end; bounded in time.

        From within a handler it only starts that: the thread that would have to wait is the one that
        brings the transcripts.
        """
        with self._changed:
            self._core.terminate()
            if self._deadline is None:
                self._deadline = time.monotonic() + CLOSE_LIMIT_S
            self._changed.notify_all()
        if threading.current_thread() is self._reader:
            return
        if not self._done.wait(max(0.0, self._deadline - time.monotonic())):
            self._expire()
            self._connection.sever()
            self._done.wait(_SHUT_S)
            self._finish()  # the reader is stuck in a handler: the end is told from here
        self.raise_handler_error()

    def raise_handler_error(self) -> None:
        """Raise what a handler raised, once.

        Raises:
            RealtimeError: A handler raised; its exception is the cause.
        """
        if threading.current_thread() is self._reader:
            return
        with self._changed:
            raised, self._raised = self._raised, None
        if raised is None:
            return
        name, error = raised
        if not isinstance(error, Exception):
            raise error  # sys.exit() in a handler means the program
        raise RealtimeError(f"the handler {name} raised {type(error).__name__}: {error}") from error

    # --- the threads --------------------------------------------------------------------------

    def _expire(self) -> None:
        with self._changed:
            self._core.give_up(f"the server did not end the session within {CLOSE_LIMIT_S:g} s")
            self._changed.notify_all()

    def _write(self) -> None:
        while True:
            with self._changed:
                message = self._core.next_outgoing()
                while message is None and not self._core.is_finished:
                    self._changed.wait()
                    message = self._core.next_outgoing()
                self._changed.notify_all()
            if message is None:
                break
            if not self._connection.send(message):
                break  # the reader learns why
        self._connection.close()

    def _patience_s(self) -> float | None:
        if self._core.is_holding:
            return _HOLD_S
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _read(self) -> None:
        while not self._core.is_finished:
            try:
                received = self._connection.receive(self._patience_s())
            except TimeoutError:
                with self._changed:
                    self._core.release()
                if self._deadline is not None and time.monotonic() >= self._deadline:
                    self._expire()
            else:
                with self._changed:
                    if isinstance(received, tuple):
                        self._core.receive_close(*received)
                    else:
                        self._core.receive_message(received)
                    self._changed.notify_all()
            self._dispatch()
        self._writer.join(_SHUT_S)  # it closes the WebSocket
        self._connection.sever()
        self._finish()

    def _finish(self) -> None:
        self._dispatch()
        with self._changed:
            claimed = self._core.claim_close()
        if claimed:
            logger.info("session ended")
            self._call("on_close", self._handlers.on_close)
        self._done.set()

    # --- handlers -----------------------------------------------------------------------------

    def _dispatch(self) -> None:
        with self._changed:
            events = self._core.take_events()
        for event in events:
            if not self._done.is_set():  # nothing comes after on_close
                self._give(event)

    def _give(self, event: Event) -> None:
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

    def _call(self, name: str, handler: Callable[..., None] | None, *arguments: object) -> None:
        if handler is None:
            return
        try:
            handler(*arguments)
        except BaseException as error:  # whatever it is, the user's thread is to have it
            with self._changed:
                first = self._raised is None
                if first:
                    self._raised = (name, error)
            if not first:
                logger.exception("the handler %s raised again", name)
