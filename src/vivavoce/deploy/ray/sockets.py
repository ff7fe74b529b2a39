"""The sockets of a replica: with the limits of the server alone, and a stop that lets sessions finish.

Serve runs uvicorn with its usual protocols. They know none of the server's limits, and when a replica stops
they close its WebSockets at once, with 1012. Uvicorn finds its protocols in a table by name, and a replica is
a process of its own.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from uvicorn.config import HTTP_PROTOCOLS

from vivavoce.server.http_protocol import MAX_HEAD_BYTES, HttpProtocol, WebSocketProtocol
from vivavoce.server.run import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn import Config
    from websockets.datastructures import Headers

    from vivavoce.server.connection_gate import ConnectionGate

__all__ = ["ReplicaHttp", "ReplicaWebSocket", "install"]

# Headers by which a client could change how Serve treats its request.
_TIMEOUT: Final = "X-Request-Timeout-Seconds"
_KEEPS_RUNNING: Final = "X-Request-Disconnect-Disabled"


class ReplicaWebSocket(WebSocketProtocol):
    """A WebSocket whose session reads it, and that outlives the listening socket.

    Attributes:
        on_stop: Called when the server stops; it may be called for each connection.
    """

    on_stop: Callable[[], None] = staticmethod(lambda: None)

    def begin(self, path: str, headers: Headers) -> None:
        """Take the handshake, and see to it that Serve leaves reading and the end to the session.

        Otherwise Serve would read all that comes into a queue without bounds, and cancel the session as soon
        as its client is gone, before its last words are kept and posted.
        """
        for name in (_TIMEOUT, _KEEPS_RUNNING):
            if name in headers:
                del headers[name]
        headers[_KEEPS_RUNNING] = "?1"
        super().begin(path, headers)

    def shutdown(self) -> None:
        """Let the session finish: the drain ends it."""
        self.on_stop()


class ReplicaHttp(HttpProtocol):
    """HTTP/1.1 with the limits of the server alone."""

    def __init__(self, config: Config, *args: Any, on_stop: Callable[[], None], **kwargs: Any) -> None:
        """Prepare.

        Args:
            config: Uvicorn's configuration, which Serve has made.
            *args: As for uvicorn's class.
            on_stop: Called when the server stops.
            **kwargs: As for uvicorn's class.
        """
        config.h11_max_incomplete_event_size = MAX_HEAD_BYTES
        config.ws_max_size = MAX_MESSAGE_BYTES
        config.ws_per_message_deflate = False
        super().__init__(config, *args, **kwargs)
        self._on_stop = on_stop

    def make_websocket(self, **given: Any) -> WebSocketProtocol:
        """Return the protocol that takes a handshake over."""
        protocol = ReplicaWebSocket(**given)
        protocol.on_stop = self._on_stop
        return protocol


def install(gate: ConnectionGate, on_stop: Callable[[], None]) -> None:
    """Let the server that Serve starts in this process use these protocols.

    Args:
        gate: Counts the connections.
        on_stop: Called, once or more often, when the replica takes no new connections any more.
    """
    HTTP_PROTOCOLS["auto"] = partial(ReplicaHttp, gate=gate, on_stop=on_stop)  # type: ignore[assignment]
