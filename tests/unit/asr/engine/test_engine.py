"""The engine on an event loop, with scripted models."""

import asyncio
import threading

import pytest

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from support.sessions import LIMITS
from vivavoce.asr.engine import Engine, EngineState
from vivavoce.asr.session import Channels, SessionMachine, SessionState, Tuning
from vivavoce.errors import EngineError, ModelError
from vivavoce.protocol.events import Audio, SessionFailed, SessionOptions, Terminate, TurnUpdated
from vivavoce.types import Failure

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Client:
    """A session served by an engine."""

    def __init__(self, engine):
        stream = Channels("id", SessionOptions(16_000), LIMITS, now=0.0, unix_now=0.0)
        (self.session,) = stream.sessions
        self.news = asyncio.Event()
        self.events = []
        self.served = engine.join(stream, self.news.set)

    def say(self, samples):
        self.served.receive(Audio(pcm(samples)), 0.0)

    async def end(self):
        self.served.receive(Terminate(), 0.0)
        async with asyncio.timeout(60):
            while not self.session.is_over:
                self.news.clear()
                await self.news.wait()
        self.events += self.session.take_events()
        return [it.text for it in self.events if isinstance(it, TurnUpdated) and it.ended]


def an_engine(recogniser=None, detector=ScriptedDetector):
    recogniser = recogniser or ScriptedRecogniser()
    engine = Engine(recogniser=lambda: recogniser, detector=detector)
    engine.start()
    return engine, recogniser


async def test_a_session_is_served_to_its_end():
    engine, _ = an_engine()
    client = Client(engine)
    client.say(speech(0, 1))
    client.say(silence(40))
    client.say(speech(2))
    assert await client.end() == ["Alpha bravo.", "Charlie,"]
    await engine.stop()


async def test_sessions_that_come_while_the_models_load_wait_and_lose_nothing():
    gate = threading.Event()

    def slow():
        gate.wait(60)
        return ScriptedDetector()

    engine, _ = an_engine(detector=slow)
    client = Client(engine)
    client.say(speech(0, 1))
    assert engine.state is EngineState.LOADING
    gate.set()
    assert await client.end() == ["Alpha bravo."]
    assert engine.state is EngineState.READY
    await engine.stop()


async def test_many_sessions_share_batches_and_do_not_mix():
    gate = threading.Event()
    engine, recogniser = an_engine(ScriptedRecogniser(max_batch=8, gate=gate))
    clients = [Client(engine) for _ in range(8)]
    ends = [asyncio.create_task(client.end()) for client in clients]
    for index, client in enumerate(clients):
        client.say(speech(index, index))
    gate.set()
    texts = await asyncio.gather(*ends)
    from support.scripted_engine import LEXICON

    assert texts == [[f"{word} {word}"] for word in LEXICON[: len(clients)]]
    assert max(len(call) for call in recogniser.calls) > 1
    await engine.stop()


class OneAtATime(ScriptedRecogniser):
    """Is worth one worker, and notes how many it had."""

    max_workers = 1

    def __init__(self):
        super().__init__(max_batch=1, pass_s=0.001)
        self.working = threading.Semaphore(1)
        self.was_shared = False

    def recognise(self, spans):
        is_alone = self.working.acquire(blocking=False)
        self.was_shared |= not is_alone
        try:
            return super().recognise(spans)
        finally:
            if is_alone:
                self.working.release()


async def test_a_recogniser_has_no_more_workers_than_are_worth_it():
    recogniser = OneAtATime()
    engine = Engine(recogniser=lambda: recogniser, detector=ScriptedDetector, workers=4)
    engine.start()
    await engine.wait_loaded()
    clients = [Client(engine) for _ in range(8)]
    for client in clients:
        client.say(speech(0, 1, 2))
    for client in clients:
        assert await client.end() == ["Alpha bravo. Charlie,"]
    assert not recogniser.was_shared
    await engine.stop()


class Stepping(ScriptedRecogniser):
    """Takes steps; passes over the word ``waiting`` are not done before one over ``waits_for`` was."""

    def __init__(self, waiting, waits_for, *, joins_running):
        super().__init__()
        self.joins_running = joins_running
        self.waiting, self.waits_for = waiting, waits_for
        self.was_heard = False
        self.waits = threading.Event()

    def open_batch(self):
        return SteppingBatch(self)


class SteppingBatch:
    def __init__(self, recogniser):
        self.recogniser = recogniser
        self.spans = {}
        self.n_added = 0

    def __len__(self):
        return len(self.spans)

    def add(self, span):
        self.n_added += 1
        self.spans[self.n_added] = span
        return self.n_added

    def step(self):
        done = []
        for key, span in list(self.spans.items()):
            [hypothesis] = self.recogniser.recognise([span])
            self.recogniser.was_heard |= self.recogniser.waits_for in hypothesis.text
            if self.recogniser.was_heard or self.recogniser.waiting not in hypothesis.text:
                done.append((key, hypothesis))
                del self.spans[key]
            else:
                self.recogniser.waits.set()
        return done


@pytest.mark.parametrize("joins_running", [True, False])
async def test_a_session_does_not_wait_for_the_longest_pass_of_its_batch(joins_running):
    recogniser = Stepping("Alpha", "Charlie", joins_running=joins_running)
    engine = Engine(recogniser=lambda: recogniser, detector=ScriptedDetector, workers=1)
    engine.start()
    await engine.wait_loaded()
    slow, quick = Client(engine), Client(engine)
    slow.say(speech(0))
    if not joins_running:  # both are in the same batch from the start
        quick.say(speech(2))
    slow_end = asyncio.create_task(slow.end())
    if joins_running:  # the quick one comes while the slow one is decoded
        assert await asyncio.to_thread(recogniser.waits.wait, 60)
        quick.say(speech(2))
    assert await quick.end() == ["Charlie,"]
    assert await slow_end == ["Alpha"]
    await engine.stop()


async def test_a_client_that_leaves_in_mid_pass_does_not_disturb_others():
    gate = threading.Event()
    engine, _ = an_engine(ScriptedRecogniser(gate=gate))
    gone, stays = Client(engine), Client(engine)
    gone.say(speech(0, 1))
    stays.say(speech(2))
    await asyncio.sleep(0)
    gone.served.leave()
    gate.set()
    assert await stays.end() == ["Charlie,"]
    assert engine.n_sessions == 1
    await engine.stop()


async def test_several_failures_in_a_row_fail_every_session_present_and_to_come(caplog):
    engine, _ = an_engine(ScriptedRecogniser(fail_after=2))  # warming up takes two
    idle, *speaking = [Client(engine) for _ in range(4)]
    for n_failed, client in enumerate(speaking):
        assert idle.session.state is SessionState.OPEN, n_failed
        client.say(speech(0, 1))
        await client.end()
    assert str(await engine.wait_dead()) == "scripted failure"
    assert engine.state is EngineState.DEAD
    clients = [idle, *speaking, Client(engine)]
    assert "scripted failure" in engine.error
    for client in clients:
        assert client.session.state is SessionState.FAILED
        client.events += client.session.take_events()
        assert client.events[-1] == SessionFailed(Failure.INTERNAL)
    await engine.stop()


class Stumbling(ScriptedRecogniser):
    """Fails on the batches with these numbers."""

    def __init__(self, *fails):
        super().__init__()
        self.fails = fails

    def recognise(self, spans):
        if len(self.calls) in self.fails:
            self.calls.append(list(spans))
            raise RuntimeError("scripted failure")
        return super().recognise(spans)


async def test_a_batch_that_fails_ends_its_own_sessions_only(caplog):
    engine, _ = an_engine(Stumbling(2, 3))  # warming up takes two
    stays = Client(engine)
    for _ in range(2):
        bad = Client(engine)
        bad.say(speech(0, 1))
        await bad.end()
        assert bad.session.state is SessionState.FAILED
    assert engine.state is EngineState.READY
    stays.say(speech(2))
    assert await stays.end() == ["Charlie,"]
    assert "a batch failed and ended 1 sessions" in caplog.text
    await engine.stop()


async def test_a_batch_of_the_detector_that_fails_ends_its_own_sessions_only():
    detector = ScriptedDetector()
    works, detector.detect = detector.detect, lambda _: 1 / 0
    engine, _ = an_engine(detector=lambda: detector)
    await engine.wait_loaded()
    bad, stays = Client(engine), Client(engine)
    bad.say(speech(0, 1))
    await bad.end()
    assert bad.session.state is SessionState.FAILED
    detector.detect = works
    stays.say(speech(2))
    assert await stays.end() == ["Charlie,"]
    await engine.stop()


async def test_models_that_cannot_be_loaded_are_reported_in_one_line(caplog):
    def missing():
        raise ModelError("no such model")

    engine, _ = an_engine(detector=missing)
    with pytest.raises(EngineError, match="no such model"):
        await engine.wait_loaded()
    assert "Traceback" not in caplog.text
    await engine.stop()


class Breaking(SessionMachine):
    """Has a fault of its own in the middle of its life."""

    def apply_hypothesis(self, request, hypothesis):
        raise IndexError("a fault of this session")


async def test_a_session_that_breaks_ends_alone(caplog):
    engine, _ = an_engine()
    good, bad = Client(engine), Client(engine)
    bad.session.__class__ = Breaking
    for client in (good, bad):
        client.say(speech(0, 1))
        client.say(silence(40))
    assert await good.end() == ["Alpha bravo."]
    assert bad.session.state is SessionState.FAILED
    assert any(isinstance(it, SessionFailed) for it in bad.session.take_events())
    assert engine.state is EngineState.READY
    assert "broke" in caplog.text
    await engine.stop()


class OddDetector(ScriptedDetector):
    frame_samples = 480


class OddRecogniser(ScriptedRecogniser):
    step_samples = 500


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({"detector": OddDetector}, "`frame_samples` of the speech detector must be 512, got 480"),
        ({"recogniser": OddRecogniser()}, "`step_samples` of the recogniser must divide 384, got 500"),
    ],
)
async def test_models_whose_sizes_do_not_fit_are_refused(models, message):
    engine, _ = an_engine(**models)
    with pytest.raises(EngineError, match=message):
        await engine.wait_loaded()
    await engine.stop()


async def test_a_stream_with_other_frames_is_refused():
    engine, _ = an_engine()
    stream = Channels(
        "id", SessionOptions(16_000), LIMITS, now=0.0, unix_now=0.0, tuning=Tuning(frame_samples=480)
    )
    with pytest.raises(ValueError, match=r"`tuning.frame_samples` must be 512.*got 480"):
        engine.join(stream, lambda: None)
    await engine.stop()


async def test_a_stream_that_left_is_not_served_again():
    engine, recogniser = an_engine()
    client = Client(engine)
    await engine.wait_loaded()
    client.served.leave()
    client.say(speech(0, 1))
    client.served.leave()
    calls = len(recogniser.calls)
    await asyncio.sleep(0)
    assert (engine.n_sessions, len(recogniser.calls)) == (0, calls)
    await engine.stop()


async def test_waits_are_counted_for_the_batch_and_for_the_queue():
    engine, _ = an_engine()
    client = Client(engine)
    client.say(speech(0, 1))
    await client.end()
    stats = engine.stats
    batches = sum(stats.batch_sizes.counts)
    assert batches == sum(stats.batch_waits_s.counts) == sum(stats.queue_waits_s.counts) > 0
    assert stats.batch_waits_s.total <= stats.queue_waits_s.total
    await engine.stop()


@pytest.mark.parametrize(("own_ms", "cadence_ms"), [(None, 320), (640, 640), (2560, 2560)])
async def test_a_slow_model_has_its_own_cadence(own_ms, cadence_ms):
    recogniser = ScriptedRecogniser()
    recogniser.partial_cadence_ms = own_ms
    engine, _ = an_engine(recogniser)
    await engine.wait_loaded()
    assert engine.cadence_ms == cadence_ms
    assert not engine.is_saturated
    await engine.stop()
