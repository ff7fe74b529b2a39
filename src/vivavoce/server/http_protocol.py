"""HTTP requests and the handshakes of WebSockets: their limits, and an answer to each that breaks one.

Uvicorn parses a handshake twice. Its second parser takes lines up to 8,190 bytes, which the documented key
terms exceed, and answers nothing if it fails. Here the first parser's result is used, and its limits apply.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.version import version as websockets_version

from vivavoce.server.bounded_socket import STALL_S, BoundedWebSocket
from vivavoce.server.connection_gate import ConnectionGate, Gate
from vivavoce.server.retry_after import retry_after

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    _Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

__all__ = ["MAX_HEADERS", "MAX_HEAD_BYTES", "REQUEST_TIMEOUT_S", "HttpProtocol", "WebSocketProtocol"]

_log = logging.getLogger(__name__)

MAX_HEAD_BYTES: Final = 128 * 1024
"""Length of a request up to its body: 100 key terms of 50 characters have at most 80 KB in a query."""

MAX_HEADERS: Final = 128
_PIECE_BYTES: Final = 16 * 1024

REQUEST_TIMEOUT_S: Final = 10.0
"""Time for a whole request, from the connection or the first byte."""

_LINGER_S: Final = (
    2.0  # for the rest of a refused request: closing earlier could destroy the answer on its way
)
_TLS_HANDSHAKE: Final = b"\x16"  # the first byte of a TLS record that opens a connection
_EMPTY_HANDSHAKE: Final = b"GET / HTTP/1.1\r\n\r\n"
_IS_LATIN_1: Final = int(websockets_version.partition(".")[0]) >= 17  # noqa: PLR2004 - how it decodes headers


class WebSocketProtocol(BoundedWebSocket):
    """A WebSocket whose handshake has been parsed already."""

    def __init__(self, *args: Any, on_lost: Callable[[], None] = lambda: None, **kwargs: Any) -> None:
        """Prepare.

        Args:
            *args: As for uvicorn's class.
            on_lost: Called once the connection is over.
            **kwargs: As for uvicorn's class.
        """
        super().__init__(*args, **kwargs)
        self._on_lost = on_lost

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that the connection is over."""
        super().connection_lost(exc)
        self._on_lost()

    def begin(self, path: str, headers: Headers) -> None:
        """Take the handshake.

        Args:
            path: Path and query.
            headers: Headers of the request.
        """
        self.conn.receive_data(_EMPTY_HANDSHAKE)  # for its parser, which then expects frames
        for _ in self.conn.events_received():
            self.handle_connect(Request(path, headers))
        if self.response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            reason = (self.response.body or b"").decode().strip()
            _log.info("refused %s a WebSocket with %d: %s", _host(self), self.response.status_code, reason)


class HttpProtocol(H11Protocol):
    """HTTP/1.1 with a time limit for requests; each refused one gets an answer and a line in the log."""

    def __init__(
        self,
        *args: Any,
        gate: Gate | None = None,
        refuse: Callable[[str, str, _Headers], tuple[str, str] | None] = lambda *_: None,
        **kwargs: Any,
    ) -> None:
        """Prepare.

        Args:
            *args: As for uvicorn's class.
            gate: Counts the connections of all clients; None: they are not limited.
            refuse: Takes the path of a WebSocket, the address that it comes from and its headers. Returns why
                it must be refused now, and the address of its client; None: it need not. On a busy machine
                each turn of the event loop waits for a core, so what the application would refuse some turns
                later is refused here.
            **kwargs: As for uvicorn's class.
        """
        super().__init__(*args, **kwargs)
        self._gate: Gate = gate or ConnectionGate()
        self._refuse_session = refuse
        self._timer: asyncio.TimerHandle | None = None  # runs while a request is incomplete
        self._stall_timer: asyncio.TimerHandle | None = None  # runs while the client takes nothing
        self._is_refused = False  # only its end is read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._start_timer()
        excess = self._gate.enter(_host(self))
        if excess is not None:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, excess)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        self.resume_writing()
        self._gate.leave(_host(self))
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the client a while to take what waits for it."""
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALL_S, self._drop)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection without requests, whether its client takes the last answer or not."""
        super().timeout_keep_alive_handler()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALL_S, self._drop)

    def _drop(self) -> None:
        _log.info("client %s dropped after %g s: it took nothing", _host(self), STALL_S)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse the next part of a request.

        The parser measures a head only while it is incomplete. One that arrives in a single read would pass
        whatever its length is, so a long read is parsed in pieces.
        """
        for start in range(0, len(data), _PIECE_BYTES):
            piece = data[start : start + _PIECE_BYTES]
            protocol = self.transport.get_protocol()
            if protocol is self:
                self._parse(piece)
            elif isinstance(protocol, WebSocketProtocol):  # the piece before ended a handshake
                protocol.data_received(piece)

    def _parse(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._start_timer()
        super().data_received(data)
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._stop_timer()
            if self.transport.get_protocol() is self:
                self._gate.is_plain()

    def on_response_complete(self) -> None:
        """Begin to wait for the rest of a request that came with the one before."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._start_timer()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(REQUEST_TIMEOUT_S, self._refuse_slow_client)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse_slow_client(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE and not self.conn.trailing_data[0]:
            self.transport.close()  # it has sent nothing
            return
        error = f"the request was not complete within {REQUEST_TIMEOUT_S:g} s"
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, error)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own text
        """Answer a request that can't be parsed; uvicorn calls it while it handles the parser's error."""
        status = getattr(sys.exception(), "error_status_hint", HTTPStatus.BAD_REQUEST)
        data = bytes(self.conn.trailing_data[0])
        if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
                if b"\n" in data
                else HTTPStatus.REQUEST_URI_TOO_LONG,
                f"a request must have at most {MAX_HEAD_BYTES} bytes before its body",
            )
        elif data.startswith(_TLS_HANDSHAKE):
            error = "the client uses TLS, this server does not: connect with ws://, or serve with --tls-cert"
            self._refuse(HTTPStatus.BAD_REQUEST, error)
        else:  # what the parser says quotes the request, which may contain a key
            self._refuse(HTTPStatus.BAD_REQUEST, "not a valid HTTP/1.1 request")

    def _refuse(self, status: HTTPStatus, error: str, what: str | None = None) -> None:
        """Answer with an error, and close the connection once the rest of the request has been read."""
        _log.info("refused %s with %d: %s", what or f"{_host(self)} a request", status, error)
        self._is_refused = True
        self._stop_timer()
        self.loop.call_later(_LINGER_S, self.transport.close)
        body = msgspec.json.encode({"error": error})
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *([("Retry-After", retry_after())] if status == HTTPStatus.SERVICE_UNAVAILABLE else []),
        ]
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()  # in the middle of an answer
            return
        for event in (
            h11.Response(status_code=status, headers=headers, reason=status.phrase.encode()),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        if self.transport.can_write_eof():
            with contextlib.suppress(OSError):  # the client has closed the connection meanwhile
                self.transport.write_eof()

    def make_websocket(self, **given: Any) -> WebSocketProtocol:
        """Return the protocol that takes a handshake over; the arguments are those of its class."""
        return WebSocketProtocol(**given)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand a handshake over to the protocol of WebSockets, or refuse it."""
        self._stop_timer()
        if refusal := _refusal(event):
            self._refuse(*refusal)
            return
        path = event.target.decode("ascii").partition("?")[0]
        if excess := self._refuse_session(path, _host(self), event.headers):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, excess[0], f"{excess[1]} a WebSocket")
            return
        self.connections.discard(self)
        protocol = self.make_websocket(
            config=self.config,
            server_state=self.server_state,
            app_state=self.app_state,
            on_lost=partial(self._gate.leave, _host(self)),
        )
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        protocol.begin(event.target.decode("ascii"), Headers(_decoded(event.headers)))
        if rest := bytes(self.conn.trailing_data[0]):  # of a client that does not wait for the answer
            protocol.data_received(rest)


def _host(protocol: HttpProtocol | WebSocketProtocol) -> str:
    return protocol.client[0] if protocol.client else "unknown"


def _refusal(event: h11.Request) -> tuple[HTTPStatus, str] | None:
    """Return why a handshake is refused; None: it is not."""
    if event.method != b"GET":
        return HTTPStatus.METHOD_NOT_ALLOWED, f"a WebSocket begins with GET, got {event.method.decode()}"
    if len(event.headers) > MAX_HEADERS:
        return (
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"a request must have at most {MAX_HEADERS} headers, got {len(event.headers)}",
        )
    lengths = [value for name, value in event.headers if name == b"content-length"]
    if any(int(value) for value in lengths) or any(name == b"transfer-encoding" for name, _ in event.headers):
        return HTTPStatus.BAD_REQUEST, "a request for a WebSocket must have no body"
    return None


def _decoded(headers: Any) -> list[tuple[str, str]]:
    encoding, errors = ("latin-1", "strict") if _IS_LATIN_1 else ("ascii", "surrogateescape")
    return [(name.decode("ascii"), value.decode(encoding, errors)) for name, value in headers]
