"""Servers that take their time: what is slow is waited for, what is dead is not."""

import asyncio
import json
import time

import pytest

import vivavoce
from vivavoce.client.transport import ConnectionEnded

MINUTE = bytes(60 * 32_000)
BEGIN = {"type": "Begin", "id": "slow", "expires_at": 1_900_000_000}
TERMINATION = {"type": "Termination"}


def turn(text, *, end):
    return {"type": "Turn", "turn_order": 0, "end_of_turn": end, "transcript": text}


class Network:
    """Servers of one session, one for each connection; each is a coroutine that gets the connection."""

    def __init__(self, *servers):
        self.servers = list(servers)
        self.connections = 0

    async def __call__(self, url, headers, *, timeout_s, stall_s):
        connection = Connection()
        connection.task = asyncio.create_task(self.servers[self.connections](connection))
        self.connections += 1
        return connection


class Connection:
    def __init__(self):
        self.messages = asyncio.Queue()
        self.ended = asyncio.Event()
        self.heard = asyncio.Event()  # all that was sent
        self.say(BEGIN)

    def say(self, message):
        self.messages.put_nowait(json.dumps(message))

    async def send(self, message):
        if message == '{"type":"Terminate"}':
            self.ended.set()

    async def receive(self):
        message = await self.messages.get()
        if message is None:
            raise ConnectionEnded
        return message

    async def ping(self):
        await self.heard.wait()

    async def close(self):
        self.abort()

    def abort(self):
        self.task.cancel()
        self.messages.put_nowait(None)


async def thinks_aloud(connection):
    """Hears a recording for two seconds and says what it has got so far."""
    await connection.ended.wait()
    for number in range(10):
        await asyncio.sleep(0.2)
        connection.say(turn(f"{number}", end=False))
    connection.say(turn("All of it.", end=True))
    connection.say(TERMINATION)


async def answers(connection):
    connection.heard.set()
    await connection.ended.wait()
    connection.say(turn("All of it.", end=True))
    connection.say(TERMINATION)


async def is_dead(connection):
    await asyncio.Event().wait()


def told(session):
    return [event.type for event in session.events()]


KEEP = vivavoce.Reconnect(first_delay_s=0.01, stall_s=0.2)


@pytest.mark.parametrize("reconnect", [None, KEEP], ids=["once", "kept"])
def test_a_server_that_is_busy_with_a_recording_is_not_taken_for_dead(reconnect):
    network = Network(thinks_aloud)
    with vivavoce.connect(transport=network, reconnect=reconnect, close_timeout_s=0.4) as session:
        session.send(MINUTE)
        session.end()
        assert [turn.transcript for turn in session if turn.end_of_turn] == ["All of it."]
    assert network.connections == 1


def test_a_server_that_gives_no_sign_of_life_to_somebody_who_speaks_is_dead():
    network = Network(is_dead, answers)
    with vivavoce.connect(transport=network, reconnect=KEEP) as session:
        session.send(MINUTE[:3_200])
        assert session.next_event(2).type == "Begin"
        assert [session.next_event(2).type for _ in range(2)] == ["Reconnecting", "Reconnected"]
        session.end()
        assert told(session) == ["Turn", "Termination", "Closed"]


def test_a_connection_that_goes_on_waiting_when_it_is_cut_off_holds_nothing_up():
    class Deaf(Connection):
        async def receive(self):
            while True:
                message = await self.messages.get()
                if message is not None:
                    return message

    async def network(url, headers, *, timeout_s, stall_s):
        connection = Deaf()
        connection.task = asyncio.create_task(is_dead(connection))
        return connection

    session = vivavoce.connect(transport=network, reconnect=None, close_timeout_s=0.2)
    began = time.monotonic()
    with pytest.raises(vivavoce.RealtimeError, match="did not end"):
        session.close()
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("sound", [b"", MINUTE[:3_200], MINUTE], ids=["nothing", "a word", "a minute"])
def test_a_server_that_says_nothing_any_more_is_waited_for_in_bounds(sound):
    session = vivavoce.connect(transport=Network(is_dead), reconnect=None, close_timeout_s=0.3)
    session.send(sound)
    began = time.monotonic()
    with pytest.raises(vivavoce.RealtimeError, match=r"did not end the session within 0\.3 s"):
        session.close()
    assert time.monotonic() - began < 3
    assert session.closed.code == 1006


def test_a_server_that_never_comes_to_an_end_is_waited_for_in_bounds():
    async def goes_on_and_on(connection):
        while True:
            await asyncio.sleep(0.02)
            connection.say(turn("and", end=False))

    session = vivavoce.connect(transport=Network(goes_on_and_on), reconnect=None, close_timeout_s=0.3)
    session.send(MINUTE[:16_000])
    began = time.monotonic()
    with pytest.raises(vivavoce.RealtimeError, match="did not end"):
        session.close()
    assert time.monotonic() - began < 4
