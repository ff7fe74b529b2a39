"""Handlers, and what becomes of their exceptions: the user's own thread gets them, once."""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.errors import ConfigurationError, RealtimeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.client.events import ReconnectedEvent, ReconnectingEvent
    from vivavoce.protocol.aai_v2.messages import (
        RealtimeSessionInformation,
        RealtimeSessionOpened,
        RealtimeTranscript,
    )

__all__ = ["HandlerErrors", "Handlers", "close_handler"]

logger = logging.getLogger("vivavoce.client")


class HandlerErrors:
    """Keeps the first exception of a handler until somebody can be told. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[str, BaseException] | None = None

    def record(self, name: str, error: BaseException) -> None:
        """Keep an exception; one that nobody has been told yet goes before it.

        Args:
            name: What the handler is called in messages.
            error: What it raised.
        """
        with self._lock:
            is_first = self._kept is None
            if is_first:
                self._kept = (name, error)
        if not is_first:
            logger.error("the handler %s raised again", name, exc_info=error)

    def clear(self) -> None:
        """Forget what was kept."""
        with self._lock:
            self._kept = None

    def raise_recorded(self) -> None:
        """Raise what was kept.

        Raises:
            RealtimeError: A handler raised; its exception is the cause.
        """
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is None:
            return
        name, error = kept
        if not isinstance(error, Exception):
            raise error  # sys.exit() in a handler means the program
        raise RealtimeError(f"the handler {name} raised {type(error).__name__}: {error}") from error


def close_handler(handler: Callable[..., None] | None) -> Callable[[int, str], None] | None:
    """Let a handler for the end be called with code and reason, whether it wants them or not.

    The vendor calls it without arguments, so whatever can be called that way is.

    Raises:
        ConfigurationError: It can be called neither without arguments nor with two.
    """
    if handler is None:
        return None
    import inspect  # noqa: PLC0415  - takes a while to load, and few programs have this handler

    def plain(_code: int, _reason: str) -> None:
        handler()

    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):  # of something written in C
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
    """What the user wants to be called."""

    on_data: Callable[[RealtimeTranscript], None]
    on_error: Callable[[RealtimeError], None]
    on_open: Callable[[RealtimeSessionOpened], None] | None = None
    on_close: Callable[[int, str], None] | None = None
    on_extra_session_information: Callable[[RealtimeSessionInformation], None] | None = None
    on_reconnect: Callable[[ReconnectingEvent | ReconnectedEvent], None] | None = None
