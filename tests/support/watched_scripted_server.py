"""The server of `benchmarks.watched_server` with the scripted engine."""

from __future__ import annotations

import sys

from benchmarks.watched_server import main

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser
from vivavoce.asr.engine import Engine


def scripted_engine(_model: object) -> Engine:
    return Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector)


if __name__ == "__main__":
    sys.exit(main(engine=scripted_engine))
