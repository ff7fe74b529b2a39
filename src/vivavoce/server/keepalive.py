"""Keepalive of WebSockets: only a client from which nothing comes is taken for gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent

__all__ = ["PatientWebSocket"]


class PatientWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that takes all data of its client for a sign of life, not the answers to pings alone.

    An answer comes after the audio before it. On a link that is slower than the audio that is minutes, and
    while the session has too much audio to process the server itself does not read.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._alive_at = 0.0  # when data came last, or may have waited until then

    def data_received(self, data: bytes) -> None:
        """Take the next bytes of the client."""
        self._alive_at = self.loop.time()
        super().data_received(data)

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next message; reading resumes when no other one waits."""
        message = await super().receive()
        self._alive_at = self.loop.time()
        return message

    def keepalive_timeout(self) -> None:
        """Close the connection, unless the client has been alive since the ping; then wait longer."""
        now = self.loop.time()
        if self.read_paused:
            self._alive_at = now
        left_s = self._alive_at + (self.ping_timeout or 0.0) - now
        if left_s > 0:
            self.pong_timer = self.loop.call_later(left_s, self.keepalive_timeout)
        else:
            super().keepalive_timeout()
