"""Running the application on uvicorn: a socket of our own, and a stop that lets sessions finish."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from vivavoce.asr.engine import Engine
from vivavoce.asr.models import load_recogniser
from vivavoce.errors import ServerError
from vivavoce.server.app import Service, create_app
from vivavoce.server.tls import certificate_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from vivavoce.server.options import ServerOptions
    from vivavoce.server.tls import Certificate

__all__ = ["DrainingServer", "listen", "make_server", "serve"]

_MAX_MESSAGE_BYTES = 1 << 20
_BACKLOG = 2_048


class _NoTracebacks(logging.Filter):
    """Uvicorn logs text that is no UTF-8 as if it were a fault of the server: it is the client's."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave the traceback of such a record out."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, UnicodeDecodeError):
            record.exc_info, record.exc_text = None, None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


class DrainingServer(uvicorn.Server):
    """Uvicorn closes WebSockets at the first signal, before the application can send their last words.

    Here the first signal drains the sessions and then stops the server; the second stops at once.
    """

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service = service
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Answer a signal: drain at the first, stop at once at the second."""
        del frame
        if self._loop is None or self.service.is_draining:
            self.should_exit = True
            self.force_exit = True
        else:
            logging.getLogger(__name__).info("signal %d: finishing %d sessions", sig, self.n_sessions)
            self.request_stop()

    @property
    def n_sessions(self) -> int:
        """Sessions that are open."""
        return len(self.service.connections)

    def request_stop(self) -> None:
        """Let the sessions finish, then stop; may be called from any thread."""
        if self._loop is None or self._loop.is_closed():
            self.should_exit = True
            return
        self.service.is_draining = True
        self._loop.call_soon_threadsafe(self._begin_drain)

    def _begin_drain(self) -> None:
        if self._draining is None:
            self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        try:
            await self.service.drain()
        except Exception:  # whatever is wrong with a session, the server must stop when told to
            logging.getLogger(__name__).exception("the sessions could not be finished")
        finally:
            self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Open the socket to listen on, so that a busy port is known before anything is loaded.

    Raises:
        ServerError: The port is taken, or the address is not this machine's.
    """
    sock: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except OSError as error:
        if sock is not None:
            sock.close()
        match error.errno:
            case errno.EADDRINUSE:
                reason = f"port {port} on {host} is taken: choose another with --port"
            case errno.EACCES:
                reason = f"port {port} on {host} may not be opened by this user"
            case _:
                reason = f"can't listen on {host}:{port}: {error.strerror or error}"
        raise ServerError(reason) from error
    return sock


def make_server(
    options: ServerOptions, certificate: Certificate | None = None, *, engine: Callable[[], Engine] = Engine
) -> DrainingServer:
    """Build the server; `DrainingServer.serve` or ``run`` runs it on sockets from `listen`.

    Args:
        options: Of the server.
        certificate: From `certificate_for`; None: no encryption.
        engine: Makes the engine; called on the server's event loop.
    """
    app = create_app(options, engine=engine)
    config = uvicorn.Config(
        app,
        lifespan="on",
        ws="websockets-sansio",
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # samples do not compress, and it costs more than all the rest
        log_config=None,
        log_level="warning",  # its own lines about connections hold the query, and that may hold a token
        access_log=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate.cert if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )
    if certificate:
        _send_no_tickets(config)
    logger = logging.getLogger("uvicorn.error")
    if not any(isinstance(each, _NoTracebacks) for each in logger.filters):
        logger.addFilter(_NoTracebacks())
    return DrainingServer(config, app.state.service)


def _send_no_tickets(config: uvicorn.Config) -> None:
    """Send nothing over TLS before the client has spoken.

    Session tickets of TLS 1.3 come right behind the handshake. A client that reads on one thread and
    writes on another, as the vendor's SDKs do, then takes them in while it writes its request, and in
    OpenSSL's state the one trips over the other: of 250 connections one hung.
    """
    config.load()
    if config.ssl is not None:
        config.ssl.num_tickets = 0


def serve(options: ServerOptions) -> None:
    """Serve until SIGINT or SIGTERM; open sessions may then finish.

    Raises:
        ServerError: A busy port, a public address without keys, or a certificate that can't be used.
        ConfigurationError: Options that contradict each other.
    """
    options.check()
    certificate = certificate_for(options)
    sock = listen(options.host, options.port)
    host, port = sock.getsockname()[:2]
    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    log = logging.getLogger(__name__)
    scheme = "wss" if certificate else "ws"
    log.info("listening on %s://%s:%d", scheme, f"[{host}]" if ":" in host else host, port)
    if certificate and certificate.made_here:
        log.info("self-signed certificate: %s", certificate.advice)
    recogniser = partial(load_recogniser, turn_model=options.turn_model)
    make_server(options, certificate, engine=lambda: Engine(recogniser=recogniser)).run(sockets=[sock])
