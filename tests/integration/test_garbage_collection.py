"""What a server does about garbage collection, in a process of its own and in somebody else's."""

import asyncio
import gc

import pytest

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine
from vivavoce.server import ServerOptions
from vivavoce.server.run import make_server
from vivavoce.server.sockets import listen


@pytest.fixture(autouse=True)
def thawed():
    gc.unfreeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("is_alone", [True, False])
def test_what_is_loaded_is_exempt_from_collection_in_a_process_of_its_own(is_alone):
    """A full collection stopped every thread for 30 ms."""
    frozen = []

    async def run():
        server = make_server(
            ServerOptions(port=0),
            engine=lambda _: Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector),
            stops_with_engine=is_alone,
        )
        ready = server.supervisor.ready

        def note_ready():
            ready()
            asyncio.get_running_loop().call_soon(note_frozen)

        def note_frozen():
            frozen.append(gc.get_freeze_count())
            server.request_stop()

        server.supervisor.ready = note_ready
        await server.serve(sockets=listen("127.0.0.1", 0))

    asyncio.run(run())
    assert (frozen[0] > 0) == is_alone
