"""Resolves arguments and settings to the configuration of a session, for both fronts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.client.address import Address, request_headers
from vivavoce.client.parameters import RealTimeParameters, RealTimeSessionParameters
from vivavoce.client.stream_core import StreamCore
from vivavoce.client.timeouts import Timeouts
from vivavoce.client.transport import Connection, Transport, WebSocketTransport
from vivavoce.configuration import settings
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.aai_v3 import PATH
from vivavoce.protocol.aai_v3.messages import API_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vivavoce.client.backoff import Reconnect
    from vivavoce.protocol.aai_v3.choices import StreamEncoding

__all__ = [
    "SessionConfig",
    "build_parameters",
    "make_session_config",
    "update_fields",
    "with_stall",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Configuration of a session.

    Attributes:
        address: Address of the server.
        url: URL of the WebSocket, with its query.
        headers: Headers of the handshake; they authenticate it.
        parameters: Parameters of the session.
        reconnect: How to restore a lost connection; None: the session ends with it.
        timeouts: Limits of each step.
        transport: Opens connections.
    """

    address: Address
    url: str
    headers: Mapping[str, str]
    parameters: RealTimeParameters
    reconnect: Reconnect | None
    timeouts: Timeouts
    transport: Transport

    def make_core(self) -> StreamCore:
        """Make the core of one session."""
        return StreamCore(
            where=str(self.address),
            sample_rate=self.parameters.sample_rate,
            encoding=self.parameters.audio_encoding,
            channels=self.parameters.channels or 1,
            reconnect=self.reconnect,
        )

    async def dial(self) -> Connection:
        """Open a connection.

        Raises:
            ConnectError: No server answers, or what answers is not a server of this protocol.
            RefusedError: The server refused the session.
        """
        return await self.transport(
            self.url,
            self.headers,
            timeout_s=self.timeouts.connect_s,
            stall_s=self.reconnect.stall_s if self.reconnect is not None else None,
        )


def with_stall(timeouts: Timeouts, reconnect: Reconnect | None) -> Timeouts:
    """Return timeouts with the ``stall_s`` of `reconnect`, if that is set."""
    return timeouts if reconnect is None else dataclasses.replace(timeouts, stall_s=reconnect.stall_s)


def make_session_config(
    parameters: RealTimeParameters,
    *,
    url: str | None = None,
    api_key: str | None = None,
    token: str | None = None,
    reconnect: Reconnect | None = None,
    timeouts: Timeouts | None = None,
    transport: Transport | None = None,
) -> SessionConfig:
    """Make the configuration of a session.

    Args:
        parameters: Parameters of the session.
        url: The server's address; the settings' if None.
        api_key: The key; the settings' if None.
        token: A temporary token to use instead of the key.
        reconnect: How to restore a lost connection; None: the session ends with it.
        timeouts: Limits of each step.
        transport: Opens connections; WebSockets if None.

    Raises:
        ConfigurationError: The address or the key is invalid.
    """
    address = Address.parse(url or settings.base_url)
    return SessionConfig(
        address=address,
        url=address.websocket_url(PATH, parameters.to_query()),
        headers={**request_headers(token or api_key or settings.api_key), "AssemblyAI-Version": API_VERSION},
        parameters=parameters,
        reconnect=reconnect,
        timeouts=with_stall(timeouts or Timeouts(), reconnect),
        transport=transport or WebSocketTransport(),
    )


def build_parameters(
    sample_rate: int, encoding: StreamEncoding | str, *, partials: bool, options: dict[str, Any]
) -> RealTimeParameters:
    """Return the parameters for a session of the short interface. Its turns are formatted by default.

    Raises:
        ConfigurationError: An option is unknown or its value is invalid.
    """
    known = {field.name for field in dataclasses.fields(RealTimeParameters)}
    _refuse_unknown(options, known)
    fields: dict[str, Any] = {"format_turns": True, **options}
    if not partials:
        fields["include_partial_turns"] = False
    return RealTimeParameters(sample_rate=sample_rate, encoding=encoding, **fields)


def _refuse_unknown(options: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(options.keys() - known)
    if unknown:
        raise ConfigurationError(
            f"unknown option: {', '.join(unknown)}; use one of {', '.join(sorted(known))}"
        )


def update_fields(options: dict[str, Any]) -> dict[str, Any]:
    """Return options to change as the fields of a message.

    Raises:
        ConfigurationError: An option is unknown or its value is invalid, or there is none.
    """
    _refuse_unknown(options, {field.name for field in dataclasses.fields(RealTimeSessionParameters)})
    fields = RealTimeSessionParameters(**options).to_wire()
    if not fields:
        raise ConfigurationError("update() must have at least one option, got none")
    return fields
