"""Systems under test: a server over WebSockets, or a library in a process."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import msgspec

from vivavoce.bench.audio import render, write_pcm
from vivavoce.bench.client_dialects import TurnSilence
from vivavoce.bench.moonshine_library import Job, Played, Ready, SessionAudio
from vivavoce.bench.player import PlayOptions, play_all
from vivavoce.bench.records import Trace
from vivavoce.bench.resources import cores_of
from vivavoce.bench.server_process import log_tail, start_server, stop
from vivavoce.errors import ExtrasNotInstalledError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vivavoce.bench.options import Options
    from vivavoce.bench.records import Script, SilenceRule

__all__ = ["MoonshineLibrary", "Server", "System", "library_process", "running"]


class System(Protocol):
    """A system that transcribes recordings while they are streamed.

    Attributes:
        name: Of the system, for tables.
        address: Its address, or a description.
        protocol: ``v2``, ``v3`` or ``library``.
        chunk_ms: Audio per message.
        pid: Its process; None if unknown.
        nominal: Whether it has a silence threshold of its own.
        rule: How much silence ends a turn. For a system without a threshold the measured stand-in; None until
            it is measured, with one stream.
    """

    rule: SilenceRule | None

    @property
    def name(self) -> str: ...  # noqa: D102 - documented above
    @property
    def address(self) -> str: ...  # noqa: D102
    @property
    def protocol(self) -> str: ...  # noqa: D102
    @property
    def chunk_ms(self) -> int: ...  # noqa: D102
    @property
    def pid(self) -> int | None: ...  # noqa: D102
    @property
    def nominal(self) -> bool: ...  # noqa: D102

    async def play_all(
        self, scripts: Sequence[Script], streams: int, on_done: Callable[[Script, Trace], None]
    ) -> list[Trace]:
        """Stream sessions concurrently; returns a trace per session, in their order."""


class Server:
    """A server that speaks one of the protocols."""

    nominal = True

    def __init__(self, play: PlayOptions, pid: int | None = None, *, name: str = "server") -> None:
        self._play = play
        self.pid = pid
        self.name = name
        dialect = play.dialect()
        parts = urlsplit(play.url)
        # An address may contain a key, and reports are passed on.
        self.address = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        self.protocol: str = play.protocol
        self.chunk_ms = dialect.chunk_ms
        self.rule: SilenceRule | None = dialect.rule()

    async def play_all(
        self, scripts: Sequence[Script], streams: int, on_done: Callable[[Script, Trace], None]
    ) -> list[Trace]:
        """Stream sessions over WebSockets."""
        return await play_all(scripts, streams, self._play, on_done=on_done)


class MoonshineLibrary:
    """A process that runs ``moonshine_library``."""

    chunk_ms = 50
    protocol = "library"
    nominal = False

    def __init__(
        self, process: subprocess.Popen[bytes], name: str, address: str, *, tail_s: float, stagger_s: float
    ) -> None:
        self._process = process
        self._tail_s = tail_s
        self._stagger_s = stagger_s
        self.name = name
        self.address = address
        self.pid: int | None = process.pid
        self.rule: SilenceRule | None = None

    async def play_all(
        self, scripts: Sequence[Script], streams: int, on_done: Callable[[Script, Trace], None]
    ) -> list[Trace]:
        """Let the process stream sessions, and wait for all of them."""
        with tempfile.TemporaryDirectory(prefix="vivavoce-bench-") as folder:
            files: dict[int, str] = {}  # repeated scripts share a file
            for script in scripts:
                if id(script) not in files:
                    path = Path(folder) / f"{len(files)}.pcm"
                    write_pcm(path, render(script))
                    files[id(script)] = str(path)
            job = Job(
                tuple(SessionAudio(files[id(script)], script.sample_rate) for script in scripts),
                streams,
                self.chunk_ms,
                self._tail_s,
                self._stagger_s,
            )
            try:
                return await asyncio.to_thread(self._run, job, scripts, on_done)
            except asyncio.CancelledError:
                self._process.kill()  # else the thread would wait until all sessions end
                raise

    def _run(
        self, job: Job, scripts: Sequence[Script], on_done: Callable[[Script, Trace], None]
    ) -> list[Trace]:
        traces: list[Trace] = [Trace(error="the library's process ended")] * len(scripts)
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101 - it was started with pipes
        assert stdout is not None  # noqa: S101
        try:
            stdin.write(msgspec.json.encode(job) + b"\n")
            stdin.flush()
        except OSError:
            return traces
        for _ in scripts:
            line = stdout.readline()
            if not line:
                break
            played = msgspec.json.decode(line, type=Played)
            traces[played.session] = played.trace
            on_done(scripts[played.session], played.trace)
        return traces


def _first_line(stream: IO[bytes], process: subprocess.Popen[bytes], timeout_s: float) -> bytes:
    late = threading.Timer(timeout_s, process.kill)
    late.start()
    try:
        return stream.readline()
    finally:
        late.cancel()


@contextlib.contextmanager
def library_process(
    *,
    tuned: bool = False,
    cores: Sequence[int] = (),
    tail_s: float = 1.5,
    stagger_s: float = 0.27,
    timeout_s: float = 60.0,
    command: Sequence[str] = (),
) -> Iterator[MoonshineLibrary]:
    """Run the library in a process until the block ends.

    Args:
        tuned: Whether to use a transcriber per core and a thread per pass, not the documented defaults.
        cores: Numbers of the cores that it may use; empty: all.
        tail_s: Silence after the last recording of a session, in seconds.
        stagger_s: Time between the starts of streams, in seconds.
        timeout_s: How long it may take to load, in seconds.
        command: What to run instead, for tests.

    Raises:
        ExtrasNotInstalledError: The package is not installed.
        ServerError: The process did not become ready; the message ends with the end of its log.
    """
    if not command and importlib.util.find_spec("moonshine_voice") is None:
        raise ExtrasNotInstalledError('moonshine-voice is not installed; run: pip install "vivavoce[server]"')
    number = len(cores) or cores_of(os.getpid())
    chosen = [*command] or [sys.executable, "-m", "vivavoce.bench.moonshine_library"]
    chosen += ["--tuned", "--cores", str(number)] if tuned else []
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(chosen, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)  # noqa: S603 - our own
        try:
            if cores:
                os.sched_setaffinity(process.pid, cores)
            stdout = process.stdout
            assert stdout is not None  # noqa: S101 - it was started with a pipe
            line = _first_line(stdout, process, timeout_s)
            if not line:
                raise ServerError(f"moonshine-voice did not start: {log_tail(log)}")
            version = msgspec.json.decode(line, type=Ready).version
            name = "moonshine-voice-tuned" if tuned else "moonshine-voice"
            how = f"{number} transcriber(s), one thread per pass" if tuned else "as documented"
            yield MoonshineLibrary(
                process, name, f"moonshine-voice {version}, {how}", tail_s=tail_s, stagger_s=stagger_s
            )
        finally:
            stop(process)


@contextlib.contextmanager
def running(options: Options) -> Iterator[System]:
    """Run the chosen system until the block ends; a server with an address runs already."""
    if options.system != "vivavoce":
        with library_process(tuned=options.system.endswith("-tuned"), cores=options.server_cores) as library:
            yield library
        return
    if options.url is not None:
        yield Server(_play_options(options, options.url), options.pid)
        return
    with start_server(
        ["--no-limit-bursts", *options.server_arguments], cores=options.server_cores
    ) as started:
        yield Server(_play_options(options, started.url), started.pid, name="vivavoce")


def _play_options(options: Options, url: str) -> PlayOptions:
    return PlayOptions(
        url=url,
        protocol=options.protocol,
        key=options.key,
        speed=options.speed,
        format_turns=not options.unformatted,
        silence=TurnSilence(options.min_silence_ms, options.max_silence_ms, options.end_of_turn_threshold),
    )
