"""Our server with a scripted engine, on a real socket."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine
from vivavoce.server import LocalServer, ServerOptions

if TYPE_CHECKING:
    import logging


def log_of_the_server(caplog) -> tuple[list[logging.LogRecord], str]:
    """Return the log records and their text, without those of the test's own client.

    When the test closes a socket while the client's thread reads, the library may log a traceback.
    """
    records = [record for record in caplog.records if record.name != "websockets.client"]
    return records, "\n".join(caplog.handler.format(record) for record in records)


def received_ms(server: LocalServer) -> float:
    """Audio that the open sessions of a server have received, in milliseconds.

    What was detected is less on a busy machine: the engine leaves a few frames for its next call.
    """
    served = [connection._served for connection in list(server._server.service.connections)]
    return sum(it.stream.audio_ms for it in served if it is not None)


@contextlib.contextmanager
def scripted_server(*, recogniser=None, detector=ScriptedDetector, workers=None, **options):
    recogniser = recogniser or ScriptedRecogniser()
    server = LocalServer(
        ServerOptions(**{"port": 0, **options}),
        engine=lambda _: Engine(recogniser=lambda: recogniser, detector=detector, workers=workers),
    )
    with server:
        yield server
