"""The application on uvicorn, with a shutdown that lets sessions finish."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import logging
import math
import os
import signal
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import uvicorn

from vivavoce.asr.engine import EngineState
from vivavoce.errors import EngineError, VivavoceError
from vivavoce.protocol.dialects import DIALECTS
from vivavoce.server.app import create_app
from vivavoce.server.certificate_checks import expiry
from vivavoce.server.connection_gate import allow_many_files
from vivavoce.server.engines import check_devices
from vivavoce.server.http_protocol import MAX_HEAD_BYTES, HttpProtocol, WebSocketProtocol
from vivavoce.server.log import NonBlockingHandler, formatter_of
from vivavoce.server.service import REFUSALS, Service
from vivavoce.server.sockets import listen, urls_of
from vivavoce.server.supervisor import Supervisor
from vivavoce.server.tls import certificate_for
from vivavoce.server.tracing import Tracing

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from vivavoce.server.engines import EngineMaker
    from vivavoce.server.options import ServerOptions
    from vivavoce.server.rooms.relay import Relay
    from vivavoce.server.tls import Certificate

__all__ = [
    "DOUBLED_S",
    "MAX_MESSAGE_BYTES",
    "DrainingServer",
    "logging_for",
    "make_server",
    "open_sockets",
    "reload_server",
    "serve",
    "terminal_is_gone",
]

_log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 1 << 20
"""Length of a WebSocket message."""

DOUBLED_S = 0.2  # wrappers send a signal to the process and to its group: it counts once
_HAD_TERMINAL = sys.stderr is not None and sys.stderr.isatty()
# Uvicorn logs this as an error after each response that refuses a handshake, although that completes it.
_REFUSED_HANDSHAKE = "ASGI callable returned without completing handshake."
_CUT_OFF = "asyncio.exceptions.CancelledError"  # of a server that a third signal cuts off
_REFUSED_REQUEST = "Invalid HTTP request received."  # `HttpProtocol` logs more


class _ClientFaults(logging.Filter):
    """Keeps uvicorn from logging errors and tracebacks where the fault is the client's, or there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop a record, or demote it to a line of level INFO."""
        if record.msg in {_REFUSED_HANDSHAKE, _REFUSED_REQUEST}:
            return False
        if str(record.msg).rstrip().endswith(_CUT_OFF):
            return False
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, UnicodeDecodeError):  # text that is not UTF-8
            record.exc_info, record.exc_text = None, None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


class DrainingServer(uvicorn.Server):
    """A uvicorn server whose first signal lets sessions continue for a while.

    The second ends them with their last words, the third closes their connections. Uvicorn itself closes
    WebSockets at the first signal, before the application can send the last words.

    Attributes:
        service: The shared state of the application.
        reload: Reads keys and certificate again, at SIGHUP; None: that stops the server.
        supervisor: The service manager, which is notified of start, reload and stop.
        failure: Why the server stopped by itself; None: it did not.
    """

    def __init__(self, config: uvicorn.Config, service: Service, *, stops_with_engine: bool = False) -> None:
        """Prepare.

        Args:
            config: Configuration of uvicorn.
            service: The shared state of the application.
            stops_with_engine: Whether a model that can't be loaded, or fails, stops the server: a supervisor
                sees that, and not that no session opens.
        """
        super().__init__(config)
        self.service = service
        self.reload: Callable[[], None] | None = None
        self.supervisor = Supervisor()
        self.failure: EngineError | None = None
        self._n_signals = 0  # those that count
        self._last_signal_s = -math.inf  # when the last of them came, of time.monotonic
        self._stops_with_engine = stops_with_engine
        self._watching: list[asyncio.Task[None]] = []  # empty before it serves
        self._loop: asyncio.AbstractEventLoop | None = None  # None before it serves
        self._draining: asyncio.Task[None] | None = None  # None until a stop is requested

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a stop is requested."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, and stop again if its models can't be loaded."""
        await super().startup(sockets)
        if not self.should_exit:
            self._watching = [
                asyncio.ensure_future(self._watch_engine()),
                asyncio.ensure_future(self.supervisor.watch()),
            ]

    async def _watch_engine(self) -> None:
        try:
            await self.service.engine.wait_loaded()
        except EngineError as error:
            if self._stops_with_engine:
                self.failure = error
                self.request_stop()
        else:
            if not self.service.is_draining:
                self.supervisor.ready()
            if self._stops_with_engine:  # so it is alone in its process
                _exempt_from_collection()
                self.failure = await self.service.engine.wait_dead()
                self.request_stop()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal: the first drains, the second ends all sessions, the third cuts them off."""
        del frame
        now = time.monotonic()
        if now - self._last_signal_s < DOUBLED_S:
            return
        self._last_signal_s = now
        self.note_signal(sig)

    def note_signal(self, sig: int) -> None:
        """Take the next of the three steps to the end.

        Args:
            sig: The number of the signal, for the log.
        """
        if self._loop is None:
            self.should_exit = self.force_exit = True
            return
        self._n_signals += 1
        if self._n_signals == 1:
            _log.info("signal %d: %s", sig, self._drain_notice())
            self.request_stop()
        elif self._n_signals == 2:  # noqa: PLR2004 - the second
            _log.info("signal %d: sessions end now, a third signal cuts them off", sig)
            self._loop.call_soon_threadsafe(self.service.hurry)
        else:
            _log.info("signal %d: %d sessions are cut off", sig, len(self.service.connections))
            self.force_exit = self._n_signals > 3  # noqa: PLR2004 - does not even stop the models
            self._loop.call_soon_threadsafe(self._stop_now)

    def _drain_notice(self) -> str:
        n_open, drain_s = len(self.service.connections), self.service.options.drain_s
        if not n_open:
            return "no session is open, stopping"
        until = "until they end" if drain_s is None else f"for {drain_s:g} s"
        return f"{n_open} sessions may continue {until}, a second signal ends them"

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while the block runs, SIGHUP among them."""
        with super().capture_signals():
            is_ours = (
                threading.current_thread() is threading.main_thread()
                and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL  # not ignored, as by nohup
            )
            if is_ours:
                signal.signal(signal.SIGHUP, self._handle_hangup)
            try:
                yield
            finally:
                if is_ours:
                    signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def _handle_hangup(self, sig: int, frame: FrameType | None) -> None:
        """Reload keys and certificate, or stop if the terminal of the server is gone."""
        if self.reload is None or self._loop is None or terminal_is_gone():
            self.handle_exit(sig, frame)
        else:
            self._loop.call_soon_threadsafe(self._reload, self.reload)

    def _reload(self, reload: Callable[[], None]) -> None:
        is_announced = self.service.engine.state is EngineState.READY
        if is_announced:
            self.supervisor.reloading()
        try:
            reload()
        finally:
            if is_announced:
                self.supervisor.ready()

    def _stop_now(self) -> None:
        if self._draining is not None:
            self._draining.cancel()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        self.should_exit = True

    def request_stop(self) -> None:
        """Let the sessions finish, then stop; may be called from any thread."""
        if self._loop is None or self._loop.is_closed():
            self.should_exit = True
            return
        self.service.refuse_new_sessions()
        self._loop.call_soon_threadsafe(self._begin_drain)

    def _begin_drain(self) -> None:
        if self._draining is None:
            self.supervisor.stopping(len(self.service.connections))
            self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        try:
            await self.service.drain()
        except Exception:  # noqa: BLE001 - whatever is wrong with a session, the server must stop
            _log.exception("the sessions could not be finished")
        finally:
            self.should_exit = True


def make_server(
    options: ServerOptions,
    certificate: Certificate | None = None,
    *,
    engine: EngineMaker | None = None,
    stops_with_engine: bool = False,
    relay: Relay | None = None,
) -> DrainingServer:
    """Build the server; `DrainingServer.serve` or ``run`` runs it on sockets from `listen`.

    Args:
        options: Options of the server.
        certificate: From `certificate_for`; None: no encryption.
        engine: Makes the engine of a model; None: one that loads its files.
        stops_with_engine: Whether a model that can't be loaded stops the server.
        relay: Keeps rooms equal at all workers; None: there is one, or a Redis does it.
    """
    app = create_app(options, engine=engine, relay=relay)
    service: Service = app.state.service
    protocol = partial(HttpProtocol, gate=service.gate, refuse=partial(_refuse_session, service))
    config = uvicorn.Config(
        app,
        lifespan="on",
        http=cast("type[asyncio.Protocol]", protocol),
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        ws=WebSocketProtocol,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # audio hardly compresses, and deflate would cost more than the rest
        log_config=None,
        log_level="warning",  # its lines about connections contain the query, which may contain a token
        access_log=False,
        proxy_headers=False,  # the application reads them: see --trusted-proxy
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate.cert if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )
    if certificate:
        _send_no_tickets(config)
    logger = logging.getLogger("uvicorn.error")
    if not any(isinstance(each, _ClientFaults) for each in logger.filters):
        logger.addFilter(_ClientFaults())
    _note_expiry(service, certificate)
    return DrainingServer(config, service, stops_with_engine=stops_with_engine)


def _exempt_from_collection() -> None:
    """Let the garbage collector look no more at what is loaded now.

    All of it stays for as long as the server runs. Each full collection would look at 60,000 objects, and
    stop every thread for 30 ms or, on a busy machine, several times that.
    """
    gc.collect()
    gc.freeze()


def _refuse_session(
    service: Service, path: str, peer: str, headers: Sequence[tuple[bytes, bytes]]
) -> tuple[str, str] | None:
    """Return why a session is refused at once, and its client's address; None: the application decides."""
    refusal = service.refusal if path in DIALECTS else None
    if refusal is None:
        return None
    service.metrics.refused(refusal)
    return REFUSALS[refusal], service.proxies.address_of(peer, headers)


def _note_expiry(service: Service, certificate: Certificate | None) -> None:
    """Tell the metrics when the certificate expires."""
    when = None if certificate is None else expiry(certificate.cert)
    service.metrics.certificate_expires(None if when is None else when.timestamp())


def _send_no_tickets(config: uvicorn.Config) -> None:
    """Send nothing over TLS before the client's first bytes.

    TLS 1.3 sends session tickets right after the handshake. A client that reads on one thread and writes on
    another, as the vendor's SDKs do, then processes them while it writes its request, and the two threads
    collide in OpenSSL's state: one of 250 connections hung.
    """
    config.load()
    if config.ssl is not None:
        config.ssl.num_tickets = 0


def terminal_is_gone() -> bool:
    """Whether this process has lost the terminal that it was started from."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return _HAD_TERMINAL
    return False


def serve(
    options: ServerOptions,
    *,
    on_listening: Callable[[int], None] | None = None,
    read_keys: Callable[[], Sequence[str]] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; open sessions may then continue for a while. SIGHUP reloads keys.

    Args:
        options: Options of the server.
        on_listening: Called with the port once clients can connect.
        read_keys: Reads the API keys again, at SIGHUP; None: they stay.

    Raises:
        ServerError: A busy port, a public address without keys, or a certificate that cannot be used.
        ConfigurationError: Options contradict each other.
        ModelError: The models can't run where they shall.
        EngineError: The models can't be loaded.
        ExtrasNotInstalledError: The library that makes certificates, or OpenTelemetry, is missing.
    """
    options.check()
    with logging_for(options):
        _serve(options, on_listening, read_keys)


def _serve(
    options: ServerOptions,
    on_listening: Callable[[int], None] | None,
    read_keys: Callable[[], Sequence[str]] | None,
) -> None:
    check_devices(options)
    certificate = certificate_for(options)
    tracing = Tracing.open() if options.trace else None
    sockets = open_sockets(options, certificate)
    if on_listening is not None:
        on_listening(sockets[0].getsockname()[1])
    server = make_server(options, certificate, stops_with_engine=True)
    server.service.gate.in_all = allow_many_files()
    server.reload = partial(reload_server, server, options, read_keys)
    server.supervisor = Supervisor.of(os.environ)
    server.service.tracing = tracing
    server.run(sockets=sockets)
    if tracing is not None:
        tracing.close()
    if server.failure is not None:
        raise server.failure


@contextlib.contextmanager
def logging_for(options: ServerOptions, worker: int | None = None) -> Iterator[None]:
    """Write the log of a server to standard error until the block ends.

    Args:
        options: Options of the server.
        worker: The number of this process among several; None: it is the only one, or their parent.
    """
    log = NonBlockingHandler()
    log.setFormatter(formatter_of(options.log_format, worker))
    logging.basicConfig(level=options.log_level.upper(), handlers=[log])
    try:
        yield
    finally:
        logging.getLogger().removeHandler(log)
        log.close()


def open_sockets(options: ServerOptions, certificate: Certificate | None) -> list[socket.socket]:
    """Listen, and log where.

    Raises:
        ServerError: The port is taken, or the host has no address of this machine.
    """
    sockets = listen(options.host, options.port)
    _log.info("listening on %s", " and ".join(urls_of(sockets, "wss" if certificate else "ws")))
    if certificate and certificate.made_here:
        _log.info("self-signed certificate: %s", certificate.advice)
    return sockets


def reload_server(
    server: DrainingServer, options: ServerOptions, read_keys: Callable[[], Sequence[str]] | None
) -> None:
    """Read the keys and the certificate again; if anything is wrong with them, those from before stay."""
    try:
        keys = tuple(options.api_keys if read_keys is None else read_keys())
        dataclasses.replace(options, api_keys=keys).check()
        certificate = certificate_for(options)
        if certificate and server.config.ssl is not None:
            server.config.ssl.load_cert_chain(certificate.cert, certificate.key)
            _note_expiry(server.service, certificate)
        server.service.reload_keys(keys)
    except (VivavoceError, OSError) as error:
        _log.error("not reloaded, keys and certificate stay: %s", error)
    else:
        _log.info("reloaded: %d API keys%s", len(keys), " and the certificate" if certificate else "")
