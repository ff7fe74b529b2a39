"""What the parent of several workers keeps of their clients."""

import asyncio
import errno
import multiprocessing
import os

import pytest

from vivavoce.errors import EngineError
from vivavoce.server.options import ServerOptions
from vivavoce.server.workers.child import Child
from vivavoce.server.workers.parent import _Parent


class NoProcesses:
    """A system that starts no process."""

    def Process(self, **_):  # noqa: N802 - the name in multiprocessing
        return self

    def start(self):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


@pytest.fixture
def no_processes(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: NoProcesses())


def test_a_worker_that_the_system_does_not_start_leaves_nothing_open(no_processes):
    async def start():
        child, ends = Child(1, {}), []
        with pytest.raises(BlockingIOError):
            await child.run(lambda *given: ends.extend(given))
        child.kill()
        return child.handover, [end.fileno() for end in ends]

    assert asyncio.run(start()) == (None, [-1, -1])


def test_a_server_whose_first_worker_cannot_be_started_says_so(no_processes):
    parent = _Parent(ServerOptions(), 1, [], None, engine=None, read_keys=None)
    asyncio.run(parent._keep(0))
    assert isinstance(parent.failure, EngineError)
    assert "it cannot be started: Resource temporarily unavailable" in str(parent.failure)


def test_clients_of_proxies_that_are_gone_take_no_memory():
    parent = _Parent(ServerOptions(), 1, [], None, engine=None, read_keys=None)
    handlers = parent._handlers(0)
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
        handlers["enter_forwarded"](host)
    [load] = parent._seats.loads
    assert load.forwarded == {"192.0.2.1": 2, "192.0.2.2": 1}
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.2"):
        handlers["leave_forwarded"](host)
    assert dict(load.forwarded) == {"192.0.2.1": 1}
