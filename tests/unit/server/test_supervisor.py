"""What the service manager is sent."""

import asyncio
import contextlib
import os
import socket
import sys
import uuid

import pytest

from vivavoce.server.supervisor import Supervisor

KINDS = ["path", pytest.param("abstract", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux"))]


@contextlib.contextmanager
def manager(folder, kind="path"):
    """The socket of a service manager, and its address as a variable names it."""
    name = str(folder / "notify") if kind == "path" else f"@vivavoce-{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name.replace("@", "\0", 1) if kind == "abstract" else name)
        sock.setblocking(False)
        yield sock, name


def received(sock):
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(sock.recv(4_096).decode().splitlines())
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_start_reload_and_stop(tmp_path, kind):
    with manager(tmp_path, kind) as (sock, name):
        supervisor = Supervisor.of({"NOTIFY_SOCKET": name})
        supervisor.ready()
        supervisor.reloading()
        supervisor.stopping(3)
        ready, reloading, stopping = received(sock)
    assert ready == ["READY=1", "STATUS=ready"]
    assert reloading[0] == "RELOADING=1"
    assert reloading[1].partition("=")[0] == "MONOTONIC_USEC"
    assert int(reloading[1].partition("=")[2]) > 0
    assert stopping == ["STOPPING=1", "STATUS=draining: 3 sessions are open"]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_a_service_manager_nothing_happens(environment):
    supervisor = Supervisor.of(environment)
    supervisor.ready()
    asyncio.run(supervisor.watch())


def test_a_service_manager_that_is_gone_does_no_harm(tmp_path, caplog):
    Supervisor.of({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
    assert "the service manager was not notified of READY=1: " in caplog.text


@pytest.mark.parametrize(
    ("variables", "interval_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),  # meant for another process
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_how_often_it_wants_a_sign_of_life(variables, interval_s):
    assert Supervisor.of({"NOTIFY_SOCKET": "/x", **variables}).watchdog_s == interval_s


def test_signs_of_life_go_on(tmp_path):
    async def run(sock, name):
        watching = asyncio.create_task(Supervisor(name, watchdog_s=1e-6).watch())
        found = []
        while len(found) < 3:
            await asyncio.sleep(0)
            found += received(sock)
        watching.cancel()
        return found

    with manager(tmp_path) as (sock, name):
        assert asyncio.run(run(sock, name))[:3] == [["WATCHDOG=1"]] * 3
