"""A TCP proxy that breaks connections at a given byte, in the ways in which networks do."""

from __future__ import annotations

import contextlib
import enum
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit


class Fault(enum.Enum):
    """What happens after a number of bytes."""

    DROP = enum.auto()  # both sides are reset
    FINISH = enum.auto()  # both sides are closed in good order, without a close frame
    STALL = enum.auto()  # forwarding stops, and nothing is closed


@dataclass(frozen=True)
class Break:
    """Where a connection breaks, and how.

    `upstream` selects the bytes of the client or those of the server. Everything up to that byte is still
    forwarded, so frames are cut in the middle.
    """

    fault: Fault
    after_bytes: int
    upstream: bool = True


class FaultyProxy:
    """Listens on a port of its own and forwards to a server; the nth connection suffers the nth break."""

    def __init__(self, target: str, *breaks: Break | None) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._breaks = list(breaks)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self.broken = 0
        self.passed = [0, 0]  # bytes down and up, over all connections

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            self._kill(sock)
        for thread in self._threads:
            thread.join(30)

    def _start(self, function, *arguments) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._open += [client, server]
            broken = self._breaks[self.connections] if self.connections < len(self._breaks) else None
            self.connections += 1
            stalled = threading.Event()
            self._start(self._forward, client, server, broken, stalled, True)
            self._start(self._forward, server, client, broken, stalled, False)

    def _forward(self, source, sink, broken, stalled, upstream) -> None:
        left = broken.after_bytes if broken is not None and broken.upstream is upstream else None
        while True:
            try:
                data = source.recv(4096)
                if stalled.is_set():
                    return
                whole, data = len(data), data if left is None else data[:left]
                sink.sendall(data)
                self.passed[upstream] += len(data)
            except OSError:
                return
            if left is not None:
                left -= whole
                if left <= 0:
                    self.broken += 1
                    self._break(broken.fault, source, sink, stalled)
                    return
            if not whole:
                with contextlib.suppress(OSError):
                    sink.shutdown(socket.SHUT_WR)
                return

    def _break(self, fault, source, sink, stalled) -> None:
        if fault is Fault.STALL:
            stalled.set()
            return
        for sock in (source, sink):
            if fault is Fault.DROP:
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._kill(sock)

    @staticmethod
    def _kill(sock) -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
