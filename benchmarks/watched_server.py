"""A server in a process of its own whose insides can be read: tasks, descriptors, sessions, memory, log."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.script import exit_code_of
from vivavoce.bench.server_process import start_server
from vivavoce.server import ServerOptions
from vivavoce.server.run import make_server
from vivavoce.server.sockets import listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from vivavoce.bench.server_process import RunningServer
    from vivavoce.server.engines import EngineMaker

__all__ = ["WatchedServer", "main", "watched_server"]


class WatchedServer:
    """A server, seen from outside.

    Attributes:
        url: Where it listens.
        log: The file of its log.
    """

    def __init__(self, server: RunningServer, folder: Path) -> None:
        self.url = server.url
        self.log = folder / "log"
        self._pid = server.pid
        self._file = folder / "figures.json"

    async def figures(self) -> dict[str, float]:
        """Return how many tasks, threads, descriptors, sessions and connections; MiB, and CPU time."""
        self._file.unlink(missing_ok=True)
        os.kill(self._pid, signal.SIGUSR1)
        while not self._file.exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
        found: dict[str, float] = json.loads(self._file.read_text())
        proc = Path(f"/proc/{self._pid}")
        fields = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
        found["descriptors"] = len(list((proc / "fd").iterdir()))
        found["threads"] = int(fields["Threads"])
        times = (proc / "stat").read_text().rpartition(")")[2].split()
        found["CPU s"] = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        found["MiB"] = round(int(fields["VmRSS"].split()[0]) / 1024, 1)
        return found

    @property
    def tracebacks(self) -> int:
        """How many its log has."""
        return self.log.read_text(errors="replace").count("Traceback")

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self.url.rpartition(":")[2])


@contextlib.asynccontextmanager
async def watched_server(
    capacity: int | None = None,
    *,
    limit_bursts: bool = True,
    program: str = "benchmarks.watched_server",
) -> AsyncIterator[WatchedServer]:
    """Run a server with the default model until the block ends.

    Args:
        capacity: How many sessions it admits; None: no limit.
        limit_bursts: Whether it refuses what it is not expected to hold.
        program: The module whose `main` serves.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arguments = ["--figures", str(folder / "figures.json"), "--log", str(folder / "log")]
        arguments += [] if capacity is None else ["--capacity", str(capacity)]
        arguments += [] if limit_bursts else ["--no-limit-bursts"]
        with start_server(arguments, program=[program]) as running:
            yield WatchedServer(running, folder)


def _serve(arguments: argparse.Namespace, engine: EngineMaker | None) -> None:
    logging.basicConfig(filename=arguments.log, level=logging.INFO)
    options = ServerOptions(
        host=arguments.host,
        port=arguments.port,
        max_sessions=arguments.capacity,
        limit_bursts=not arguments.no_limit_bursts,
    )
    server = make_server(options, engine=engine)

    def write() -> None:
        figures = {
            "tasks": len(asyncio.all_tasks()),
            "sessions": len(server.service.connections),
            "connections": server.service.gate.n_open,
        }
        part = arguments.figures.with_suffix(".part")
        part.write_text(json.dumps(figures))
        part.rename(arguments.figures)

    async def run() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, write)
        await server.serve(listen(options.host, options.port))

    asyncio.run(run())


def main(argv: Sequence[str] | None = None, *, engine: EngineMaker | None = None) -> int:
    """Serve; SIGUSR1 writes the figures.

    Args:
        argv: The command line; None: that of the process.
        engine: Makes the engine of a model; None: one that loads its files.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--capacity", type=int)
    parser.add_argument("--no-limit-bursts", action="store_true")
    return exit_code_of(lambda: _serve(parser.parse_args(argv), engine))


if __name__ == "__main__":
    sys.exit(main())
