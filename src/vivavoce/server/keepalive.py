"""Keepalive of WebSockets: only a client from which nothing comes is taken for gone."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

__all__ = ["PatientWebSocket"]


class PatientWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that takes all data of its client for a sign of life, not the answers to pings alone.

    An answer comes after the audio before it. On a link that is slower than the audio that is minutes, and
    while the session has too much audio to process the server itself does not read.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._alive_at = 0.0  # when data came last, or may have waited until then

    def note_life(self) -> None:
        """Note that data came, or may have waited until now."""
        self._alive_at = self.loop.time()

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
