"""Requests that break a limit of HTTP, over real sockets: each gets an answer and a line in the log."""

import json
import logging
import socket
from urllib.parse import quote

import pytest

import vivavoce
from support.servers import log_of_the_server, scripted_server
from support.time_limit import HANG_S, wait_until
from vivavoce.server import http_protocol

HEADERS = (
    "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
V3 = "/v3/ws?sample_rate=16000"


@pytest.fixture(scope="module")
def server():
    with scripted_server() as it:
        it.wait_ready()
        yield it


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(http_protocol, "REQUEST_TIMEOUT_S", 0.1)


def handshake(path=V3, extra="", method="GET", version="1.1"):
    return f"{method} {path} HTTP/{version}\r\n{HEADERS}{extra}\r\n".encode("latin-1")


def answer(server, request):
    """Send a request; return the status and the body of the answer, or the status alone of a WebSocket."""
    port = int(server.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), HANG_S) as peer:
        peer.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data or not data.startswith(b"HTTP/1.1 101"):
            part = peer.recv(65_536)
            if not part:
                break
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else None, body.decode(errors="replace")  # a frame may follow a 101


@pytest.mark.parametrize("letter", ["\u00e9", "\u6f22", "\U0001f600"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_all_the_key_terms_that_the_documentation_allows(server, letter, ascii_only):
    terms = json.dumps([f"{index:02d}{letter * 48}" for index in range(100)], ensure_ascii=ascii_only)
    assert answer(server, handshake(f"{V3}&keyterms_prompt={quote(terms)}"))[0] == 101


def test_our_own_sdk_opens_a_session_with_all_of_them(server):
    terms = ["\u00e9" * 48 + f"{index:02d}" for index in range(100)]
    with vivavoce.connect(url=server.base_url, keyterms_prompt=terms) as session:
        session.send(bytes(3200))


@pytest.mark.parametrize(
    ("request_bytes", "status", "text"),
    [
        (handshake(V3 + "&a=" + "b" * 200_000), 414, "at most 131072 bytes"),
        (handshake("/readyz?" + "b" * 200_000).replace(b"Upgrade", b"Other"), 414, "at most 131072 bytes"),
        (handshake(extra=f"X: {'b' * 200_000}\r\n"), 431, "at most 131072 bytes"),
        (handshake(extra="".join(f"X-{i}: b\r\n" for i in range(124))), 431, "at most 128 headers, got 129"),
        (handshake(extra="Content-Length: 5\r\n") + b"hello", 400, "must have no body"),
        (handshake(extra="Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n", 400, "must have no body"),
        (handshake(method="POST"), 405, "begins with GET, got POST"),
        (handshake(extra="Host: other\r\n"), 400, "not a valid HTTP/1.1 request"),
        (handshake("/v3/ws?token=s3cret\xe9"), 400, "not a valid HTTP/1.1 request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(506), 400, "ws://"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", 400, "not a valid HTTP/1.1 request"),
    ],
)
def test_a_request_that_breaks_a_limit_is_answered_and_logged(server, caplog, request_bytes, status, text):
    caplog.set_level(logging.INFO)
    found, body = answer(server, request_bytes)
    assert found == status
    assert text in json.loads(body)["error"]
    records, log = log_of_the_server(caplog)
    assert f"refused 127.0.0.1 a request with {status}: " in log
    assert text in log
    assert "s3cret" not in log
    assert not [record for record in records if record.levelno > logging.INFO]


@pytest.mark.parametrize(
    "request_bytes",
    [
        handshake(extra="Content-Length: 0\r\n"),
        handshake(extra=f"Cookie: {'b' * 60_000}\r\n"),
        handshake(extra="".join(f"X-{i}: b\r\n" for i in range(123))),
        handshake(extra="X: \xe9\r\n"),
    ],
)
def test_what_is_within_the_limits_opens_a_session(server, request_bytes):
    assert answer(server, request_bytes)[0] == 101


@pytest.mark.parametrize("header", ["Sec-WebSocket-Key", "Sec-WebSocket-Version"])
def test_a_handshake_without_its_headers_is_answered_and_logged(server, caplog, header):
    caplog.set_level(logging.INFO)
    status, _ = answer(server, handshake().replace(header.encode(), b"X-" + header.encode()))
    assert 400 <= status < 500
    assert f"refused 127.0.0.1 a WebSocket with {status}: " in log_of_the_server(caplog)[1]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", None),
        (b"GET /v3/ws HTTP/1.1\r\nHost: ", 408),
        (handshake()[:-2], 408),
        (b"POST /v2/realtime/token HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{", 408),
        (b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP", 200),  # half a second request
    ],
)
def test_a_client_that_does_not_finish_its_request_is_disconnected(server, soon, sent, status):
    assert answer(server, sent)[0] == status


def test_clients_that_never_ask_leave_nothing_behind(server, soon):
    port = int(server.base_url.rpartition(":")[2])
    connections = server._server.server_state.connections
    peers = [socket.create_connection(("127.0.0.1", port), HANG_S) for _ in range(100)]
    for index, peer in enumerate(peers):
        peer.sendall(b"GET / HTTP/1.1\r\n"[: index % 17])
    for peer in peers:
        while peer.recv(4096):
            pass
        peer.close()
    wait_until(lambda: not connections)
