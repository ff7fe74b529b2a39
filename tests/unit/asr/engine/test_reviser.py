"""A second recogniser beside the engine: when it runs, is late, and fails."""

import asyncio
import dataclasses
import threading
from types import SimpleNamespace

import pytest

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from support.sessions import LIMITS
from vivavoce.asr.engine import Engine, EngineState
from vivavoce.asr.session import Channels
from vivavoce.errors import EngineError, ModelError
from vivavoce.protocol.events import Audio, SessionOptions, Terminate, TurnUpdated
from vivavoce.types import Failure

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Loud(ScriptedRecogniser):
    """Writes in capitals; waits for a gate, and fails on request."""

    def __init__(self, *, gate=None, fails=False):
        super().__init__()
        self._open = gate
        self.fails = fails

    def recognise(self, spans):
        if self._open is not None and len(self.calls) >= 2:  # it is warm
            self._open.wait(60)
        if self.fails and len(self.calls) >= 2:
            raise EngineError("out of memory")
        return [
            dataclasses.replace(
                it, words=tuple(dataclasses.replace(word, text=word.text.upper()) for word in it.words)
            )
            for it in super().recognise(spans)
        ]


def an_engine(reviser, **options):
    engine = Engine(
        recogniser=ScriptedRecogniser,
        detector=ScriptedDetector,
        reviser=lambda: reviser,
        workers=1,
        **options,
    )
    engine.start()
    return engine


async def finals(engine, *indices, tuning=None, **options):
    options = SessionOptions(16_000, **options)
    stream = Channels("id", options, LIMITS, now=0.0, unix_now=0.0, tuning=tuning or engine.tuning)
    news = asyncio.Event()
    served = engine.join(stream, news.set)
    served.receive(Audio(pcm([*speech(*indices), *silence(60)])), 0.0)
    served.receive(Terminate(), 0.0)
    async with asyncio.timeout(60):
        while not stream.is_over:
            news.clear()
            await news.wait()
    served.leave()
    return [it.text for it in stream.take_events() if isinstance(it, TurnUpdated) and it.ended]


async def test_finals_come_from_the_second_recogniser():
    engine = an_engine(Loud())
    await engine.wait_loaded()
    found = await asyncio.gather(*(finals(engine, index) for index in range(4)))
    assert found == [["ALPHA"], ["BRAVO."], ["CHARLIE,"], ["DELTA"]]
    assert engine.stats.passes["revision"] == 4
    assert engine.stats.late_revisions == 0
    assert engine.stats.revise_s > 0
    await engine.stop()


async def test_a_second_recogniser_that_is_late_is_done_without():
    gate = threading.Event()
    engine = an_engine(Loud(gate=gate), revision_limit_s=0.01)
    await engine.wait_loaded()
    engine._reviser._thread.submit(gate.wait)
    assert await finals(engine, 0) == ["Alpha"]
    assert engine.stats.late_revisions == 1
    gate.set()
    await engine.stop()


async def test_one_that_fails_leaves_the_first_alone(caplog):
    engine = an_engine(Loud(fails=True))
    await engine.wait_loaded()
    engine._reviser._limit_s = 60.0  # not because it is late
    assert await finals(engine, 0) == ["Alpha"]
    assert await finals(engine, 1) == ["bravo."]
    assert engine.state is EngineState.READY
    assert "finals come from the first model from now on: out of memory" in caplog.text
    await engine.stop()


async def test_one_that_cant_be_loaded_is_an_error_at_start():
    def missing():
        raise ModelError("the folder has no model.bin")

    engine = Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector, reviser=missing)
    engine.start()
    with pytest.raises(EngineError, match=r"the folder has no model\.bin"):
        await engine.wait_loaded()
    await engine.stop()


def loading(*, fails=False):
    """An engine that serves while its second recogniser waits for a gate, and that gate."""
    gate = threading.Event()

    def load():
        gate.wait(60)
        if fails:
            raise ModelError("the folder has no model.bin")
        return Loud()

    engine = Engine(
        recogniser=ScriptedRecogniser, detector=ScriptedDetector, reviser=load, workers=1,
        revision_limit_s=60.0,
    )  # fmt: skip
    engine.start()
    return engine, gate


async def test_sessions_are_served_while_the_second_recogniser_loads():
    engine, gate = loading()
    assert await finals(engine, 0) == ["Alpha"]  # at once: the limit is a minute
    assert engine.state is EngineState.LOADING
    assert engine.stats.late_revisions == 1
    assert engine.stats.passes["revision"] == 0
    gate.set()
    await engine.wait_loaded()
    assert engine.state is EngineState.READY
    assert await finals(engine, 1) == ["BRAVO."]
    assert engine.stats.late_revisions == 1
    await engine.stop()


async def test_the_memory_of_the_second_recogniser_gets_huge_pages_too(monkeypatch):
    engine, gate = loading()
    collapsed = []
    monkeypatch.setattr("vivavoce.asr.engine.reviser.use_huge_pages", lambda: collapsed.append(gate.is_set()))
    await finals(engine, 0)
    assert collapsed == []
    gate.set()
    await engine.wait_loaded()
    assert collapsed == [True]
    await engine.stop()


async def test_a_recording_waits_for_the_second_recogniser_to_load():
    engine, gate = loading()
    stream, served = await opened(engine, 0, recording=True)
    assert not engine._reviser._timers
    gate.set()
    await engine.wait_loaded()
    assert await finals(engine, 1, recording=True) == ["BRAVO."]  # after the other, which came first
    assert [it.text for it in stream.take_events() if isinstance(it, TurnUpdated) and it.ended] == ["ALPHA"]
    assert engine.stats.late_revisions == 0
    served.leave()
    await engine.stop()


async def test_one_that_cant_be_loaded_ends_the_sessions_that_are_served_already():
    engine, gate = loading(fails=True)
    assert await finals(engine, 0) == ["Alpha"]
    stream = Channels("id", SessionOptions(16_000), LIMITS, now=0.0, unix_now=0.0, tuning=engine.tuning)
    engine.join(stream, lambda: None)
    gate.set()
    with pytest.raises(EngineError, match=r"the folder has no model\.bin"):
        await engine.wait_loaded()
    assert stream.is_over
    assert (engine.state, engine.error) == (EngineState.DEAD, "the folder has no model.bin")
    await engine.stop()


async def test_a_client_that_leaves_is_forgotten():
    gate = threading.Event()
    engine = an_engine(Loud(gate=gate), revision_limit_s=60.0)
    await engine.wait_loaded()
    stream = Channels("id", SessionOptions(16_000), LIMITS, now=0.0, unix_now=0.0, tuning=engine.tuning)
    waits = asyncio.Event()

    def wake():
        if stream.sessions[0].awaited_revisions:
            waits.set()

    served = engine.join(stream, wake)
    served.receive(Audio(pcm([*speech(0), *silence(60)])), 0.0)
    async with asyncio.timeout(60):
        await waits.wait()
    served.leave()
    assert not engine._reviser._timers
    gate.set()
    assert await finals(engine, 1) == ["BRAVO."]
    await engine.stop()


async def opened(engine, *indices, **options):
    """A stream whose final waits for the second recogniser, and its place in the engine."""
    options = SessionOptions(16_000, **options)
    stream = Channels("id", options, LIMITS, now=0.0, unix_now=0.0, tuning=engine.tuning)
    waits = asyncio.Event()

    def wake():
        if stream.sessions[0].awaited_revisions:
            waits.set()

    served = engine.join(stream, wake)
    served.receive(Audio(pcm([*speech(*indices), *silence(60)])), 0.0)
    async with asyncio.timeout(60):
        await waits.wait()
    return stream, served


async def test_a_client_that_leaves_while_it_waits_for_its_pass_harms_nobody():
    gate = threading.Event()
    engine = an_engine(Loud(gate=gate), revision_limit_s=60.0)
    await engine.wait_loaded()
    _, first = await opened(engine, 0)
    _, second = await opened(engine, 1)
    second.leave()
    gate.set()
    assert await finals(engine, 2) == ["CHARLIE,"]
    assert engine.state is EngineState.READY
    first.leave()
    await engine.stop()


async def test_a_failed_session_is_left_alone():
    gate = threading.Event()
    engine = an_engine(Loud(gate=gate), revision_limit_s=0.0)
    await engine.wait_loaded()
    engine._reviser._limit_s = 60.0
    stream, served = await opened(engine, 0)
    stream.sessions[0].fail(Failure.INTERNAL)
    engine._serve(engine._members[next(iter(engine._members))])
    assert not engine._reviser._timers
    gate.set()
    served.leave()
    await engine.stop()


async def test_recordings_wait_as_long_as_it_takes():
    gate = threading.Event()
    engine = an_engine(Loud(gate=gate), revision_limit_s=0.0)
    await engine.wait_loaded()
    stream, served = await opened(engine, 0, recording=True)
    assert not engine._reviser._timers
    assert stream.sessions[0].awaited_revisions == (0,)
    gate.set()
    served.leave()
    await engine.stop()


async def test_recordings_come_after_everybody_who_waits():
    engine = an_engine(Loud())
    await engine.wait_loaded()
    reviser = engine._reviser
    for key, is_recording in enumerate((True, True, False, False)):
        reviser._waiting[key] = SimpleNamespace(session=SimpleNamespace(is_recording=is_recording))
    order = []
    while reviser._waiting:
        order.append(reviser._next())
        del reviser._waiting[order[-1]]
    assert order == [2, 3, 0, 1]
    await engine.stop()
