"""Connections of a v3 session to simulated servers, without sockets."""

import asyncio
import json

from vivavoce.client.transport import ConnectionEnded

__all__ = [
    "BEGIN",
    "MINUTE",
    "TERMINATION",
    "WORD",
    "Connection",
    "Network",
    "echoes",
    "is_dead",
    "is_quick",
    "is_slow",
    "now",
    "turn",
]

MINUTE = bytes(60 * 32_000)
WORD = MINUTE[:3_200]  # 100 ms
BEGIN = {"type": "Begin", "id": "slow", "expires_at": 1_900_000_000}
TERMINATION = {"type": "Termination"}


def turn(text, *, end):
    return {"type": "Turn", "turn_order": 0, "end_of_turn": end, "transcript": text}


class Network:
    """Serves each connection of a session by one coroutine, which gets the connection."""

    def __init__(self, *servers, connection=None):
        self.servers = list(servers)
        self.connection = connection or Connection
        self.dialled_at = []

    async def __call__(self, url, headers, *, timeout_s, stall_s):
        self.dialled_at.append(now())
        server = self.servers[len(self.dialled_at) - 1]
        if isinstance(server, Exception):
            raise server
        connection = self.connection()
        connection.task = asyncio.create_task(server(connection))
        return connection


class Connection:
    """An end of a connection, with the methods of a transport and of a server."""

    begin = BEGIN

    def __init__(self):
        self.messages = asyncio.Queue()
        self.terminated = asyncio.Event()
        self.caught_up = asyncio.Event()  # all audio is decoded: pings are answered
        self.news = asyncio.Event()  # a message has come
        self.received = []
        if self.begin is not None:
            self.say(self.begin)

    def say(self, message):
        self.messages.put_nowait(json.dumps(message))

    def hang_up(self, code=1006):
        self.messages.put_nowait(code)

    async def send(self, message):
        self.received.append(message)
        self.news.set()
        if message == '{"type":"Terminate"}':
            self.terminated.set()

    async def receive(self):
        message = await self.messages.get()
        if isinstance(message, int):
            raise ConnectionEnded(message)
        return message

    async def ping(self):
        await self.caught_up.wait()

    async def close(self):
        self.abort()

    def abort(self):
        self.task.cancel()
        self.hang_up()


def now():
    return asyncio.get_running_loop().time()


async def is_slow(connection):
    """Decodes for two seconds after the end, with partials, and answers no ping."""
    await connection.terminated.wait()
    for number in range(10):
        await asyncio.sleep(0.2)
        connection.say(turn(f"{number}", end=False))
    connection.say(turn("All of it.", end=True))
    connection.say(TERMINATION)


async def is_quick(connection):
    connection.caught_up.set()
    await connection.terminated.wait()
    connection.say(turn("All of it.", end=True))
    connection.say(TERMINATION)


async def is_dead(connection):
    await asyncio.Event().wait()


async def echoes(connection):
    """Sends a turn with the number of messages so far, for each message, and the end when it is requested."""
    connection.caught_up.set()
    while not connection.terminated.is_set():
        await connection.news.wait()
        connection.news.clear()
        connection.say(turn(str(len(connection.received)), end=True))
    connection.say(TERMINATION)
