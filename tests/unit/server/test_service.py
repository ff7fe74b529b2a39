"""What connections share, with connections that only note how they are treated."""

import asyncio

import pytest

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine
from vivavoce.errors import ServerError
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


def test_draining_waits_no_longer_than_its_limit():
    async def run():
        service = Service(ServerOptions(drain_s=0.01, finish_s=0.01), scripted_engine)
        with service.holding(RecordingConnection()):
            async with asyncio.timeout(60):
                await service.drain()
            assert service.connections

    asyncio.run(run())
