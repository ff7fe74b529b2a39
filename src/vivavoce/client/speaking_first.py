"""A WebSocket of the threaded library that is safe to open over TLS 1.3."""

from __future__ import annotations

import threading
from typing import Any

from websockets.sync.client import ClientConnection

__all__ = ["SpeakingFirst"]


class SpeakingFirst(ClientConnection):
    """Reads nothing before its request is written.

    Right behind the handshake a server sends session tickets. The library begins to read on a thread of
    its own before it writes the request: where the tickets are taken in just then, OpenSSL finds itself
    in a handshake while it writes, and waits, without any limit, for more to read. Of 250 connections to
    a busy machine one hung.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._may_read = threading.Event()
        super().__init__(*args, **kwargs)

    def recv_events(self) -> None:
        """Read, on the library's thread."""
        self._may_read.wait()
        super().recv_events()

    def send_data(self) -> None:
        """Write what is to be sent; the first is the request."""
        try:
            super().send_data()
        finally:
            self._may_read.set()

    def close_socket(self) -> None:
        """Give up; whoever does so waits for the reader to end."""
        self._may_read.set()
        super().close_socket()
