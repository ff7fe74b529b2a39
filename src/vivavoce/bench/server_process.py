"""Our own server in a separate process, for a measurement without an address."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from vivavoce.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["RunningServer", "log_tail", "start_server", "stop"]

_HOST = "127.0.0.1"
_POLL_S = 0.1
_STOP_S = 20.0
_LOG_TAIL_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Address and process of a server."""

    url: str
    pid: int


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection(_HOST, port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def log_tail(log: IO[bytes]) -> str:
    """Return the end of what a process wrote."""
    log.seek(0, os.SEEK_END)
    log.seek(max(0, log.tell() - _LOG_TAIL_BYTES))
    return log.read().decode(errors="replace").strip()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, at the latest after 20 s, and close its pipes."""
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # it may have ended before it read everything
                pipe.close()


@contextlib.contextmanager
def start_server(
    arguments: Sequence[str] = (),
    *,
    cores: Sequence[int] = (),
    timeout_s: float = 60.0,
    program: Sequence[str] = ("vivavoce", "serve"),
) -> Iterator[RunningServer]:
    """Run ``vivavoce serve`` until the block ends.

    Args:
        arguments: More of its command line.
        cores: Numbers of the cores that it may use; empty: all.
        timeout_s: How long it may take until it is ready, in seconds.
        program: The Python module to run instead, and its first arguments.

    Raises:
        ServerError: It did not become ready; the message ends with the end of its log.
    """
    port = _free_port()
    command = [sys.executable, "-m", *program, "--host", _HOST, "--port", str(port), *arguments]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - our own
        try:
            if cores:
                os.sched_setaffinity(process.pid, cores)
            deadline_s = time.monotonic() + timeout_s
            while not _ready(port):
                if process.poll() is not None:
                    raise ServerError(f"the server exited with {process.returncode}: {log_tail(log)}")
                if time.monotonic() > deadline_s:
                    raise ServerError(f"the server was not ready after {timeout_s:g} s: {log_tail(log)}")
                time.sleep(_POLL_S)
            yield RunningServer(f"ws://{_HOST}:{port}", process.pid)
        finally:
            stop(process)
