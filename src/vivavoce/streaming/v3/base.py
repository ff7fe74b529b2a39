"""What the two clients have in common: options, handlers, and where the server is."""

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
from vivavoce.errors import ConfigurationError, RealtimeError
from vivavoce.settings import settings
from vivavoce.streaming.v3.models import (
    VENDOR_HOST,
    RealTimeEvents,
    RealTimeParameters,
    RealTimeTranscriberOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.client.events import Event
    from vivavoce.client.transport import Transport

__all__ = ["BaseClient", "server_url"]

logger = logging.getLogger("vivavoce.client")

_VENDOR: Final = ".assemblyai.com"


def server_url(options: RealTimeTranscriberOptions) -> str:
    """The address of the server that the options name.

    A program that names the vendor's default host, as those of its documentation do, is sent to the
    configured server where there is one: its import line is all that has to change.
    """
    host = options.api_host
    if host is None or (host == VENDOR_HOST and settings.source_of("base_url") is not None):
        configured = settings.base_url
        # The vendor's address for everything else; its streams live on a host beside it.
        name = urlsplit(configured).hostname or ""
        if name.startswith("api.") and name.endswith(_VENDOR):
            return f"wss://streaming.{name.removeprefix('api.')}"
        return configured
    return host if "://" in host else f"wss://{host}"


class BaseClient:
    """Options and handlers.

    Args:
        options: Where the server is, and how patient to be.
        api_key: The key; goes before the options' one.
        transport: Opens connections; WebSockets if None. Not one of the vendor's arguments.
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

    def on(self, event: RealTimeEvents, handler: Callable[..., Any]) -> None:
        """Call a handler with the client and the event whenever there is one.

        Handlers are called one at a time, in the order in which they were registered. Those for ``Error``
        get a RealTimeError. An exception in one ends nothing: the next ``stream()`` or ``disconnect()``
        raises it, once, as the cause of a RealTimeError.

        Raises:
            ConfigurationError: There is no such event, or the handler can't be called.
        """
        if not callable(handler):
            raise ConfigurationError(f"the handler must be callable, got {handler!r}")
        try:
            self._handlers[RealTimeEvents(event)].append(handler)
        except ValueError:
            raise ConfigurationError(f"no such event: {event!r}") from None

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
