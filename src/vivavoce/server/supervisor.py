"""Tells the service manager how the server is: the protocol of sd_notify(3), without its library.

A message is a datagram of lines such as ``READY=1`` to the socket that ``NOTIFY_SOCKET`` names.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Supervisor"]

_log = logging.getLogger(__name__)


class Supervisor:
    """The service manager that has started this process, such as systemd; or none, and nothing is sent.

    Attributes:
        watchdog_s: How often it wants to hear that the event loop runs, in seconds; None: it does not.
    """

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        """Prepare.

        Args:
            address: Path of the socket, or ``@`` and its abstract name; None: there is no service manager.
            watchdog_s: After how long without a sign it restarts the process, in seconds; None: never.
        """
        self._address = address
        self.watchdog_s = None if watchdog_s is None else watchdog_s / 2

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Return the one that these variables of the environment name.

        Args:
            environment: ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID`` are read.
        """
        address = environment.get("NOTIFY_SOCKET") or None
        limit = environment.get("WATCHDOG_USEC", "")
        is_for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if not (address and is_for_us and limit.isascii() and limit.isdecimal() and int(limit)):
            return cls(address)
        return cls(address, int(limit) / 1e6)

    def ready(self) -> None:
        """Sessions are served: at the start, and after a reload."""
        self._send("READY=1", "STATUS=ready")

    def reloading(self) -> None:
        """Keys and certificate are read again; `ready` must follow."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=reloading")

    def stopping(self, n_open: int) -> None:
        """The server stops.

        Args:
            n_open: How many sessions may continue before it ends.
        """
        self._send("STOPPING=1", f"STATUS=draining: {n_open} sessions are open")

    async def watch(self) -> None:
        """Give signs of life for as long as the event loop runs; returns at once if none are wanted."""
        while self.watchdog_s is not None:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s)

    def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.setblocking(False)
                sock.sendto("\n".join(lines).encode(), address)
        except OSError as error:  # the server works without it
            _log.warning("the service manager was not notified of %s: %s", lines[0], error)
