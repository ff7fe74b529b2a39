"""A program lives while a handler runs; ``tests/integration/test_realtime_client.py`` has whole programs."""

import asyncio
import socket
import threading

import pytest

import vivavoce
from support.simulated_network import Connection, Network, is_quick
from support.time_limit import time_limit
from vivavoce.client.exit_guard import ExitGuard, SessionLoop


@pytest.fixture(autouse=True)
def limit():
    with time_limit(30):
        yield


def holders():
    """Threads that keep the interpreter alive for a handler."""
    return [each for each in threading.enumerate() if each.name == "vivavoce-handler-runs"]


def test_a_held_guard_keeps_the_interpreter_alive():
    guard = ExitGuard()
    guard.hold()
    guard.hold()
    (holder,) = holders()
    assert not holder.daemon
    guard.release()
    guard.release()
    holder.join()
    assert not holders()


def test_handlers_of_every_front_hold_the_interpreter():
    held = []
    session = vivavoce.connect(transport=Network(is_quick, connection=Connection), reconnect=None)
    session.end()
    session._dispatch(lambda event: held.append((event.type, len(holders()))))
    assert held == [("Begin", 1), ("Turn", 1), ("Termination", 1), ("Closed", 1)]


def test_the_loop_of_a_session_resolves_names_without_an_executor(monkeypatch):
    def refuse(*_):
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    monkeypatch.setattr(SessionLoop, "run_in_executor", refuse)
    with asyncio.Runner(loop_factory=SessionLoop) as runner:
        loop = runner.get_loop()
        found = runner.run(loop.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM))
        assert {"127.0.0.1", "::1"} & {address[0] for *_, address in found}
        with pytest.raises(OSError):
            runner.run(loop.getaddrinfo("no.such.name.invalid", 80))
