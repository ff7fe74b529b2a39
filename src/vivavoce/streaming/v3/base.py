"""The common part of both clients: options, handlers, and the address of the server."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from vivavoce.client.address import Address, request_headers
from vivavoce.client.handlers import HandlerErrors
from vivavoce.client.session_config import SessionConfig, make_session_config
from vivavoce.client.temporary_tokens import create_stream_token
from vivavoce.client.timeouts import Timeouts
from vivavoce.configuration import settings
from vivavoce.errors import ConfigurationError, RealtimeError
from vivavoce.streaming.v3.models import (
    VENDOR_HOST,
    RealTimeEvents,
    RealTimeParameters,
    RealTimeTranscriberOptions,
)

if TYPE_CHECKING:
    import asyncio
    import threading
    from collections.abc import Callable

    from vivavoce.client.async_session import AsyncSession
    from vivavoce.client.events import Event
    from vivavoce.client.session import Session
    from vivavoce.client.transport import Transport

__all__ = ["BaseClient", "server_url"]

logger = logging.getLogger("vivavoce.client")

_VENDOR: Final = ".assemblyai.com"


def server_url(options: RealTimeTranscriberOptions) -> str:
    """Return the address of the server that the options name.

    The vendor's examples name the vendor's host. If a server is configured, it replaces that host, so that a
    program has to change only its import line.
    """
    host = options.api_host
    if host is None or (host == VENDOR_HOST and settings.source_of("base_url") is not None):
        configured = settings.base_url
        # The vendor has another host for its streams.
        name = urlsplit(configured).hostname or ""
        if name.startswith("api.") and name.endswith(_VENDOR):
            return f"wss://streaming.{name.removeprefix('api.')}"
        return configured
    return host if "://" in host else f"wss://{host}"


class BaseClient:
    """Options and handlers.

    Args:
        options: The address of the server, and time limits.
        api_key: The key; takes precedence over the key of the options.
        transport: Opens connections; None: WebSockets. Not one of the vendor's arguments.
    """

    def __init__(
        self,
        options: RealTimeTranscriberOptions | None = None,
        *,
        api_key: str | None = None,
        transport: Transport | None = None,
    ) -> None:
        options = options or RealTimeTranscriberOptions()
        if api_key is not None:
            options = dataclasses.replace(options, api_key=api_key)
        self._options = options
        self._transport = transport
        self._handlers: dict[RealTimeEvents, list[Callable[..., Any]]] = {
            event: [] for event in RealTimeEvents
        }
        self._errors = HandlerErrors()
        self._session: Session | AsyncSession | None = None  # the last one, open or not
        self._dispatcher: threading.Thread | asyncio.Task[None] | None = None  # calls the handlers
        self._current: Event | None = None  # the latest that its handlers received

    def on(self, event: RealTimeEvents, handler: Callable[..., Any]) -> None:
        """Register a handler; the client calls it with itself and the event.

        The client calls handlers one at a time, in the order of their registration. Those for ``Error`` get a
        RealTimeError. An exception in a handler does not end the session: the next ``stream()`` or
        ``disconnect()`` raises it, once, as the cause of a RealTimeError.

        Raises:
            ConfigurationError: The event is unknown, or the handler is not callable.
        """
        if not callable(handler):
            raise ConfigurationError(f"the handler must be callable, got {handler!r}")
        try:
            self._handlers[RealTimeEvents(event)].append(handler)
        except ValueError:
            raise ConfigurationError(
                f"event must be one of {', '.join(RealTimeEvents.__members__)}, got {event!r}"
            ) from None

    def _config(self, params: RealTimeParameters) -> SessionConfig:
        options = self._options
        return make_session_config(
            params,
            url=server_url(options),
            api_key=options.api_key,
            token=options.token,
            reconnect=options.reconnect,
            timeouts=Timeouts(
                connect_s=options.connect_timeout,
                close_s=options.terminate_timeout,
                connect_attempts=1 + options.max_connection_retries,
                connect_retry_s=options.connection_retry_delay,
            ),
            transport=self._transport,
        )

    def _handlers_of(self, event: Event) -> tuple[str, list[Callable[..., Any]]]:
        if isinstance(event, RealtimeError):
            handlers = self._handlers[RealTimeEvents.Error]
            if not handlers:
                logger.error("the session failed: %s", event)
            return "Error", handlers
        return event.type, self._handlers[RealTimeEvents(event.type)]

    def _create_token(self, expires_in_seconds: int, max_session_duration_seconds: int | None) -> str:
        return create_stream_token(
            Address.parse(server_url(self._options)),
            request_headers(self._options.api_key or settings.api_key),
            expires_in_seconds,
            max_session_duration_seconds,
            settings.http_timeout,
        )
