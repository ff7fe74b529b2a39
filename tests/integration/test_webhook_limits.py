"""Receivers of webhooks that misbehave, on real sockets."""

import asyncio
import http.server
import socket
import socketserver
import threading

import pytest

from support.time_limit import HANG_S
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
