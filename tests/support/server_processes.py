"""Our server with a scripted engine in a process of its own, or several, and SDK sessions that talk to it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
from websockets.exceptions import ConnectionClosed

import vivavoce
from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from support.time_limit import HANG_S
from vivavoce.asr.engine import Engine
from vivavoce.errors import ModelError

TURNS = [(0, 1, 2), (3, 4), (5, 6, 7)]
DATA = pcm(np.concatenate([part for words in TURNS for part in (silence(6), speech(*words), silence(45))]))
CHUNKS = [DATA[at : at + 3_200] for at in range(0, len(DATA), 3_200)]
TERMINATE = '{"type": "Terminate"}'
# The server is away for as long as its process takes to start, on a busy machine.
PATIENT = vivavoce.Reconnect(attempts=1_000, first_delay_s=0.02, longest_delay_s=0.2)

_PROGRAM = """
import functools, json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support import server_processes
from vivavoce.errors import VivavoceError
from vivavoce.server import ServerOptions, run, serve_workers

given = json.loads(sys.argv[2])
n_workers = given.pop("n_workers", 1)
engine = getattr(server_processes, given.pop("engine", "scripted_engine"))
for name in ("tls_cert", "tls_key", "key_store", "store"):
    given[name] = Path(given[name]) if given.get(name) else None
options, on_listening = ServerOptions(**given), lambda port: print(port, flush=True)
try:
    if n_workers == 1:
        run.make_server = functools.partial(run.make_server, engine=engine)
        run.serve(options, on_listening=on_listening)
    else:
        serve_workers(options, n_workers, on_listening=on_listening, engine=engine)
except VivavoceError as error:
    sys.exit(f"failed: {error}")
"""


def scripted_engine(_model):
    return Engine(recogniser=ScriptedRecogniser, detector=ScriptedDetector)


def broken_engine(_model):
    """An engine whose models can't be loaded."""

    def load():
        raise ModelError("the files are damaged")

    return Engine(recogniser=load, detector=ScriptedDetector)


class ServerProcess:
    """A server that runs.

    Attributes:
        process: Its process; standard error is the log.
        port: Where it listens, on the loopback interface.
        url: The same, for our client.
    """

    def __init__(self, process, *, scheme):
        self.process = process
        self.port = int(process.stdout.readline())
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def stop(self, signal):
        """Send a signal and wait for the end; returns the exit status."""
        self.process.send_signal(signal)
        return self.process.wait(HANG_S)


@contextlib.contextmanager
def server_process(*, log=None, environment=None, **options):
    """Run a server with these options; it listens when the block begins, and is killed when it ends."""
    given = {"port": 0, "log_level": "info", "max_lead_s": None, **options}
    command = [sys.executable, "-c", _PROGRAM, str(Path(__file__).parents[1]), json.dumps(given)]
    with (
        Path(log or os.devnull).open("ab") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=os.environ | (environment or {})
        ) as process,
    ):
        try:
            yield ServerProcess(process, scheme="wss" if given.get("tls_cert") else "ws")
        finally:
            process.kill()


def rest(socket):
    """All messages up to the end of a connection, and its close code."""
    messages = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            messages.append(json.loads(socket.recv(timeout=HANG_S)))
    return messages, socket.close_code


def words_of(events):
    return [
        (event.turn_order, word.text)
        for event in events
        if isinstance(event, vivavoce.TurnEvent) and event.end_of_turn
        for word in event.words
    ]


class Talk(threading.Thread):
    """One session of the SDK; it waits after a part of its audio until it may go on."""

    def __init__(self, url, pause_after):
        super().__init__(daemon=True)
        self.url = url
        self.pause_after = pause_after
        self.has_paused, self.may_go_on = threading.Event(), threading.Event()
        self.events = []

    def run(self):
        with vivavoce.connect(url=self.url, reconnect=PATIENT) as session:
            session.send(CHUNKS[: self.pause_after])
            self.has_paused.set()
            self.may_go_on.wait(HANG_S)
            session.send(CHUNKS[self.pause_after :])
            session.end()
            self.events = list(session.events())


def talk_all(url, between, pauses):
    """Run a session for each pause; `between` happens when all have come to theirs."""
    talks = [Talk(url, pause) for pause in pauses]
    for talk in talks:
        talk.start()
    for talk in talks:
        assert talk.has_paused.wait(HANG_S)
    between()
    for talk in talks:
        talk.may_go_on.set()
    for talk in talks:
        talk.join(2 * HANG_S)
        assert not talk.is_alive()
    return [talk.events for talk in talks]
