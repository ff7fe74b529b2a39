"""Handlers of a program, and their exceptions, which its own thread receives once."""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ConfigurationError, RealtimeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.client.events import ReconnectedEvent, ReconnectingEvent
    from vivavoce.protocol.aai_v2.messages import (
        RealtimeSessionInformation,
        RealtimeSessionOpened,
        RealtimeSpeakerRevision,
        RealtimeTranscript,
    )

__all__ = ["BLOCKED_HANDLERS", "HandlerErrors", "Handlers", "close_handler"]

logger = logging.getLogger("vivavoce.client")


BLOCKED_HANDLERS: Final = (
    "a handler sends a source: no other handler is called until the source ends; "
    "call stream() outside handlers, or in a thread or task of its own"
)
"""The warning for a source without an end that is sent in a handler."""


class HandlerErrors:
    """Keeps the first exception of a handler until a call of the program can raise it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recorded: tuple[str, BaseException] | None = None  # name of the handler, its exception

    def record(self, name: str, error: BaseException) -> None:
        """Keep an exception, or log it if an earlier one has not been raised yet.

        Args:
            name: Name of the handler, for messages.
            error: Its exception.
        """
        with self._lock:
            is_first = self._recorded is None
            if is_first:
                self._recorded = (name, error)
        if not is_first:
            logger.error("the handler %s raised again", name, exc_info=error)

    def clear(self) -> None:
        """Drop the recorded exception."""
        with self._lock:
            self._recorded = None

    def raise_recorded(self) -> None:
        """Raise the recorded exception.

        Raises:
            RealtimeError: A handler raised; its exception is the cause.
        """
        with self._lock:
            recorded, self._recorded = self._recorded, None
        if recorded is None:
            return
        name, error = recorded
        if not isinstance(error, Exception):
            raise error  # sys.exit() in a handler ends the program
        raise RealtimeError(f"the handler {name} raised {type(error).__name__}: {error}") from error


def close_handler(handler: Callable[..., None] | None) -> Callable[[int, str], None] | None:
    """Return a handler for the end that takes code and reason, whatever the program's own takes.

    The vendor calls it without arguments, so a handler that can be called that way is.

    Raises:
        ConfigurationError: The handler takes neither no arguments nor two.
    """
    if handler is None:
        return None
    import inspect  # noqa: PLC0415  - slow to import, and few programs have this handler

    def plain(_code: int, _reason: str) -> None:
        handler()

    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):  # a callable written in C
        return plain
    with contextlib.suppress(TypeError):
        signature.bind()
        return plain
    try:
        signature.bind(1000, "")
    except TypeError:
        raise ConfigurationError(
            f"on_close must take no arguments, or code and reason; got {handler!r} with {signature}"
        ) from None
    return handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """The handlers of a program."""

    on_data: Callable[[RealtimeTranscript], None]
    on_error: Callable[[RealtimeError], None]
    on_open: Callable[[RealtimeSessionOpened], None] | None = None
    on_close: Callable[[int, str], None] | None = None
    on_extra_session_information: Callable[[RealtimeSessionInformation], None] | None = None
    on_reconnect: Callable[[ReconnectingEvent | ReconnectedEvent], None] | None = None
    on_speaker_revision: Callable[[RealtimeSpeakerRevision], None] | None = None
