"""The short interface for asyncio, under virtual time."""

import asyncio
import os

import pytest

import vivavoce
from support import virtual_time
from support.simulated_network import WORD, Connection, Network, echoes, is_dead, is_quick, now


def connect(*servers, connection=Connection, reconnect=None, **options):
    network = Network(*servers, connection=connection)
    return vivavoce.connect_async(transport=network, reconnect=reconnect, **options)


def run(function):
    return virtual_time.run(function())


async def texts(turns):
    return [turn.transcript async for turn in turns if turn.end_of_turn]


async def words():
    for _ in range(3):
        await asyncio.sleep(0.1)
        yield WORD


@pytest.mark.parametrize(
    "source", [lambda: WORD, lambda: [WORD] * 2, words], ids=["bytes", "list", "generator"]
)
def test_turns_of_a_source(source):
    async def main():
        async with connect(is_quick) as session:
            assert session.is_open
            assert session.began.id == "slow"
            turns = await texts(session.transcribe(source()))
            assert session.closed.code == 1000
            return turns

    assert run(main) == ["All of it."]


def test_the_exception_of_a_source_is_raised_after_the_last_turn():
    async def source():
        yield WORD
        raise OSError("unplugged")

    async def main():
        async with connect(is_quick) as session:
            turns = session.transcribe(source())
            assert (await anext(turns)).transcript == "All of it."
            with pytest.raises(OSError, match="unplugged"):
                await anext(turns)

    run(main)


def test_the_error_of_a_session_is_raised_once_by_its_iteration():
    async def fails(connection):
        await connection.news.wait()
        connection.say({"type": "Error", "error_code": 3005, "error": "it broke"})
        connection.hang_up(3005)

    async def endless():
        while True:
            yield WORD
            await asyncio.sleep(0.1)

    async def main():
        session = await connect(fails)
        with pytest.raises(vivavoce.RealtimeError, match="it broke"):
            await texts(session.transcribe(endless()))
        await session.close()
        with pytest.raises(vivavoce.RealtimeError, match="it broke"):
            await session.send(WORD)

    run(main)


def test_an_iteration_that_is_left_ends_the_session():
    async def main():
        session = await connect(echoes)
        turns = session.transcribe(words())
        await anext(turns)
        await turns.aclose()
        await session.wait()
        return session.closed.code

    assert run(main) == 1000


def test_leaving_the_block_by_an_exception_waits_for_no_turn():
    async def main():
        with pytest.raises(KeyError):
            async with connect(is_dead, close_timeout_s=60.0):
                raise KeyError
        return now()

    assert run(main) < 2


def test_controls_are_sent():
    async def main():
        async with connect(echoes) as session:
            await session.update(max_turn_silence=800)
            await session.keep_alive()
            await session.force_endpoint()
            *_, last = await texts(session.transcribe([]))
            return last

    assert run(main) == "4"


def test_a_source_is_left_when_another_task_closes_the_session():
    async def main():
        session = await connect(is_quick)

        async def endless():
            while True:
                yield WORD
                await asyncio.sleep(0.1)

        sending = asyncio.create_task(session.send(endless()))
        await asyncio.sleep(1.0)
        await session.close()
        await sending
        assert session.closed.code == 1000

    run(main)


def test_what_is_not_audio_is_refused():
    async def main():
        async with connect(is_quick) as session:
            with pytest.raises(TypeError, match="int"):
                await session.send(7)

    run(main)


def test_a_wait_for_an_event_is_bounded():
    async def main():
        session = await connect(is_dead)
        assert (await session.next_event()).type == "Begin"
        with pytest.raises(TimeoutError):
            await session.next_event(5.0)
        assert now() == pytest.approx(5.0)
        await session.drop()
        assert (await session.next_event()).type == "Closed"
        assert await session.next_event() is None

    run(main)


def test_an_exception_of_the_transport_is_raised_by_connect():
    async def main():
        with pytest.raises(ValueError, match="mine"):
            await connect(ValueError("mine"))

    run(main)


@pytest.mark.parametrize("method", ["send", "receive", "ping"])
def test_an_exception_of_an_open_connection_is_the_error_of_the_session(method):
    async def raises(connection, *_):
        if method == "receive" and not connection.messages.empty():
            return await Connection.receive(connection)
        await asyncio.sleep(1.0)
        raise ValueError("mine")

    async def main():
        session = await connect(is_dead, connection=type("Broken", (Connection,), {method: raises}))
        await session.send(WORD)
        with pytest.raises(vivavoce.RealtimeError, match=r"the session broke: ValueError\('mine'\)"):
            await texts(session)
        with pytest.raises(ValueError, match="mine"):
            await session.close()
        return now()

    assert run(main) == pytest.approx(21.0 if method == "ping" else 1.0)


def test_a_session_that_was_never_opened_is_left_in_peace():
    async def main():
        with pytest.raises(vivavoce.ConnectError):
            async with connect(vivavoce.ConnectError("no server")):
                raise AssertionError

    run(main)


def test_a_session_belongs_to_the_process_that_opened_it(monkeypatch):
    async def main():
        session, owner = await connect(is_dead), os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: owner + 1)
        for call in (lambda: session.send(WORD), session.force_endpoint, session.next_event):
            with pytest.raises(vivavoce.RealtimeError, match=f"belongs to process {owner}"):
                await call()
        for call in (session.end, session.wait, session.drop):
            await call()
        monkeypatch.undo()
        assert session.is_open
        await session.drop()

    run(main)
