"""The front without asyncio: its thread ends whatever the server and the transport do.

How long each wait takes is tested under virtual time, in ``tests/unit/client/test_runner.py``.
"""

import asyncio
import json
import threading

import pytest

import vivavoce
from vivavoce.client.transport import ConnectionEnded

MINUTE = bytes(60 * 32_000)
WORD = MINUTE[:3_200]
BEGIN = {"type": "Begin", "id": "slow", "expires_at": 1_900_000_000}
HANG_S = 30  # far beyond any wait: a session that takes longer hangs


class Connection:
    """A connection to a server that begins a session and then never sends, nor answers a ping."""

    def __init__(self):
        self.messages = asyncio.Queue()
        self.messages.put_nowait(json.dumps(BEGIN))

    async def send(self, message):
        pass

    async def receive(self):
        message = await self.messages.get()
        if message is None:
            raise ConnectionEnded
        return message

    async def ping(self):
        await asyncio.Event().wait()

    async def close(self):
        self.abort()

    def abort(self):
        self.messages.put_nowait(None)


class Deaf(Connection):
    """Its ``receive`` continues to wait after ``abort``."""

    async def receive(self):
        while True:
            message = await self.messages.get()
            if message is not None:
                return message


class Network:
    def __init__(self, *kinds):
        self.kinds = list(kinds)
        self.connections = 0

    async def __call__(self, url, headers, *, timeout_s, stall_s):
        self.connections += 1
        return self.kinds[self.connections - 1]()


def within_limit(function):
    """Run a function in a thread that must end."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(HANG_S)
    assert not thread.is_alive()


@pytest.mark.parametrize("kind", [Connection, Deaf])
@pytest.mark.parametrize("audio", [b"", WORD, MINUTE], ids=["nothing", "a word", "a minute"])
def test_closing_gives_up_on_a_silent_server(kind, audio):
    session = vivavoce.connect(transport=Network(kind), reconnect=None, close_timeout_s=0.2)
    session.send(audio)
    errors = []

    def close():
        try:
            session.close()
        except vivavoce.RealtimeError as error:
            errors.append(error)

    within_limit(close)
    assert "did not end the session within 0.2 s" in str(errors[0])
    assert session.closed.code == 1006
    session._thread.join(HANG_S)
    assert not session._thread.is_alive()


def test_a_server_that_does_not_respond_to_a_speaker_is_replaced():
    network = Network(Connection, Connection)
    keep = vivavoce.Reconnect(first_delay_s=0.01, stall_s=0.2)
    session = vivavoce.connect(transport=network, reconnect=keep)
    session.send(WORD)
    assert [session.next_event(HANG_S).type for _ in range(3)] == ["Begin", "Reconnecting", "Reconnected"]
    within_limit(session.drop)
    assert network.connections == 2


def test_a_wait_for_an_event_is_bounded():
    session = vivavoce.connect(transport=Network(Connection), reconnect=None)
    assert session.next_event(HANG_S).type == "Begin"
    with pytest.raises(TimeoutError):
        session.next_event(0.01)
    session.drop()
    assert session.next_event(HANG_S).type == "Closed"
    assert session.next_event() is None
