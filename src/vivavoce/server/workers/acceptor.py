"""Accepts connections and hands each to the worker that has least to do."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, Final

from vivavoce.server.workers.handover import send_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from vivavoce.server.connection_gate import ConnectionGate
    from vivavoce.server.workers.seats import Seats

__all__ = ["Acceptor"]

_log = logging.getLogger(__name__)

_AT_A_TIME: Final = 64
_SHORT_PAUSE_S: Final = 0.02  # no worker has read the connections that it was sent
_LONG_PAUSE_S: Final = 1.0  # there are no descriptors


class Acceptor:
    """Accepts while there is a worker to take what it accepts; others wait in the kernel."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        seats: Seats,
        gate: ConnectionGate,
        end_of: Callable[[int], socket.socket | None],
    ) -> None:
        """Prepare; `resume` begins.

        Args:
            listeners: The listening sockets; they must not block.
            seats: Says which worker is next.
            gate: Counts connections.
            end_of: Returns what a worker's connections are sent through; None: there is no such worker now.
        """
        self._listeners = listeners
        self._seats = seats
        self._gate = gate
        self._end_of = end_of
        self._numbers = itertools.count()
        self._is_running = False
        self._held: tuple[socket.socket, str] | None = None  # accepted, and not sent yet
        self._is_out_of_files = False

    def resume(self) -> None:
        """Accept, if there is a worker."""
        if self._is_running or not self._seats.next_workers():
            return
        held, self._held = self._held, None
        if held is not None and not self._hand_over(*held):
            return
        self._is_running = True
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.add_reader(listener.fileno(), self._accept, listener)

    def pause(self, resume_in_s: float | None = None) -> None:
        """Accept nothing.

        Args:
            resume_in_s: For how long, in seconds; None: until `resume`.
        """
        self._is_running = False
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener.fileno())
        if resume_in_s is not None:
            loop.call_later(resume_in_s, self.resume)

    def close(self) -> None:
        """Stop listening."""
        self.pause()
        for listener in self._listeners:
            listener.close()
        if self._held is not None:
            self._held[0].close()
            self._held = None

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_AT_A_TIME):
            if not self._seats.next_workers():
                self.pause()
                return
            try:
                sock, address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if not self._is_out_of_files:
                    _log.error("a connection can't be accepted: %s", error)
                self._is_out_of_files = True
                self.pause(_LONG_PAUSE_S)
                return
            self._is_out_of_files = False
            if not self._hand_over(sock, str(address[0])):
                return

    def _hand_over(self, sock: socket.socket, host: str) -> bool:
        """Send a connection to a worker; returns whether it went, else it is kept for a moment."""
        number, excess = next(self._numbers), self._gate.enter(host)
        for worker in self._seats.next_workers():
            end = self._end_of(worker)
            if end is not None and send_socket(end, (number, excess), sock):
                self._seats.loads[worker].connections[number] = host
                sock.close()
                return True
        self._gate.leave(host)
        self._held = sock, host
        self.pause(_SHORT_PAUSE_S)
        return False
