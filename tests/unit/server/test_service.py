"""What connections share, with connections that only note how they are treated."""

import asyncio
import contextlib
import logging

import pytest

from support.fake_embedder import FakeEmbedder
from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine, VoiceModels, Voices
from vivavoce.errors import ConfigurationError, ModelError, ServerError
from vivavoce.model_files import ChosenModel, choose
from vivavoce.server import ServerOptions
from vivavoce.server.service import Service


def scripted_engine(_model):
    return Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector)


class RecordingConnection:
    def __init__(self):
        self.finished = asyncio.Event()

    def tick(self, now):
        """Nothing depends on the clock here."""

    def finish(self):
        self.finished.set()


def test_the_engine_exists_while_the_application_runs():
    service = Service(ServerOptions(), scripted_engine)
    with pytest.raises(ServerError, match="has not started"):
        _ = service.engine

    async def run():
        async with service.lifespan(None):
            assert service.engine is service.engine

    asyncio.run(run())


def test_a_server_is_full_at_its_limit():
    async def run():
        service = Service(ServerOptions(max_sessions=1), scripted_engine)
        async with service.lifespan(None):
            assert not service.is_full
            with service.holding(RecordingConnection()):
                assert service.is_full
            assert not service.is_full

    asyncio.run(run())


@pytest.mark.parametrize(
    ("options", "n_held"),
    [
        ({"expected_sessions": 10}, 10),
        ({"max_sessions": 9}, 9),
        ({"expected_sessions": 10, "limit_bursts": False}, None),
        ({"expected_sessions": 1}, 8),  # a few may always begin
    ],
)
def test_a_burst_is_admitted_up_to_what_the_machine_is_expected_to_hold(options, n_held):
    async def run():
        service = Service(ServerOptions(**options), scripted_engine)
        async with service.lifespan(None):
            with contextlib.ExitStack() as stack:
                for n in range(30):
                    if service.is_full:
                        assert n == n_held
                        break
                    stack.enter_context(service.holding(RecordingConnection()))
                else:
                    assert n_held is None
            assert service.refusal is None

    asyncio.run(run())


def test_channels_count_as_sessions_of_a_burst_and_recordings_not_at_all():
    async def run():
        service = Service(ServerOptions(expected_sessions=10), scripted_engine)
        async with service.lifespan(None):
            with contextlib.ExitStack() as stack:
                for _ in range(9):
                    connection = RecordingConnection()
                    stack.enter_context(service.holding(connection))
                    assert service.may_begin(connection, None)
                assert service.may_begin(connection, None, 2)
                assert service.is_full
                assert not service.may_begin(connection, None, 3)
                assert service.may_begin(connection, None, 3, is_patient=True)
                assert not service.is_full

    asyncio.run(run())


def test_known_voices_need_a_voice_encoder(tmp_path, monkeypatch):
    monkeypatch.setattr("vivavoce.server.engines.has_embedder", lambda: False)
    options = ServerOptions(known_voices=tmp_path / "voices.json")
    with pytest.raises(ConfigurationError, match="--known-voices needs a voice encoder, and there is none"):
        Service(options, scripted_engine)
    assert Service(ServerOptions(), scripted_engine).known_voices is None


@pytest.mark.parametrize("has_failed", [False, True])
def test_known_voices_are_reported_once_the_voice_encoder_is_loaded(
    tmp_path, monkeypatch, caplog, has_failed
):
    def load():
        if has_failed:
            raise ModelError("no such file")
        return VoiceModels(FakeEmbedder())

    monkeypatch.setattr("vivavoce.server.service.voices_of", lambda _options: Voices(load))
    caplog.set_level("INFO", "vivavoce.server")

    async def run():
        service = Service(ServerOptions(known_voices=tmp_path / "voices.json"), scripted_engine)
        reported = asyncio.Event()

        class Reported(logging.Handler):
            def emit(self, record):
                if "known" in record.msg or "for sessions" in record.msg:
                    reported.set()

        handler = Reported()
        logging.getLogger("vivavoce.server").addHandler(handler)
        try:
            async with service.lifespan(None):
                await reported.wait()
        finally:
            logging.getLogger("vivavoce.server").removeHandler(handler)

    asyncio.run(run())
    expected = "no voice is known: no such file" if has_failed else "0 known voices for sessions"
    assert expected in caplog.text


MODELS = (choose("moonshine-tiny-en"), ChosenModel("better", "made-up", ("en", "de")))


def overload(engine, seconds=20):
    """Let the engine find that its passes have waited for long, up to now."""
    now = asyncio.get_running_loop().time()
    for tenth in range(10 * seconds, -1, -1):
        engine._control.note_wait(1.5, now - tenth / 10)


@pytest.mark.parametrize("overloaded", ["moonshine-tiny-en", "better"])
def test_the_load_of_any_model_fills_the_server(overloaded):
    """All models share the cores, so a session of another one would take what this one lacks."""

    async def run():
        service = Service(ServerOptions(models=MODELS), scripted_engine)
        async with service.lifespan(None):
            assert not service.is_full
            engine = service.engines.engine_of(overloaded)
            other = next(name for name in service.engines.names if name != overloaded)
            await service.engines.engine_of(other).wait_loaded()
            await engine.wait_loaded()
            assert not service.is_full
            overload(engine)
            assert service.is_full
            assert not service.engines.engine_of(other).is_saturated
            for tenth in range(100):
                engine._control.note_wait(0.0, asyncio.get_running_loop().time() + tenth / 10)
            assert not service.is_full

    asyncio.run(run())


def test_sessions_of_several_models_share_the_machine():
    async def run():
        shares = {"moonshine-tiny-en": 4, "better": 2}
        service = Service(ServerOptions(models=MODELS, streams_of_models=shares), scripted_engine)
        async with service.lifespan(None):
            with contextlib.ExitStack() as stack:

                def begin(model):
                    connection = RecordingConnection()
                    holding = stack.enter_context(contextlib.ExitStack())
                    holding.enter_context(service.holding(connection))
                    return service.may_begin(connection, model), holding

                assert begin("better")[0]  # 1/2
                begun, default = begin(None)  # 3/4
                assert begun
                refused, holding = begin("better")
                assert not refused
                holding.close()
                assert not service.is_full
                assert begin("moonshine-tiny-en")[0]  # 1
                assert service.is_full
                default.close()  # 3/4
                assert not service.is_full
            assert not service._chosen

    asyncio.run(run())


def test_a_session_of_two_channels_costs_as_much_as_two():
    async def run():
        service = Service(ServerOptions(models=MODELS, streams_of_models={"better": 3}), scripted_engine)
        async with service.lifespan(None):
            one, other, third = (RecordingConnection() for _ in range(3))
            assert service.may_begin(one, "better", channels=2)
            assert not service.may_begin(other, "better", channels=2)
            assert service.may_begin(third, "better")
            assert service.is_full

    asyncio.run(run())


def test_a_model_that_was_dropped_fills_nothing():
    async def run():
        service = Service(ServerOptions(models=MODELS), scripted_engine)
        async with service.lifespan(None):
            engine = service.engines.engine_of("better")
            await engine.wait_loaded()
            overload(engine)
            assert service.is_full
            service.engines._drop("better")
            assert not service.is_full

    asyncio.run(run())


def test_draining_ends_every_session_and_waits_for_its_connection():
    async def run():
        service = Service(ServerOptions(drain_s=0.0), scripted_engine)
        connection = RecordingConnection()

        async def serve():
            with service.holding(connection):
                await connection.finished.wait()

        serving = asyncio.create_task(serve())
        await asyncio.sleep(0)
        await service.drain()
        await serving
        assert service.is_draining
        assert connection.finished.is_set()
        assert not service.connections

    asyncio.run(run())


def test_sessions_may_continue_and_end_by_themselves_while_the_server_drains():
    async def run():
        service = Service(ServerOptions(drain_s=60.0), scripted_engine)
        connection = RecordingConnection()
        hangs_up = asyncio.Event()

        async def serve():
            with service.holding(connection):
                await hangs_up.wait()

        serving = asyncio.create_task(serve())
        await asyncio.sleep(0)
        draining = asyncio.create_task(service.drain())
        await asyncio.sleep(0)
        assert service.is_draining
        hangs_up.set()
        async with asyncio.timeout(60):
            await draining
        await serving
        assert not connection.finished.is_set()

    asyncio.run(run())


@pytest.mark.parametrize("is_hurried_before", [False, True])
def test_hurry_ends_what_would_continue_without_limit(is_hurried_before):
    async def run():
        service = Service(ServerOptions(drain_s=None), scripted_engine)
        connection = RecordingConnection()

        async def serve():
            with service.holding(connection):
                await connection.finished.wait()

        serving = asyncio.create_task(serve())
        await asyncio.sleep(0)
        if is_hurried_before:
            service.hurry()
        draining = asyncio.create_task(service.drain())
        await asyncio.sleep(0)
        assert connection.finished.is_set() is is_hurried_before
        service.hurry()
        async with asyncio.timeout(60):
            await draining
        await serving
        assert connection.finished.is_set()

    asyncio.run(run())


def test_draining_waits_no_longer_than_its_limit():
    async def run():
        service = Service(ServerOptions(drain_s=0.01, finish_s=0.01), scripted_engine)
        with service.holding(RecordingConnection()):
            async with asyncio.timeout(60):
                await service.drain()
            assert service.connections

    asyncio.run(run())
