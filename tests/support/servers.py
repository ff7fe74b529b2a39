"""Our server with a scripted engine, on a real socket."""

from __future__ import annotations

import contextlib

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.batching import Engine
from vivavoce.server import LocalServer, ServerOptions


@contextlib.contextmanager
def scripted_server(*, recogniser=None, detector=ScriptedDetector, **options):
    recogniser = recogniser or ScriptedRecogniser()
    server = LocalServer(
        ServerOptions(**{"port": 0, **options}),
        engine=lambda: Engine(recogniser=lambda: recogniser, detector=detector),
    )
    with server:
        yield server
