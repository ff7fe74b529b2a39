"""One worker: a server that gets its connections and its orders from the parent."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import ssl
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from vivavoce.cores import limit_cores
from vivavoce.errors import VivavoceError
from vivavoce.server.connection_gate import allow_many_files
from vivavoce.server.http_protocol import HttpProtocol
from vivavoce.server.run import DrainingServer, logging_for, make_server, reload_server
from vivavoce.server.status_routes import exposition_of
from vivavoce.server.tracing import Tracing
from vivavoce.server.workers.channel import Channel, ChannelClosed
from vivavoce.server.workers.handover import receive_socket
from vivavoce.server.workers.link import ChannelSupervisor, HandedConnection, LinkedSiblings
from vivavoce.server.workers.room_relay import ChannelRelay

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from vivavoce.server.engines import EngineMaker
    from vivavoce.server.options import ServerOptions
    from vivavoce.server.tls import Certificate
    from vivavoce.server.workers.channel import Handler
    from vivavoce.server.workers.shares import CoreShare

__all__ = ["SIGNALS", "Boot", "run_worker", "without_shared_limits"]

_log = logging.getLogger(__name__)

SIGNALS: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
"""What the parent handles for its workers, and blocks while it starts one."""

_STATUS_S: Final = 1.0


@dataclass(frozen=True)
class Boot:
    """What a worker needs to start.

    Attributes:
        number: Which worker it is, from 1.
        options: Options of the server, without the limits that the parent applies.
        share: Its part of the machine.
        certificate: That of the server; None: no encryption.
        secret: Signs tokens where there are no keys.
        channel: Its end of the channel to the parent.
        handover: Its end of the sockets that connections come through.
        engine: Makes the engine of a model; None: one that loads its files.
        read_keys: Reads the API keys again; None: they stay.
    """

    number: int
    options: ServerOptions
    share: CoreShare
    certificate: Certificate | None
    secret: bytes
    channel: socket.socket
    handover: socket.socket
    engine: EngineMaker | None
    read_keys: Callable[[], Sequence[str]] | None


class _WorkerServer(DrainingServer):
    """A server without listening sockets."""

    def __init__(self, server: DrainingServer, boot: Boot, channel: Channel) -> None:
        super().__init__(server.config, server.service, stops_with_engine=True)
        self._boot = boot
        self._connections: set[asyncio.Task[None]] = set()  # being opened
        self._status: asyncio.Task[None] | None = None  # None before it serves
        self._link: asyncio.Task[None] | None = None  # the same
        self.channel = channel
        self.supervisor = ChannelSupervisor(self.channel)
        self.service.siblings = LinkedSiblings(self.channel)
        self.service.admission.share(boot.secret)
        self.reload = partial(reload_server, self, boot.options, boot.read_keys)

    def handlers(self) -> dict[str, Handler]:
        """Return what handles the parent's messages, by name."""
        return {
            "signal": self.note_signal,
            "reload": self._reload_now,
            "exposition": lambda: exposition_of(self.service),
        }

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the parent."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, and say that connections may come."""
        await self.channel.open(self._boot.channel)
        self._link = asyncio.create_task(self._follow_parent())
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._boot.handover.fileno(), self._take_connections)
        self.channel.tell("up")
        self._status = asyncio.create_task(self._report())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take what the parent has sent already, and end."""
        with contextlib.suppress(ChannelClosed):
            await self.channel.call("closing")
        asyncio.get_running_loop().remove_reader(self._boot.handover.fileno())
        self._take_connections()
        if self._connections:
            await asyncio.wait(self._connections, timeout=1.0)
        await super().shutdown(sockets)
        if self.failure is not None:
            self.channel.tell("failed", str(self.failure))
        for task in (self._status, self._link):
            if task is not None:
                task.cancel()
        self.channel.close()

    async def _follow_parent(self) -> None:
        """Take orders until the parent is gone; then end all sessions with their last words."""
        await self.channel.run()
        if not self.should_exit:
            _log.error("the parent process is gone: sessions end now")
            self.service.hurry()
            self.request_stop()

    def _reload_now(self) -> bool:
        if self.reload is not None:
            self.reload()
        return True

    async def _report(self) -> None:
        """Tell the parent once a second how things are; its silence would mean that this worker hangs."""
        while True:
            service = self.service
            self.channel.tell("status", service.is_busy, service.engine.cadence_ms)
            await asyncio.sleep(_STATUS_S)

    def _take_connections(self) -> None:
        while (received := receive_socket(self._boot.handover)) is not None:
            (number, excess), sock = received
            gate = HandedConnection(self.channel, self.service.gate, number, excess)
            task = asyncio.create_task(self._open(sock, gate))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _open(self, sock: socket.socket, gate: HandedConnection) -> None:
        """Serve a connection, once its TLS handshake is complete."""
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: HttpProtocol(
                    config=self.config,
                    server_state=self.server_state,
                    app_state=self.lifespan.state,
                    gate=gate,
                ),
                sock,
                ssl=self.config.ssl,
            )
        except (OSError, ssl.SSLError, TimeoutError) as error:  # of the client, as asyncio's own servers do
            _log.debug("a connection did not open: %s", error)
            gate.drop()


def run_worker(boot: Boot) -> None:
    """Run a worker until the parent says that it should end, or is gone.

    Args:
        boot: What it needs.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if boot.share.cores:
        with contextlib.suppress(OSError):  # they were taken from this machine meanwhile
            os.sched_setaffinity(0, boot.share.cores)
    limit_cores(boot.share.n_threads)
    with logging_for(boot.options, boot.number):
        try:
            _serve(boot)
        except VivavoceError as error:
            Channel.tell_once(boot.channel, "failed", str(error))


def _serve(boot: Boot) -> None:
    tracing = Tracing.open() if boot.options.trace else None
    allow_many_files()
    handlers: dict[str, Handler] = {}
    channel = Channel(handlers)
    relay = ChannelRelay(channel, f"{boot.number}-{secrets.token_hex(4)}")
    is_shared = boot.options.redis_of_rooms is not None  # by other servers, too
    made = make_server(boot.options, boot.certificate, engine=boot.engine, relay=None if is_shared else relay)
    server = _WorkerServer(made, boot, channel)
    handlers |= server.handlers() | relay.handlers()
    server.service.tracing = tracing
    server.run(sockets=[])
    if tracing is not None:
        tracing.close()


def without_shared_limits(options: ServerOptions, n_workers: int) -> ServerOptions:
    """Return the options of one worker: what holds for all of them together is for the parent to apply.

    Args:
        options: Options of the server.
        n_workers: How many workers share them.
    """
    expected = options.expected_sessions or options.max_sessions
    return replace(
        options,
        max_sessions=None,
        expected_sessions=None if expected is None else -(-expected // n_workers),
        streams_of_models={},
        max_connections_per_address=None,
        max_readers=max(1, -(-options.max_readers // n_workers)),
    )
