"""A Redis of the test's own, which can be killed and started again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from support.time_limit import wait_until

__all__ = ["RedisServer", "redis_server"]


class RedisServer:
    """A ``redis-server`` on a socket file, which keeps every write at once.

    Attributes:
        url: Its address.
        client: A client for the test itself.
    """

    def __init__(self, folder, *, keeps=True):
        self._folder = Path(folder)
        self._keeps = keeps
        self._socket = self._folder / "redis.sock"
        self._process = None
        self.url = f"unix://{self._socket}"
        self.client = pytest.importorskip("redis").Redis(unix_socket_path=str(self._socket))

    def start(self, *options):
        """Start it; ``options`` are of the command."""
        self._process = subprocess.Popen(
            [
                shutil.which("redis-server"), "--port", "0", "--unixsocket", str(self._socket), "--dir",
                str(self._folder), "--save", "", "--appendonly", "yes" if self._keeps else "no",
                "--appendfsync", "always", *options,
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._answers, "the start of Redis")

    def _answers(self):
        assert self._process.poll() is None, "redis-server has ended"
        with socket.socket(socket.AF_UNIX) as it:
            try:
                it.connect(str(self._socket))
                it.sendall(b"PING\r\n")
                return not it.recv(64).startswith(b"-LOADING")
            except OSError:
                return False

    def kill(self):
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()

    def freeze(self):
        """Let it keep its connections and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """Let it answer again."""
        self._process.send_signal(signal.SIGCONT)

    def close(self):
        """End it."""
        self.client.close()
        self.kill()


@pytest.fixture
def redis_server():
    """A Redis that runs; its folder has a short path, as a socket needs."""
    pytest.importorskip("redis")
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server here")
    with tempfile.TemporaryDirectory(prefix="vv-redis-") as folder:
        server = RedisServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.close()
