"""The sessions of `connect()` and `connect_async()`, against our server with a scripted engine."""

import asyncio
import inspect
import json
import threading
from pathlib import Path

import numpy as np
import pytest

import vivavoce
from support.isolation import clean_environment, limit  # noqa: F401  - applied to each test
from support.scripted_engine import pcm, silence, speech
from support.scripted_server import Close, ExpectAudio, Listen, ScriptedServer, Send
from support.servers import scripted_server
from support.time_limit import HANG_S, wait_until
from support.v3_scripts import BEGIN, GOOD_END, TERMINATION, turn
from vivavoce.client.send_queue import MAX_BACKLOG

RATE = 16_000
CHUNK = bytes(3_200)  # 100 ms
ROOT = Path(__file__).parents[2]
SOUND = np.concatenate([silence(6), speech(0, 1), silence(45), speech(3, 4), silence(45)])
SAID = ["Alpha bravo.", "delta echo?"]


@pytest.fixture(scope="module")
def engine():
    with scripted_server(max_lead_s=None) as server:
        yield server


def finals(turns):
    return [turn.text for turn in turns if turn.end_of_turn]


@pytest.mark.parametrize(
    "source",
    [
        pcm(SOUND),
        bytearray(pcm(SOUND)),
        memoryview(pcm(SOUND)),
        SOUND,
        SOUND.astype(float),
        (SOUND * 32_767).astype(np.int16),
        [SOUND[at : at + 37] for at in range(0, len(SOUND), 37)],
        [pcm(SOUND)[at : at + 1_001] for at in range(0, 2 * len(SOUND), 1_001)],
    ],
    ids=["bytes", "bytearray", "memoryview", "float32", "float64", "int16", "2 ms", "odd bytes"],
)
def test_any_kind_of_audio_gives_the_same_turns(engine, source):
    with vivavoce.connect(url=engine.base_url) as session:
        assert finals(session.transcribe(source)) == SAID

    async def talk():
        async with vivavoce.connect_async(url=engine.base_url) as session:
            return [turn async for turn in session.transcribe(source)]

    assert finals(asyncio.run(talk())) == SAID


def test_an_asynchronous_source(engine):
    async def source():
        for at in range(0, len(SOUND), 1_600):
            yield SOUND[at : at + 1_600]
            await asyncio.sleep(0)

    async def talk():
        session = await vivavoce.connect_async(url=engine.base_url, partials=False)
        async with session:
            await session.send(source())
            await session.close()
            return [turn async for turn in session]

    turns = asyncio.run(talk())
    assert finals(turns) == [turn.text for turn in turns] == SAID
    with vivavoce.connect(url=engine.base_url) as session, pytest.raises(TypeError, match="connect_async"):
        session.send(source())


def test_closing_keeps_the_last_words(engine):
    session = vivavoce.connect(url=engine.base_url)
    assert session.is_open
    assert session.began.id
    session.send(pcm(np.concatenate([silence(6), speech(5, 6)])))
    session.close()
    session.close()
    assert not session.is_open
    assert (session.closed.code, session.closed.reason) == (1000, "")
    assert finals(session) == ["Foxtrot golf!"]
    with pytest.raises(vivavoce.RealtimeError, match="closed"):
        session.send(b"ab")


def test_a_program_can_force_turns_and_change_settings(engine):
    with vivavoce.connect(url=engine.base_url, format_turns=False) as session:
        session.send(pcm(np.concatenate([silence(6), speech(5)])))
        session.force_endpoint()
        assert next(turn for turn in session if turn.end_of_turn).text == "foxtrot"
        session.update(format_turns=True, max_turn_silence=500)
        session.keep_alive()
        session.send(pcm(speech(6)))
        session.force_endpoint()
        assert next(turn for turn in session if turn.end_of_turn).text == "golf!"
        with pytest.raises(vivavoce.ConfigurationError, match="unknown option: silence"):
            session.update(silence=3)


def test_the_sdk_has_the_extensions_of_our_server(engine):
    left, right = np.concatenate([speech(0, 1), silence(60)]), np.concatenate([silence(20), speech(3, 4)])
    stereo = np.zeros((max(len(left), len(right)), 2), np.float32)
    stereo[: len(left), 0], stereo[: len(right), 1] = left, right
    options = {"channels": 2, "partials_ms": 500, "speech_model": "universal-3-6-pro"}
    with vivavoce.connect(url=engine.base_url, **options) as session:
        session.update(mode="max_accuracy", partials_ms=300)
        session.send(stereo.reshape(-1))
        session.end()
        events = list(session.events())
    finals = [(it.channel, it.turn_order, it.text) for it in events if it.type == "Turn" and it.end_of_turn]
    assert sorted(finals) == [(0, 0, "Alpha bravo."), (1, 0, "delta echo?")]
    starts = [event for event in events if event.type == "SpeechStarted"]
    assert sorted(start.channel for start in starts) == [0, 1]
    assert all(0.5 < start.confidence <= 1 for start in starts)
    assert session.began.configuration.redact_pii is False
    assert session.closed.code == 1000


def test_the_iteration_raises_the_exception_of_the_source(engine):
    def source():
        yield pcm(SOUND)
        raise LookupError("unplugged")

    turns = []
    with vivavoce.connect(url=engine.base_url) as session, pytest.raises(LookupError, match="unplugged"):
        turns += session.transcribe(source())
    assert finals(turns) == SAID

    async def talk():
        async with vivavoce.connect_async(url=engine.base_url) as session:
            async for _ in session.transcribe(source()):
                pass

    with pytest.raises(LookupError, match="unplugged"):
        asyncio.run(talk())


@pytest.mark.parametrize("short", [True, False])
def test_the_iteration_raises_the_failure(short):
    bad = [BEGIN, ExpectAudio(1), Send({"error": "it broke"}), Close(3006, "bad")]
    with ScriptedServer(bad, bad) as server:

        def wait():
            with vivavoce.connect(url=server.url) as session:
                for _ in session.transcribe([CHUNK] * (1 if short else 100_000)):
                    pass

        with pytest.raises(vivavoce.RealtimeError, match="it broke"):
            wait()

        async def talk():
            async with vivavoce.connect_async(url=server.url) as session:
                async for _ in session.transcribe([CHUNK] * (1 if short else 100_000)):
                    pass

        with pytest.raises(vivavoce.RealtimeError, match="it broke"):
            asyncio.run(talk())


def test_leaving_by_an_exception_does_not_wait():
    with ScriptedServer([BEGIN, Listen()], [BEGIN, Listen()]) as server:
        for_ever = {"close_timeout_s": 3_600.0}
        with pytest.raises(ZeroDivisionError), vivavoce.connect(url=server.url, **for_ever):
            raise ZeroDivisionError

        async def talk():
            async with vivavoce.connect_async(url=server.url, **for_ever):
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            asyncio.run(talk())
    assert [seen.texts for seen in server.seen] == [[], []]


def test_a_cancelled_task_leaves_nothing_behind():
    with ScriptedServer([BEGIN, Listen()]) as server:

        async def talk(began):
            async with vivavoce.connect_async(url=server.url) as session:
                began.set()
                async for _ in session:
                    pass

        async def main():
            began = asyncio.Event()
            task = asyncio.create_task(talk(began))
            await began.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(main())


def test_sending_waits_while_the_network_is_slow():
    released = threading.Event()
    from support.scripted_server import Stall

    with ScriptedServer([BEGIN, Stall(released), *GOOD_END]) as server:
        with vivavoce.connect(url=server.url, reconnect=None) as session:
            waiting = []  # messages in the queue whenever more audio is read

            def source():
                for _ in range(2_000):
                    waiting.append(len(session._core._outgoing))
                    yield bytes(32_000)  # 1 s

            sender = threading.Thread(target=lambda: session.send(source()))
            sender.start()
            wait_until(lambda: session._core.is_full, "a full queue")
            assert sender.is_alive(), "it waits"
            released.set()
            sender.join(HANG_S)
            assert len(waiting) == 2_000
            assert max(waiting) < MAX_BACKLOG + 20  # messages of a piece
        assert len(server.seen[0].audio) == 2_000 * 32_000


def test_both_kinds_of_session_have_the_same_names():
    names = {
        front: {name for name in dir(front) if not name.startswith("_")}
        for front in (vivavoce.Session, vivavoce.AsyncSession)
    }
    assert names[vivavoce.Session] == names[vivavoce.AsyncSession]
    for name in names[vivavoce.Session]:
        ours, theirs = (getattr(front, name) for front in names)
        if callable(ours):
            assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters), (
                name
            )
    connects = [inspect.signature(each) for each in (vivavoce.connect, vivavoce.connect_async)]
    assert connects[0].parameters == connects[1].parameters


def test_a_custom_transport():
    """What docs/how-to shows: anything with four methods can stand in for the network."""
    from vivavoce.client.transport import ConnectionEnded

    class Memory:
        def __init__(self):
            self.sent = []
            self.answers = asyncio.Queue()
            self.answers.put_nowait(json.dumps(BEGIN.message))

        async def send(self, message):
            self.sent.append(message)
            if message == '{"type":"Terminate"}':
                self.answers.put_nowait(json.dumps(turn("Hello.", ended=True).message))
                self.answers.put_nowait(json.dumps(TERMINATION.message))

        async def receive(self):
            answer = await self.answers.get()
            if answer is None:
                raise ConnectionEnded
            return answer

        async def close(self):
            self.answers.put_nowait(None)

        def abort(self):
            pass

    opened = []

    async def transport(url, headers, *, timeout_s, stall_s):
        opened.append((url, Memory()))
        return opened[-1][1]

    with vivavoce.connect(url="wss://nowhere.example", transport=transport) as session:
        assert finals(session.transcribe(CHUNK)) == ["Hello."]
    ((url, memory),) = opened
    assert url.startswith("wss://nowhere.example/v3/ws?")
    assert b"".join(message for message in memory.sent if isinstance(message, bytes)) == CHUNK
