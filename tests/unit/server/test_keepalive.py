"""The server's keepalive under virtual time: slow links and busy sessions live, dead clients do not."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.frames import Opcode
from websockets.uri import parse_uri

from support import virtual_time
from vivavoce.server.http_protocol import WebSocketProtocol

CHUNK = bytes(3_200)  # 100 ms


def now():
    return asyncio.get_running_loop().time()


class Link(asyncio.Transport):
    """The server's transport, and the client at its other end; its bytes arrive at a limited rate."""

    def __init__(self, bytes_per_s, *, answers=True):
        super().__init__()
        self._bytes_per_s = bytes_per_s
        self._answers = answers
        self._queued = bytearray()
        self._can_read = asyncio.Event()
        self._can_read.set()
        self.is_over = False  # the test is
        self.closed_at = None
        self.code = None
        self.client = ClientProtocol(parse_uri("ws://server/"))
        self.received = 0  # messages that the application took
        self.takes = asyncio.Event()
        self.takes.set()
        config = uvicorn.Config(self.application, interface="asgi3", lifespan="off", log_config=None)
        self.protocol = WebSocketProtocol(config, ServerState(), {}, asyncio.get_running_loop())
        self.protocol.connection_made(self)
        self.client.send_request(self.client.connect())
        (request,) = self.client.data_to_send()
        self.protocol.begin("/", _headers(request))

    async def application(self, scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            self.received += 1
            await self.takes.wait()

    def get_extra_info(self, name, default=None):
        return default

    def is_closing(self):
        return self.closed_at is not None

    def close(self):
        if self.closed_at is None and not self.is_over:
            self.closed_at = now()

    def pause_reading(self):
        self._can_read.clear()

    def resume_reading(self):
        self._can_read.set()

    def write(self, data):
        self.client.receive_data(data)
        for frame in self.client.events_received():
            if getattr(frame, "opcode", None) is Opcode.CLOSE:
                self.code = int.from_bytes(frame.data[:2], "big")
        if self._answers:
            self._queued += b"".join(self.client.data_to_send())

    def speak(self):
        self.client.send_binary(CHUNK)
        self._queued += b"".join(self.client.data_to_send())

    async def deliver(self):
        while self.closed_at is None:
            await asyncio.sleep(0.05)
            await self._can_read.wait()
            size = int(self._bytes_per_s * 0.05)
            data = bytes(self._queued[:size])
            del self._queued[:size]
            if data:
                self.protocol.data_received(data)


def _headers(request):
    lines = request.decode().split("\r\n")[1:]
    return Headers([tuple(line.split(": ", 1)) for line in lines if line])


def run(bytes_per_s, speak, **options):
    """Run ``speak(link)`` and return the link."""

    async def main():
        link = Link(bytes_per_s, **options)
        delivery = asyncio.create_task(link.deliver())
        await asyncio.sleep(0.01)  # the handshake
        await speak(link)
        delivery.cancel()
        link.is_over = True
        link.protocol.connection_lost(ConnectionResetError())
        await asyncio.sleep(0)
        return link

    return virtual_time.run(main())


async def talk(link, duration_s):
    for _ in range(round(duration_s / 0.1)):
        link.speak()
        await asyncio.sleep(0.1)


def test_a_link_slower_than_the_audio_is_not_taken_for_lost():
    link = run(20_000, lambda link: talk(link, 600))
    assert (link.closed_at, link.code) == (None, None)
    assert link.received == pytest.approx(600 * 20_000 / len(CHUNK), rel=0.02)


def test_a_client_that_is_silent_and_answers_stays():
    link = run(20_000, lambda _: asyncio.sleep(600))
    assert link.closed_at is None


def test_a_client_from_which_nothing_comes_is_gone():
    link = run(20_000, lambda _: asyncio.sleep(600), answers=False)
    assert (link.closed_at, link.code) == (pytest.approx(40), 1011)


def test_a_client_that_goes_in_mid_speech_is_gone_a_while_after_its_last_audio():
    async def speak(link):
        await talk(link, 70)
        link._answers = False
        await asyncio.sleep(600)

    link = run(64_000, speak)
    assert link.code == 1011
    assert 90 < link.closed_at <= 70 + 40 + 1


def test_a_client_is_not_blamed_while_the_server_does_not_read():
    async def speak(link):
        await talk(link, 5)
        link.takes.clear()
        await talk(link, 300)
        assert link.closed_at is None
        link.takes.set()
        await asyncio.sleep(200)

    link = run(64_000, speak)
    assert link.closed_at is None
    assert link.received == 3_050


def test_a_client_that_went_while_the_server_did_not_read_is_noticed():
    async def speak(link):
        await talk(link, 5)
        link.takes.clear()
        await talk(link, 60)
        link._answers = False
        link.takes.set()
        await asyncio.sleep(200)

    link = run(64_000, speak)
    assert link.code == 1011
