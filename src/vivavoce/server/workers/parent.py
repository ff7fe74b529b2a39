"""The parent of several workers: it binds the sockets, and keeps the workers running."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
import os
import secrets
import signal
import time
from typing import TYPE_CHECKING, Any, Final

from vivavoce.cores import usable_cores, visible_cores
from vivavoce.errors import EngineError, ServerError, VivavoceError
from vivavoce.server.access import TrustedProxies
from vivavoce.server.connection_gate import ConnectionGate, allow_many_files
from vivavoce.server.engines import check_devices
from vivavoce.server.rooms import KEEP_S
from vivavoce.server.run import DOUBLED_S, logging_for, open_sockets, terminal_is_gone
from vivavoce.server.supervisor import Supervisor
from vivavoce.server.tls import certificate_for
from vivavoce.server.workers.acceptor import Acceptor
from vivavoce.server.workers.channel import ChannelClosed
from vivavoce.server.workers.child import Child
from vivavoce.server.workers.desk import Desk
from vivavoce.server.workers.process import Boot, without_shared_limits
from vivavoce.server.workers.restarts import MAX_FAILURES
from vivavoce.server.workers.room_logs import RoomLogs
from vivavoce.server.workers.seats import Seats
from vivavoce.server.workers.shares import share_cores

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from vivavoce.server.engines import EngineMaker
    from vivavoce.server.options import ServerOptions
    from vivavoce.server.tls import Certificate
    from vivavoce.server.workers.channel import Handler

__all__ = ["serve_workers"]

_log = logging.getLogger(__name__)

_RELOAD_S: Final = 30.0
_LOOK_S: Final = 1.0
_SILENT_S: Final = 5.0  # workers give a sign once a second
_HANGS_S: Final = 60.0  # where the service manager sets no other limit
_FORCING: Final = 4  # the signal that kills the workers


class _Parent:
    """Starts workers, hands signals on to them, and starts again those that end."""

    def __init__(
        self,
        options: ServerOptions,
        n_workers: int,
        sockets: list[socket.socket],
        certificate: Certificate | None,
        *,
        engine: EngineMaker | None,
        read_keys: Callable[[], Sequence[str]] | None,
    ) -> None:
        self.failure: VivavoceError | None = None  # why it stopped by itself
        self._options = options
        self._certificate = certificate
        self._engine = engine
        self._read_keys = read_keys
        self._secret = secrets.token_bytes(32)
        self._shares = share_cores(visible_cores(), usable_cores(), n_workers)
        n_threads = [share.n_threads for share in self._shares]
        self._seats = Seats(n_threads, options.max_sessions, options.streams_of_models)
        self._desk = Desk(
            self._seats,
            lambda worker: self._children[worker].channel.call("exposition"),
            lambda: sum(child.restarts.n_restarts for child in self._children),
        )
        self._logs = RoomLogs(self._tell, keep_s=KEEP_S)
        self._children = [Child(index + 1, self._handlers(index)) for index in range(n_workers)]
        proxies = TrustedProxies(options.trusted_proxies)
        self._gate = ConnectionGate(options.max_connections_per_address, proxies.trusts)
        self._gate.in_all = n_workers * allow_many_files()
        ends = self._children
        self._acceptor = Acceptor(sockets, self._seats, self._gate, lambda worker: ends[worker].handover)
        self._supervisor = Supervisor.of(os.environ)
        self._was_ready = False  # some worker was, once
        self._is_announced = False  # the service manager knows that the server is ready
        self._n_signals = 0  # those that count
        self._last_signal_s = -math.inf  # when the last of them came, on the loop's clock
        self._sleeping: set[asyncio.Task[None]] = set()  # that wait for a restart
        self._reloading: asyncio.Task[None] | None = None  # None if nothing is being reloaded

    def _tell(self, worker: int, name: str, *arguments: Any) -> None:
        self._children[worker].channel.tell(name, *arguments)

    async def run(self) -> None:
        """Serve until a stop is requested, or no worker is left."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._handle_exit, number)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # not ignored, as by nohup
            loop.add_signal_handler(signal.SIGHUP, self._handle_hangup)
        watching = [asyncio.create_task(self._supervisor.watch()), asyncio.create_task(self._watch_workers())]
        try:
            await asyncio.gather(*(self._keep(index) for index in range(len(self._children))))
        finally:
            for task in watching:
                task.cancel()
            self._acceptor.close()

    # --- workers --------------------------------------------------------------------------------

    def _boot(self, index: int, channel: socket.socket, handover: socket.socket) -> Boot:
        return Boot(
            number=index + 1,
            options=without_shared_limits(self._options, len(self._children)),
            share=self._shares[index],
            certificate=self._certificate,
            secret=self._secret,
            channel=channel,
            handover=handover,
            engine=self._engine,
            read_keys=self._read_keys,
        )

    async def _keep(self, index: int) -> None:
        """Keep a worker running until the server stops."""
        child = self._children[index]
        while not self._desk.is_draining:
            try:
                status = await child.run(lambda *ends: self._boot(index, *ends))
            except OSError as error:  # of the system; the other workers go on
                status, child.failure = 1, f"it cannot be started: {error.strerror or error}"
            lost = self._seats.lose(index)
            for host in lost.connections.values():
                self._gate.leave(host)
            for host in lost.forwarded.elements():
                self._gate.leave_forwarded(host)
            self._desk.figures.lose(index)
            self._logs.lose(index)
            if self._desk.is_draining:
                return
            if child.failure is not None and not self._was_ready:
                self._fail(EngineError(child.failure))
                return
            await self._wait_restart(child, child.failure or _reason(status))

    async def _wait_restart(self, child: Child, reason: str) -> None:
        delay_s = child.restarts.ended(asyncio.get_running_loop().time())
        if delay_s is None:
            _log.error(
                "worker %d ended: %s; it did so %d times in a row and is not started again before SIGHUP",
                child.number,
                reason,
                MAX_FAILURES,
            )
            self._announce()
            if all(each.restarts.is_given_up for each in self._children):
                self._fail(ServerError(f"no worker is left, the last one ended: {reason}"))
        else:
            _log.error("worker %d ended: %s; it is started again in %g s", child.number, reason, delay_s)
        task = asyncio.ensure_future(asyncio.sleep(math.inf if delay_s is None else delay_s))
        self._sleeping.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._sleeping.discard(task)

    def _fail(self, failure: VivavoceError) -> None:
        if self.failure is None:
            self.failure = failure
            self._stop(signal.SIGTERM)

    def _handlers(self, index: int) -> dict[str, Handler]:
        """Return what handles the messages of a worker."""
        loads = self._seats.loads

        def sign() -> None:
            loads[index].is_silent = False
            self._children[index].signed_at = asyncio.get_running_loop().time()

        def up() -> None:
            sign()
            loads[index].takes = True
            self._acceptor.resume()

        def ready() -> None:
            loads[index].is_ready = self._was_ready = True
            self._children[index].restarts.ready(asyncio.get_running_loop().time())
            self._announce()

        def failed(reason: str) -> None:
            self._children[index].failure = reason

        def closing() -> bool:
            loads[index].takes = False
            return True

        def status(is_saturated: bool, cadence_ms: float) -> None:
            loads[index].is_saturated, loads[index].cadence_ms = is_saturated, cadence_ms
            sign()

        def plain(number: int) -> None:
            loads[index].plain.add(number)

        def left(number: int) -> None:
            host = loads[index].connections.pop(number, None)
            loads[index].plain.discard(number)
            if host is not None:
                self._gate.leave(host)

        def enter_forwarded(host: str) -> str | None:
            loads[index].forwarded[host] += 1
            return self._gate.enter_forwarded(host)

        def leave_forwarded(host: str) -> None:
            if loads[index].leave_forwarded(host):
                self._gate.leave_forwarded(host)

        own: dict[str, Handler] = {
            "enter_forwarded": enter_forwarded,
            "leave_forwarded": leave_forwarded,
            "up": up,
            "ready": ready,
            "failed": failed,
            "closing": closing,
            "status": status,
            "plain": plain,
            "left": left,
        }
        return own | self._desk.handlers(index) | self._room_handlers(index)

    def _room_handlers(self, index: int) -> dict[str, Handler]:
        logs, now = self._logs, time.monotonic
        return {
            "room_server": lambda server: logs.begin(index, server),
            "room_follow": lambda name: logs.follow(index, name, now()),
            "room_leave": lambda name: logs.leave(index, name),
            "room_append": lambda name, entries: logs.append(name, entries, now()),
            "room_glimpse": lambda name, update: logs.glimpse(index, name, update),
            "room_tidy": logs.tidy,
            "room_known": logs.knows,
            "room_claim": lambda name, digest: logs.claim(name, digest, now()),
        }

    def _announce(self) -> None:
        """Tell the service manager once all workers are ready, but for those that are given up."""
        pairs = zip(self._seats.loads, self._children, strict=True)
        if not self._is_announced and all(load.is_ready or it.restarts.is_given_up for load, it in pairs):
            self._is_announced = True
            self._supervisor.ready()

    async def _watch_workers(self) -> None:
        """Avoid a worker that hangs, and end it as late as the service manager would end this process."""
        half_s = self._supervisor.watchdog_s
        limit_s = _HANGS_S if half_s is None else max(_SILENT_S, 2 * half_s)
        while True:
            await asyncio.sleep(_LOOK_S)
            now = asyncio.get_running_loop().time()
            for load, child in zip(self._seats.loads, self._children, strict=True):
                silence_s = now - child.signed_at
                load.is_silent = silence_s > _SILENT_S
                if load.takes and silence_s > limit_s:
                    _log.error("worker %d gives no sign of life, it is killed", child.number)
                    load.takes = False
                    child.kill()

    # --- signals --------------------------------------------------------------------------------

    def _handle_exit(self, number: int) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._last_signal_s < DOUBLED_S:
            return
        self._last_signal_s = now
        self._stop(number)

    def _stop(self, number: int) -> None:
        """Take the next of the steps to the end; the first three are those of each worker."""
        self._n_signals += 1
        if not self._desk.is_draining:
            self._desk.is_draining = True
            self._supervisor.stopping(len(self._seats))
        for task in self._sleeping:
            task.cancel()
        for child in self._children:
            child.channel.tell("signal", int(number))
            if self._n_signals >= _FORCING:
                child.kill()

    def _handle_hangup(self) -> None:
        """Reload keys and certificate, or stop if the terminal of the server is gone."""
        if terminal_is_gone():
            self._handle_exit(signal.SIGHUP)
        elif self._reloading is None or self._reloading.done():
            self._reloading = asyncio.ensure_future(self._reload())

    async def _reload(self) -> None:
        is_announced = self._is_announced
        if is_announced:
            self._supervisor.reloading()
        try:
            keys = tuple(self._options.api_keys if self._read_keys is None else self._read_keys())
            options = dataclasses.replace(self._options, api_keys=keys)
            options.check()
            self._options = options  # of workers that start later
        except (VivavoceError, OSError) as error:
            _log.debug("the workers will say: %s", error)
        await asyncio.gather(*(self._reload_one(child) for child in self._children))
        for child in self._children:
            if child.restarts.revive():
                for task in self._sleeping:
                    task.cancel()
        if is_announced:
            self._supervisor.ready()

    async def _reload_one(self, child: Child) -> None:
        if child.handover is None:  # it has no process, which would read them when it starts
            return
        try:
            async with asyncio.timeout(_RELOAD_S):
                await child.channel.call("reload")
        except (ChannelClosed, TimeoutError):
            _log.warning("worker %d did not reload", child.number)


def _reason(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def serve_workers(
    options: ServerOptions,
    n_workers: int,
    *,
    on_listening: Callable[[int], None] | None = None,
    read_keys: Callable[[], Sequence[str]] | None = None,
    engine: EngineMaker | None = None,
) -> None:
    """Serve with several processes until SIGINT or SIGTERM; as `vivavoce.server.serve` does with one.

    Args:
        options: Options of the server.
        n_workers: Processes that serve sessions, at least 1.
        on_listening: Called with the port once clients can connect.
        read_keys: Reads the API keys again, at SIGHUP; None: they stay. It must be picklable.
        engine: Makes the engine of a model; None: one that loads its files. It must be picklable.

    Raises:
        ServerError: A busy port, a public address without keys, a certificate that cannot be used, or no
            worker can be kept running.
        ConfigurationError: Options contradict each other.
        ModelError: The models can't run where they shall.
        EngineError: The models can't be loaded.
        ExtrasNotInstalledError: The library that makes certificates, or OpenTelemetry, is missing.
    """
    options.check()
    with logging_for(options):
        check_devices(options)
        certificate = certificate_for(options)
        sockets = open_sockets(options, certificate)
        for sock in sockets:
            sock.setblocking(False)
        if on_listening is not None:
            on_listening(sockets[0].getsockname()[1])
        parent = _Parent(options, n_workers, sockets, certificate, engine=engine, read_keys=read_keys)
        asyncio.run(parent.run())
        if parent.failure is not None:
            raise parent.failure
