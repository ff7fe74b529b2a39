"""Engines of several models: loaded when used, dropped when memory is short."""

import pytest

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine, EnginePool, EngineState, tuning_of
from vivavoce.errors import ModelError

pytestmark = pytest.mark.anyio
MIB = 1 << 20


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Machine:
    """Memory that a test sets."""

    def __init__(self):
        self.free = 8_000 * MIB
        self.made = []

    def pool(self, *names, fails=()):
        def maker(name):
            def recogniser():
                if name in fails:
                    raise ModelError(f"{name} is damaged")
                return ScriptedRecogniser()

            def make():
                self.made.append(name)
                return Engine(recogniser=recogniser, detector=ScriptedDetector, workers=1)

            return make

        return EnginePool({name: maker(name) for name in names}, free_memory=lambda: self.free)


async def test_a_model_is_loaded_when_it_is_first_used():
    machine = Machine()
    pool = machine.pool("default", "other", "never")
    pool.start()
    await pool.default.wait_loaded()
    assert machine.made == ["default"]
    other = pool.engine_of("other")
    await other.wait_loaded()
    assert pool.engine_of("other") is other
    assert pool.engine_of(None) is pool.engine_of("default") is pool.default
    assert machine.made == ["default", "other"]
    assert list(pool.loaded) == ["default", "other"]
    with pytest.raises(KeyError):
        pool.engine_of("unknown")
    await pool.stop()


async def test_the_model_that_nobody_used_for_longest_is_dropped_when_memory_is_short():
    machine = Machine()
    pool = machine.pool("default", "first", "second", "third")
    pool.start()
    first = pool.engine_of("first")
    await first.wait_loaded()
    second = pool.engine_of("second")
    await second.wait_loaded()
    pool.engine_of("first")
    machine.free = 100 * MIB
    pool.engine_of("third")
    assert list(pool.loaded) == ["default", "first", "third"]
    assert pool.engine_of("first") is first
    machine.free = 8_000 * MIB
    assert pool.engine_of("second") is not second
    await pool.stop()


async def test_a_model_in_use_and_the_default_are_never_dropped():
    machine = Machine()
    pool = machine.pool("default", "used", "new")
    pool.start()
    used = pool.engine_of("used")
    used._members[0] = object()  # a session
    machine.free = 1 * MIB
    new = pool.engine_of("new")
    assert pool.engine_of("used") is used
    assert pool.engine_of("new") is new
    used._members.clear()
    await pool.stop()


async def test_memory_is_looked_at_now_and_then():
    machine = Machine()
    pool = machine.pool("default", "other")
    pool.start()
    await pool.engine_of("other").wait_loaded()
    machine.free = 0
    pool._tend()
    assert list(pool.loaded) == ["default"]
    await pool.stop()


async def test_a_model_that_cant_be_loaded_is_tried_again_and_leaves_the_others_alone(caplog):
    machine = Machine()
    pool = machine.pool("default", "broken", fails=("broken",))
    pool.start()
    broken = pool.engine_of("broken")
    await broken._loaded.wait()
    assert broken.state is EngineState.DEAD
    assert broken.error == "broken is damaged"
    assert pool.engine_of("broken") is not broken
    await pool.default.wait_loaded()
    assert pool.default.state is EngineState.READY
    await pool.stop()


async def test_the_sizes_of_a_tuning_fit_each_other():
    for family in ("moonshine", "moonshine-streaming", "whisper", "anything"):
        tuning = tuning_of(family)
        assert tuning.frame_samples == tuning_of("moonshine").frame_samples
        assert tuning.cut_window_ms < tuning.max_utterance_ms
    streaming = tuning_of("moonshine-streaming")
    assert streaming.window_ms >= streaming.max_utterance_ms  # it never moves
