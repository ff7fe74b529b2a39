"""A proxy of the environment that prevents a connection is named, and its password is not."""

import contextlib
import os
import socket
import threading

import pytest

import vivavoce
from vivavoce.client.address import Address
from vivavoce.client.proxies import Proxy

SECRET = "http://me:secret@127.0.0.1:9"
SERVERS = ["ws://asr.example:8765", "wss://asr.example"]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    monkeypatch.setattr(vivavoce.client.realtime, "global_settings", vivavoce.Settings())
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def refusing():
    """Starts a proxy on this machine that answers every request with a status; returns its port."""
    with contextlib.ExitStack() as stack:

        def start(status):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def serve():
                with contextlib.suppress(OSError):  # closed by the fixture
                    while True:
                        connection, _ = listener.accept()
                        with connection:
                            connection.recv(65_536)
                            connection.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())

            threading.Thread(target=serve, daemon=True).start()
            return listener.getsockname()[1]

        yield start


def message_of(server):
    with pytest.raises(vivavoce.ConnectError) as raised:
        vivavoce.connect(url=server, timeout_s=30)
    message = str(raised.value)
    assert "secret" not in message
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert message.startswith(f"no connection to {server} through the proxy ")
    assert message.endswith("; to connect directly, set NO_PROXY=asr.example")
    return message


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("proxy", "text"),
    [
        (SECRET, "http://127.0.0.1:9: Connection refused"),
        ("socks5://me:secret@127.0.0.1:9", "socks5://127.0.0.1:9: a SOCKS proxy needs python-socks"),
        ("ftp://me:secret@127.0.0.1:9", "ftp://127.0.0.1:9: the URL of the proxy is not valid: scheme ftp"),
        ("http://secret@127.0.0.1:9", "http://127.0.0.1:9: the URL of the proxy is not valid: username"),
        ("me:secret@127.0.0.1:9", "of the environment: the URL of the proxy is not valid: scheme"),
    ],
)
def test_a_proxy_that_prevents_a_connection_is_named(monkeypatch, server, proxy, text):
    monkeypatch.setenv("https_proxy", proxy)
    assert text in message_of(server)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("status", "text"), [(403, "HTTP 403;"), (407, "HTTP 407, so it needs a user and a password")]
)
def test_a_proxy_that_refuses(monkeypatch, refusing, server, status, text):
    port = refusing(status)
    monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{port}")
    assert f"http://127.0.0.1:{port}: the proxy answered {text}" in message_of(server)


@pytest.mark.parametrize("server", SERVERS)
def test_a_request_for_a_token_names_the_proxy(monkeypatch, refusing, server):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://me:secret@127.0.0.1:{refusing(407)}")
    monkeypatch.setenv("VIVAVOCE_BASE_URL", server)
    with pytest.raises(
        vivavoce.ConnectError, match=f"to {server} through the proxy http://127.* 407"
    ) as raised:
        vivavoce.RealtimeTranscriber.create_temporary_token(60, timeout=30)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("variables", "server", "found"),
    [
        ({"http_proxy": SECRET}, "ws://asr.example", SECRET),
        ({"http_proxy": SECRET}, "wss://asr.example", None),
        ({"https_proxy": "http://a", "http_proxy": SECRET}, "ws://asr.example", "http://a"),
        ({"socks_proxy": "http://a:1", "https_proxy": SECRET}, "wss://asr.example", "socks5h://a:1"),
        ({"https_proxy": SECRET, "no_proxy": "asr.example"}, "wss://asr.example", None),
        ({"https_proxy": SECRET}, "wss://localhost:8765", None),
        ({}, "wss://asr.example", None),
    ],
)
def test_which_proxy_a_connection_uses(monkeypatch, variables, server, found):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    proxy = Proxy.of_environment(Address.parse(server))
    assert (proxy and proxy.url) == found
