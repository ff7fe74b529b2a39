"""Receivers of webhooks that misbehave, on real sockets."""

import asyncio
import base64
import contextlib
import http.server
import socket
import socketserver
import threading

import pytest

from support.time_limit import HANG_S, time_limit
from vivavoce.protocol.events import Webhook
from vivavoce.server import webhooks
from vivavoce.server.webhooks import Deliveries, post


@pytest.fixture
def dripping():
    """A receiver that sends a byte of its answer now and then, forever."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                while not over.wait(0.02):
                    self.request.sendall(b"H")
            except OSError:
                self.server.ended.set()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as it:
        it.daemon_threads = True
        it.ended = threading.Event()
        threading.Thread(target=it.serve_forever, daemon=True).start()
        yield it
        over.set()
        it.shutdown()


def url_of(server):
    return f"http://127.0.0.1:{server.server_address[1]}/"


def test_an_answer_that_never_ends_ends_the_attempt(dripping, monkeypatch):
    monkeypatch.setattr(webhooks, "_TIMEOUT_S", 0.2)
    with pytest.raises(TimeoutError, match=r"no response within 0\.2 s"):
        post(Webhook(url_of(dripping)), b"{}", allow_private=True)
    assert dripping.ended.wait(HANG_S)


def test_an_encrypted_handshake_that_never_ends_ends_the_attempt(monkeypatch):
    monkeypatch.setattr(webhooks, "_TIMEOUT_S", 0.2)
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"\x16\x03\x03\x3f\xff")  # a record, byte by byte
            with contextlib.suppress(OSError):
                while not over.wait(0.02):
                    self.request.sendall(b"\0")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as it, time_limit(int(HANG_S)):
        it.daemon_threads = True
        threading.Thread(target=it.serve_forever, daemon=True).start()
        hook = Webhook(f"https://127.0.0.1:{it.server_address[1]}/")
        with pytest.raises(TimeoutError, match=r"no response within 0\.2 s"):
            post(hook, b"{}", allow_private=True)
        over.set()
        it.shutdown()


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch):
    limits = []
    connect = socket.create_connection

    def blocked(address, timeout):
        limits.append(timeout)
        if address[0] == "2001:db8::1":
            raise TimeoutError
        return connect(address, timeout)

    monkeypatch.setattr(socket, "create_connection", blocked)
    monkeypatch.setattr(webhooks, "public_addresses", lambda *_, **__: ["2001:db8::1", "127.0.0.1"])
    with answering() as (port, requests):
        assert post(Webhook(f"http://receiver.example:{port}/"), b"{}") == 200
    assert sum(limits) <= webhooks._TIMEOUT_S
    assert requests[0].headers["Host"] == f"receiver.example:{port}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_gets_the_name_and_the_password_of_its_address(scheme, monkeypatch):
    with answering(407) as (port, requests):
        monkeypatch.setenv(f"{scheme}_proxy", f"http://us%40er:p%3Ass@127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        hook = Webhook(f"{scheme}://receiver.example/", ("Authorization", "secret"))
        if scheme == "http":
            assert post(hook, b"{}") == 407
        else:
            with pytest.raises(OSError, match="the proxy answers HTTP 407"):
                post(hook, b"{}")
    (request,) = requests
    assert request.path == {"http": "http://receiver.example:80/", "https": "receiver.example:443"}[scheme]
    assert request.headers["Proxy-Authorization"] == "Basic " + base64.b64encode(b"us@er:p:ss").decode()
    assert ("Authorization" in request.headers) == (scheme == "http")  # a tunnel hides it


@contextlib.contextmanager
def answering(status=200):
    """A receiver, or a proxy, that gives every request this status: its port, and what it got."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            requests.append(self)
            self.send_response(status)
            self.end_headers()

        def do_CONNECT(self):
            self.do_POST()

        def log_message(self, *_):
            pass

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as it:
        threading.Thread(target=it.serve_forever, daemon=True).start()
        yield it.server_address[1], requests
        it.shutdown()


def test_a_receiver_that_never_answers_does_not_keep_a_loop_from_ending():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hook = Webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/")

        async def main():
            deliveries = Deliveries(lambda webhook, body: post(webhook, body, allow_private=True))
            deliveries.add(hook, "id", [])
            peer, _ = await asyncio.to_thread(silent.accept)
            deliveries.cancel()
            await deliveries.wait(HANG_S)
            return peer

        with asyncio.run(main()):
            (waiting,) = [it for it in threading.enumerate() if it.name == "vivavoce-webhook"]
            assert waiting.daemon
        waiting.join(HANG_S)


def test_private_addresses_are_not_reached(dripping):
    with pytest.raises(OSError, match=r"not of the public Internet"):
        post(Webhook(url_of(dripping)), b"{}")


def test_slow_receivers_do_not_block_the_others(dripping, monkeypatch):
    """The slots are free again after each attempt, however many of them a receiver drags out."""
    monkeypatch.setattr(webhooks, "_TIMEOUT_S", 0.1)
    monkeypatch.setattr(webhooks, "_AT_ONCE", 2)
    got = threading.Event()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.set()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with socketserver.TCPServer(("127.0.0.1", 0), Receiver) as good:
        threading.Thread(target=good.serve_forever, daemon=True).start()

        async def main():
            deliveries = Deliveries(lambda webhook, body: post(webhook, body, allow_private=True))
            for _ in range(8):
                deliveries.add(Webhook(url_of(dripping)), "slow", [])
            deliveries.add(Webhook(url_of(good)), "good", [])
            assert await asyncio.to_thread(got.wait, HANG_S)
            deliveries.cancel()

        asyncio.run(main())
        good.shutdown()
