"""Calls, notices and sockets between two processes; here both ends are in one."""

import asyncio
import contextlib
import socket

import pytest

from vivavoce.errors import ServerError
from vivavoce.server.workers.channel import Channel, ChannelClosed
from vivavoce.server.workers.handover import receive_socket, send_socket, socket_pair


@contextlib.asynccontextmanager
async def connected(here, there):
    """Two open channels with these handlers."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    channels = [Channel(handlers) for handlers in (here, there)]
    for channel, end in zip(channels, ends, strict=True):
        await channel.open(end)
    tasks = [asyncio.create_task(channel.run()) for channel in channels]
    try:
        yield channels
    finally:
        for channel in channels:
            channel.close()
        await asyncio.gather(*tasks)


def test_a_call_gets_what_its_handler_returns_and_calls_do_not_wait_for_each_other():
    async def scenario():
        may_answer = asyncio.Event()

        async def slow(text):
            await may_answer.wait()
            return [text, b"\x00"]

        async with connected({}, {"slow": slow, "fast": lambda a, b: a + b}) as (here, _):
            first = asyncio.create_task(here.call("slow", "x"))
            assert await here.call("fast", 1, 2) == 3
            may_answer.set()
            assert await first == ["x", b"\x00"]

    asyncio.run(scenario())


def test_messages_arrive_in_order_even_those_sent_before_the_other_end_is_open():
    async def scenario():
        seen = []
        here_end, there_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        here, there = Channel({}), Channel({"note": seen.append, "last": lambda: list(seen)})
        await here.open(here_end)
        for number in range(100):
            here.tell("note", number)
        await there.open(there_end)
        tasks = [asyncio.create_task(each.run()) for each in (here, there)]
        assert await here.call("last") == list(range(100))
        here.close()
        there.close()
        await asyncio.gather(*tasks)

    asyncio.run(scenario())


def test_both_ends_may_ask_while_they_are_asked():
    async def scenario():
        async with connected({}, {}) as (here, there):
            there._handlers["outer"] = lambda: there.call("inner")
            here._handlers["inner"] = lambda: "answer"
            assert await here.call("outer") == "answer"

    asyncio.run(scenario())


def test_a_call_fails_when_the_other_process_ends():
    async def scenario():
        async with connected({}, {"never": asyncio.Event().wait}) as (here, there):
            call = asyncio.create_task(here.call("never"))
            await asyncio.sleep(0)  # it is sent
            there.close()
            with pytest.raises(ChannelClosed):
                await call
            with pytest.raises(ChannelClosed):
                await here.call("never")
            here.tell("never")  # into the void

    asyncio.run(scenario())


def test_a_bug_in_a_handler_fails_its_call_and_nothing_else(caplog):
    async def scenario():
        async def late():
            await asyncio.sleep(0)
            raise KeyError("late")

        handlers = {"bad": lambda: 1 // 0, "late": late, "good": lambda: "fine"}
        async with connected({}, handlers) as (here, _):
            here.tell("bad")
            here.tell("unknown")
            for name in ("bad", "late", "unknown"):
                with pytest.raises(ServerError, match="another process of this server failed"):
                    await here.call(name)
            assert await here.call("good") == "fine"

    asyncio.run(scenario())
    assert "bad of another process failed: ZeroDivisionError" in caplog.text


def test_a_notice_of_a_process_that_has_no_event_loop_yet():
    async def scenario():
        seen = []
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        Channel.tell_once(theirs, "failed", "why")
        theirs.close()
        channel = Channel({"failed": seen.append})
        await channel.open(ours)
        await channel.run()
        assert seen == ["why"]

    asyncio.run(scenario())


def test_a_connection_arrives_with_its_note_and_works():
    here, there = socket_pair()
    client, served = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with here, there, client:
        assert receive_socket(there) is None
        for number in range(3):
            assert send_socket(here, (number, None if number else "too many"), served)
        served.close()
        for number in range(3):
            note, sock = receive_socket(there)
            assert note == [number, None if number else "too many"]
            with sock:
                sock.setblocking(True)
                sock.sendall(b"hello")
                assert client.recv(5) == b"hello"
        assert receive_socket(there) is None


def test_a_receiver_that_is_behind_or_gone_takes_nothing():
    here, there = socket_pair()
    with here, there, socket.socket() as sock:
        n_sent = 0
        while send_socket(here, n_sent, sock):
            n_sent += 1
        assert n_sent > 0
        received = receive_socket(there)
        assert received is not None
        received[1].close()
        there.close()
        assert not send_socket(here, 0, sock)
