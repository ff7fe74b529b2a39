"""Two replicas on Ray Serve as users run them, and a proxy before them that ends TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
import threading
from typing import TYPE_CHECKING, Self

from conformance.cases import UNFUNDED_KEY
from conformance.servers import API_KEY, Server
from vivavoce.server import ServerOptions
from vivavoce.server.tls import certificate_for

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RayServer", "TlsFront"]

_SESSIONS = 16
_BLOCK_BYTES = 64 * 1024


class RayServer(Server):
    """`python -m vivavoce.deploy.ray` with two replicas."""

    start_timeout_s = 180.0
    stop_timeout_s = 120.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, tls=False)
        self._log = folder / "server-ray.log"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]

    def _command(self) -> list[str]:
        return [
            sys.executable, "-m", "vivavoce.deploy.ray", "--port", str(self._port),
            "min_replicas=2", "max_replicas=2", f"sessions_per_replica={_SESSIONS}", "drain_s=5",
            f"api_keys={API_KEY},{UNFUNDED_KEY} no-funds", "private_webhooks=true",
        ]  # fmt: skip


class TlsFront(Server):
    """A proxy that ends TLS and moves bytes, as a load balancer does."""

    def __init__(self, folder: Path, behind: RayServer) -> None:
        super().__init__(folder, tls=True)
        self._behind = behind
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        certificate = certificate_for(ServerOptions(tls_self_signed=True))
        assert certificate
        self.ca_file = certificate.cert
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.cert, certificate.key)
        context.num_tickets = 0  # as our server: clients that read and write on two threads stumble over them
        self._thread.start()
        opening = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        self.authority = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._behind.authority.rpartition(":")
        to_server, from_server = None, None
        with contextlib.suppress(OSError):
            from_server, to_server = await asyncio.open_connection(host, int(port))
            await asyncio.gather(_move(reader, to_server), _move(from_server, writer))
        for each in (writer, to_server):
            if each is not None:
                each.close()

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def failures(self) -> list[str]:
        """Those of the server behind it are its own."""
        return []


async def _move(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Move bytes until one side ends, then end the other."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_BLOCK_BYTES):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
