"""A server of two replicas on Ray Serve, in processes of its own, and what its log says about them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

_START_S = 180.0
_STOP_S = 120.0
_TESTS = Path(__file__).parents[1]
_HAPROXY_PORTS = ("RAY_SERVE_HAPROXY_METRICS_PORT", "RAY_SERVE_HAPROXY_STATS_PORT")


def _free_ports(n: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [each.getsockname()[1] for each in probes]


class RayReplicas:
    """A process that runs `support.ray_server`.

    Attributes:
        base_url: Where clients connect.
    """

    def __init__(self, folder: Path, **options: object) -> None:
        self._log = folder / "ray.log"
        self._options = {"min_replicas": 2, "max_replicas": 2, "sessions_per_replica": 8, **options}
        self._process: subprocess.Popen[bytes] | None = None  # None before `__enter__`
        self._port, *others = _free_ports(3)
        # HAProxy listens there too; another Ray of this machine may have the usual ports.
        self._ports = dict(zip(_HAPROXY_PORTS, map(str, others), strict=True))
        self.base_url = f"ws://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_TESTS.parent / "src"), str(_TESTS)])}
        environment |= self._ports
        arguments = [f"{name}={value}" for name, value in self._options.items()]
        command = [sys.executable, "-m", "support.ray_server", str(self._port), *arguments]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._log.parent,
            )
        deadline = time.monotonic() + _START_S
        while "listening on" not in self.log:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"Ray did not start:\n{self.log}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process
        self.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> str:
        """What all its processes have logged."""
        return re.sub("\x1b\\[[0-9;]*m", "", self._log.read_text(errors="replace"))

    @property
    def pid(self) -> int:
        """Of the process that started Ray."""
        assert self._process
        return self._process.pid

    def terminate(self) -> None:
        """Begin to stop; `__exit__` waits."""
        assert self._process
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait_stopped(self) -> int:
        """Wait until it has stopped; returns its exit code."""
        assert self._process
        return self._process.wait(_STOP_S)

    def replica_of(self, session_id: str) -> int | None:
        """The process that serves, or has served, a session; None: that is not logged yet."""
        found = re.search(rf"pid=(\d+)\).*session {session_id} began", self.log)
        return None if found is None else int(found[1])

    def replicas(self) -> set[int]:
        """The processes that have been replicas so far."""
        return {int(pid) for pid in re.findall(r"pid=(\d+)\).*replica ready", self.log)}

    def processes(self) -> list[int]:
        """All processes below the one that started Ray."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has ended meanwhile
        found = [self.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found
