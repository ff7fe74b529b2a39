"""The bounds of a WebSocket under virtual time, with a transport that behaves."""

import asyncio
import logging

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode

from support import virtual_time
from vivavoce.server.bounded_socket import MAX_FRAGMENTS, STALL_S, FrameBudget
from vivavoce.server.http_protocol import WebSocketProtocol

HANDSHAKE = Headers(
    {
        "Host": "x",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
)


def frame(opcode, data=b"", *, fin=True):
    return Frame(opcode, data, fin=fin).serialize(mask=True)


class Pipe(asyncio.Transport):
    """A transport whose reading and writing can be paused."""

    def __init__(self):
        super().__init__()
        self.is_reading_now = True
        self.sent = bytearray()
        self.ended = None

    def get_extra_info(self, name, default=None):
        return ("192.0.2.7", 50_000) if name == "peername" else default

    def is_closing(self):
        return self.ended is not None

    def pause_reading(self):
        self.is_reading_now = False

    def resume_reading(self):
        self.is_reading_now = True

    def write(self, data):
        self.sent += data

    def close(self):
        self.ended = self.ended or "closed"

    def abort(self):
        self.ended = "aborted"

    @property
    def close_frame(self):
        """Code and reason of the close frame that was sent last."""
        at = self.sent.rindex(b"\x88")
        return int.from_bytes(self.sent[at + 2 : at + 4], "big"), self.sent[at + 4 :].decode()


class Application:
    """Accepts, takes messages when it may, and sends what it is told to."""

    def __init__(self):
        self.got = []
        self.may_take = asyncio.Event()
        self.may_take.set()
        self.replies = asyncio.Queue()
        self.pipe = Pipe()
        config = uvicorn.Config(self.run, interface="asgi3", lifespan="off", log_config=None)
        self.protocol = WebSocketProtocol(config, ServerState(), {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.pipe)
        self.protocol.begin("/", HANDSHAKE)

    async def run(self, scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await self.may_take.wait()
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            self.got.append(message["bytes"] if text is None else text)


def within(test):
    """Run ``test(application)`` under virtual time and return what it returns."""

    async def main():
        application = Application()
        await asyncio.sleep(0.01)  # the handshake
        try:
            return await test(application)
        finally:
            application.protocol.connection_lost(ConnectionResetError())
            application.may_take.set()
            await asyncio.sleep(0.01)

    return virtual_time.run(main())


MESSAGES = st.lists(
    st.tuples(st.one_of(st.binary(max_size=300), st.text(max_size=100)), st.integers(1, 4), st.booleans()),
    max_size=12,
)


@given(messages=MESSAGES, cuts=st.lists(st.integers(1, 900), min_size=1, max_size=8), waits=st.booleans())
def test_any_reads_give_the_same_messages(messages, cuts, waits):
    data = b""
    for content, n_parts, pings in messages:
        opcode = Opcode.TEXT if isinstance(content, str) else Opcode.BINARY
        raw = content.encode() if isinstance(content, str) else content
        size = len(raw) // n_parts + 1
        parts = [raw[at : at + size] for at in range(0, n_parts * size, size)]
        for index, part in enumerate(parts):
            data += frame(Opcode.CONT if index else opcode, part, fin=index == n_parts - 1)
            data += frame(Opcode.PING, b"?") if pings else b""

    async def test(application):
        left, index = data, 0
        while left:
            size = cuts[index % len(cuts)]
            application.protocol.data_received(left[:size])
            left, index = left[size:], index + 1
            if waits:
                await asyncio.sleep(0)
        await asyncio.sleep(1)
        assert application.pipe.ended is None
        assert application.pipe.is_reading_now
        return application.got

    assert within(test) == [content for content, _, _ in messages]


def test_what_the_application_does_not_take_is_not_read():
    async def test(application):
        application.may_take.clear()
        application.protocol.data_received(frame(Opcode.BINARY, b"a"))
        await asyncio.sleep(1)  # the application waited for this one
        application.protocol.data_received(b"".join(frame(Opcode.BINARY, b"b") for _ in range(20_000)))
        await asyncio.sleep(1)
        assert not application.pipe.is_reading_now
        n_queued = application.protocol.queue.qsize()
        assert 0 < n_queued < 2_000
        application.may_take.set()
        await asyncio.sleep(1)
        assert application.pipe.is_reading_now
        return len(application.got)

    assert within(test) == 20_001


def test_nothing_is_parsed_before_the_handshake_is_answered():
    async def main():
        application = Application()
        application.protocol.data_received(frame(Opcode.PING) + frame(Opcode.TEXT, b"\xff"))
        assert application.pipe.sent == b""
        await asyncio.sleep(1)
        assert application.pipe.sent.startswith(b"HTTP/1.1 101 ")
        assert application.pipe.close_frame == (1007, "text must be UTF-8")
        application.protocol.connection_lost(None)
        await asyncio.sleep(0)

    virtual_time.run(main())


def test_a_client_that_does_not_read_is_not_read_either_and_is_dropped_with_a_reason(caplog):
    caplog.set_level(logging.INFO)

    async def test(application):
        application.protocol.pause_writing()
        application.protocol.data_received(frame(Opcode.BINARY, b"a"))
        await asyncio.sleep(STALL_S - 1)
        assert not application.pipe.is_reading_now
        assert (application.got, application.pipe.ended) == ([], None)
        await asyncio.sleep(2)
        assert application.pipe.ended == "aborted"

    within(test)
    assert "client 192.0.2.7 dropped after 20 s: it took nothing" in caplog.text


def test_a_client_that_reads_again_stays():
    async def test(application):
        for _ in range(5):
            application.protocol.pause_writing()
            application.protocol.data_received(frame(Opcode.BINARY, b"a"))
            await asyncio.sleep(STALL_S - 1)
            application.protocol.resume_writing()
            await asyncio.sleep(0.1)
        assert application.pipe.ended is None
        return application.got

    assert within(test) == [b"a"] * 5


def test_a_message_to_a_client_that_was_refused_is_no_error():
    async def test(application):
        application.protocol.data_received(frame(Opcode.TEXT, b"\xff"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(ClientDisconnected):
            await application.protocol.send({"type": "websocket.send", "text": "late"})

    within(test)


def test_a_client_that_takes_no_end_is_dropped():
    async def test(application):
        application.protocol.data_received(frame(Opcode.CLOSE, b"\x03\xe8"))
        await asyncio.sleep(0.01)
        assert application.pipe.ended == "closed"  # once all is sent, which may be never
        await asyncio.sleep(60)
        return application.pipe.ended

    assert within(test) == "aborted"


def flood(*frames):
    async def test(application):
        for each in frames:
            if application.pipe.ended is None:
                application.protocol.data_received(each)
                await asyncio.sleep(0)
        await asyncio.sleep(1)
        return application.pipe.close_frame if application.pipe.ended else None

    return within(test)


def test_floods_of_frames_without_audio_are_refused():
    too_many = (1008, "too many pings, pongs or small fragments")
    begin = frame(Opcode.BINARY, fin=False)
    assert flood(*[frame(Opcode.PING, b"x" * 125)] * 1_100) == too_many
    assert flood(*[frame(Opcode.PONG)] * 1_100) == too_many
    assert flood(begin, *[frame(Opcode.CONT, fin=False)] * 1_100) == too_many
    fragments = flood(begin, *[frame(Opcode.CONT, bytes(200), fin=False)] * MAX_FRAGMENTS)
    assert fragments == (1008, "a message must have at most 1000 fragments")


def test_what_clients_send_is_within_the_bounds():
    pieces = [frame(Opcode.CONT, bytes(4_096), fin=False)] * 30
    message = [frame(Opcode.BINARY, bytes(4_096), fin=False), *pieces, frame(Opcode.CONT, b"end")]
    assert flood(*message * 50) is None
    assert flood(*[frame(Opcode.PING)] * 900) is None


def test_the_budget_refills():
    budget = FrameBudget()
    assert all(budget.spend(0.0) for _ in range(1_000))
    assert not budget.spend(0.0)
    assert all(budget.spend(1 + second) for second in range(100) for _ in range(99))
