"""What do clients that misbehave cost the server, and the others? ``python -m benchmarks.hostile_clients``.

    python -m benchmarks.hostile_clients torn --connections 1000 --seconds 120
    python -m benchmarks.hostile_clients fuzz --messages 10000
    python -m benchmarks.hostile_clients neighbours --seconds 30
    python -m benchmarks.hostile_clients crowd --capacity 8
    python -m benchmarks.hostile_clients burst --sessions 60 --seconds 20

``torn`` opens connections and tears them at random points, and looks what is left in the server: tasks,
threads, descriptors, sessions, memory. ``fuzz`` sends random messages and broken frames, and looks for codes
that no protocol documents and for tracebacks. ``neighbours`` measures how long healthy sessions wait for a
final while others never read, send a hundred times too fast, open 200 idle sockets or are half open.
``crowd`` opens twice as many sessions as a server admits, ``burst`` more than the machine holds on a server
that does not know how many that is. Exits with 1 if anything is worse than it must be.
Times on a shared machine mean little; their ratios are taken from stretches that alternate.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import random
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode

from benchmarks.raw_websocket import close_code, frame, random_message, upgrade
from benchmarks.script import exit_code_of
from benchmarks.watched_server import WatchedServer, watched_server
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.corpus import folder_or_default, read_manifest
from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS as V2_CODES
from vivavoce.protocol.aai_v3.close_codes import CLOSE_TEXTS as V3_CODES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence


__all__ = ["main"]

_RATE_HZ: Final = 16_000
_CHUNK_S: Final = 0.05
_CHUNK_BYTES: Final = int(_RATE_HZ * _CHUNK_S) * 2
_V2: Final = "/v2/realtime/ws?sample_rate=16000"
_V3: Final = "/v3/ws?sample_rate=16000"
_END: Final = '{"type": "Terminate"}'
_FORCE: Final = '{"type": "ForceEndpoint"}'
_HTTP_CODES: Final = {1000, 1002, 1003, 1007, 1008, 1009, 1011, 1013}
_CODES: Final = {
    _V2: _HTTP_CODES | set(V2_CODES),
    _V3: _HTTP_CODES | set(V3_CODES),
}
_PATIENCE_S: Final = 3.0
_SETTLE_S: Final = 45.0  # for what the server does at its leisure: closing handshakes, giving memory back
_MOST_MIB: Final = {"torn": 20.0, "neighbours": 50.0}
_COUNTED: Final = ("tasks", "threads", "descriptors", "sessions", "connections")
_WARM_UP_S: Final = 6.0  # for the first passes of a server
_FEWEST_WAITS: Final = 2
_PAUSE_S: Final = 2.0  # for what a neighbour leaves to be done
_MOST_RATIO: Final = 1.2
_REFUSED_WITHIN_S: Final = 0.2
_CROWD_RATIO: Final = 1.5


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# --- clients ------------------------------------------------------------------------------------


def _speech(seconds: float) -> bytes:
    """The beginning of a recording with clear speech."""
    folder = folder_or_default(None)
    clips = (clip for clip in read_manifest(folder) if clip.text and clip.sample_rate == _RATE_HZ)
    clip = next(clip for clip in clips if clip.duration_s > seconds)
    return load_pcm(clip)[: int(seconds * _RATE_HZ)].tobytes()


async def _dial(server: WatchedServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.port)


@contextlib.asynccontextmanager
async def _peer(server: WatchedServer) -> AsyncIterator[asyncio.StreamWriter]:
    """A connection that is gone when the block ends; the server may have ended it before."""
    _, writer = await _dial(server)
    try:
        with contextlib.suppress(OSError):
            yield writer
    finally:
        writer.transport.abort()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _session(server: WatchedServer, speech: bytes, waits: list[float], over: asyncio.Event) -> None:
    """Speak the same words again and again; note how long each forced final took."""
    async with connect(server.url + _V3, compression=None) as socket:
        while not over.is_set():
            for at in range(0, len(speech), _CHUNK_BYTES):
                await socket.send(speech[at : at + _CHUNK_BYTES].ljust(_CHUNK_BYTES, b"\0"))
                await asyncio.sleep(_CHUNK_S)
            began = time.monotonic()
            await socket.send(_FORCE)
            async with asyncio.timeout(60):
                while not json.loads(await socket.recv()).get("end_of_turn"):
                    pass
            waits.append(time.monotonic() - began)


# --- what is looked at --------------------------------------------------------------------------


async def _torn(arguments: argparse.Namespace) -> list[str]:
    """Connections torn at random points."""
    dice = random.Random(arguments.seed)  # noqa: S311 - no secret
    speech = _speech(3)
    scripts = []
    for path in (_V2, _V3):
        frames = [frame(Opcode.BINARY, speech[at : at + 3_200]) for at in range(0, len(speech), 3_200)]
        scripts.append(upgrade(path) + b"".join(frames) + frame(Opcode.TEXT, _END.encode()))

    async def tear(server: WatchedServer, at_s: float) -> None:
        await asyncio.sleep(at_s)
        script = dice.choice(scripts)
        with contextlib.suppress(OSError):
            _, writer = await _dial(server)
            writer.write(script[: dice.randrange(len(script) + 1)])
            await asyncio.sleep(dice.choice([0, 0.05, 0.5, 2]))
            if dice.random() < 0.5:  # noqa: PLR2004 - half of them are reset
                writer.transport.abort()
            await _close(writer)

    async def tear_many(server: WatchedServer, share: float) -> None:
        n, span_s = round(share * arguments.connections), share * arguments.seconds
        await asyncio.gather(*(tear(server, dice.uniform(0, span_s)) for _ in range(n)))
        await asyncio.sleep(_SETTLE_S)

    async with watched_server() as server:
        await tear_many(server, 0.1)  # what is made when it is first needed, and kept: threads, buffers
        before = await server.figures()
        await tear_many(server, 1)
        after = await server.figures()
        _say(f"before: {before}\nafter:  {after}\ntracebacks: {server.tracebacks}")
        kept = [name for name in _COUNTED if after[name] > before[name]]
        faults = [f"left behind: {name}" for name in kept]
        if after["MiB"] - before["MiB"] > _MOST_MIB["torn"]:
            faults.append("memory")
        return faults + (["tracebacks"] if server.tracebacks else [])


async def _fuzz(arguments: argparse.Namespace) -> list[str]:
    """Random messages in random sessions."""
    dice = random.Random(arguments.seed)  # noqa: S311 - no secret
    codes: dict[str, dict[int | None, int]] = {_V2: {}, _V3: {}}

    async def attack(server: WatchedServer, path: str, messages: list[bytes]) -> None:
        reader, writer = await _dial(server)
        data, code = b"", None
        with contextlib.suppress(OSError, TimeoutError):
            writer.write(upgrade(path) + b"".join(messages) + frame(Opcode.TEXT, _END.encode()))
            async with asyncio.timeout(_PATIENCE_S):  # the server may wait for the rest of a broken frame
                while code is None and (part := await reader.read(65_536)):
                    data += part
                    code = close_code(data)
        await _close(writer)
        codes[path][code] = codes[path].get(code, 0) + 1

    async with watched_server() as server:
        slots = asyncio.Semaphore(16)

        async def one(path: str, messages: list[bytes]) -> None:
            async with slots:
                await attack(server, path, messages)

        for path in (_V2, _V3):
            sent, tasks = 0, []
            while sent < arguments.messages:
                messages = [random_message(dice) for _ in range(dice.choice([1, 2, 5, 10]))]
                sent += len(messages)
                tasks.append(one(path, messages))
            await asyncio.gather(*tasks)
            _say(f"{path.partition('?')[0]}: {sent} messages, {len(tasks)} sessions, codes {codes[path]}")
        unknown = {
            code for path in codes for code in codes[path] if code is not None and code not in _CODES[path]
        }
        _say(f"tracebacks: {server.tracebacks}; after: {await server.figures()}")
        return [f"undocumented code {code}" for code in unknown] + (
            ["tracebacks"] if server.tracebacks else []
        )


async def _never_reads(server: WatchedServer) -> None:
    async with _peer(server) as writer:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(upgrade(_V3 + "&partials_ms=100"))
        while True:
            writer.write(frame(Opcode.PING, bytes(125)) * 8 + frame(Opcode.BINARY, bytes(_CHUNK_BYTES)))
            await writer.drain()
            await asyncio.sleep(_CHUNK_S)


async def _too_fast(server: WatchedServer) -> None:
    while True:
        with contextlib.suppress(OSError, ConnectionClosed):
            async with connect(server.url + _V3, compression=None) as socket:
                while True:
                    await socket.send(bytes(_CHUNK_BYTES))
                    await asyncio.sleep(_CHUNK_S / 100)
        await asyncio.sleep(0.1)


async def _idle_sockets(server: WatchedServer) -> None:
    while True:
        async with contextlib.AsyncExitStack() as stack:
            for index in range(200):
                writer = await stack.enter_async_context(_peer(server))
                writer.write(upgrade(_V3)[: index % 100])
            await asyncio.sleep(12)


async def _half_open(server: WatchedServer) -> None:
    """A client that says nothing more: no audio, no answers, no end."""
    async with _peer(server) as writer:
        writer.write(upgrade(_V3) + frame(Opcode.BINARY, bytes(_CHUNK_BYTES))[:-700])
        await asyncio.Event().wait()


async def _nobody(_server: WatchedServer) -> None:
    """The control: what stretches differ by when nothing does."""
    await asyncio.Event().wait()


_NEIGHBOURS: Final = {
    "nobody": _nobody,
    "never reads": _never_reads,
    "100 times too fast": _too_fast,
    "200 idle sockets": _idle_sockets,
    "half open": _half_open,
}


@dataclasses.dataclass
class _Stretches:
    """What was measured in the stretches of one kind."""

    waits_s: list[float] = dataclasses.field(default_factory=list)
    cpu_s: float = 0.0
    most_mib: float = 0.0

    @property
    def wait_ms(self) -> float:
        """The median of the waits."""
        return 1000 * statistics.median(self.waits_s)


async def _waits_in(seconds: float, waits: list[float]) -> list[float]:
    """The waits of the next seconds; of more seconds where they would be too few to say anything."""
    waits.clear()
    await asyncio.sleep(seconds)
    while len(waits) < _FEWEST_WAITS:  # noqa: ASYNC110 - sessions append to it
        await asyncio.sleep(0.1)
    return list(waits)


async def _stretch(server: WatchedServer, waits: list[float], seconds: float, into: _Stretches) -> None:
    before = await server.figures()
    into.waits_s += await _waits_in(seconds, waits)
    after = await server.figures()
    into.cpu_s += after["CPU s"] - before["CPU s"]
    into.most_mib = max(into.most_mib, after["MiB"])


async def _beside(
    neighbour: Callable[[WatchedServer], Coroutine[Any, Any, None]],
    speech: bytes,
    arguments: argparse.Namespace,
) -> tuple[_Stretches, _Stretches, int]:
    """Measure two healthy sessions alone and beside a neighbour, in turn."""
    alone, beside = _Stretches(), _Stretches()
    seconds = arguments.seconds / arguments.rounds
    async with watched_server() as server:
        waits: list[float] = []
        over = asyncio.Event()
        healthy = [asyncio.create_task(_session(server, speech, waits, over)) for _ in range(2)]
        await asyncio.sleep(_WARM_UP_S)
        for _ in range(arguments.rounds):
            await _stretch(server, waits, seconds, alone)
            bad = asyncio.create_task(neighbour(server))
            await _stretch(server, waits, seconds, beside)
            bad.cancel()
            await asyncio.wait([bad])
            await asyncio.sleep(_PAUSE_S)
        over.set()
        await asyncio.gather(*healthy)
        return alone, beside, server.tracebacks


async def _neighbours(arguments: argparse.Namespace) -> list[str]:
    """Healthy sessions beside clients that misbehave."""
    speech, faults = _speech(2), []
    for name, neighbour in _NEIGHBOURS.items():
        alone, beside, tracebacks = await _beside(neighbour, speech, arguments)
        ratio, memory = beside.wait_ms / alone.wait_ms, beside.most_mib - alone.most_mib
        _say(
            f"{name}: finals {alone.wait_ms:.0f} -> {beside.wait_ms:.0f} ms (ratio {ratio:.2f}, "
            f"n = {len(alone.waits_s)}), CPU ratio {beside.cpu_s / alone.cpu_s:.2f}, "
            f"memory {memory:+.1f} MiB, tracebacks {tracebacks}"
        )
        faults += [f"{name}: latency"] if ratio > _MOST_RATIO else []
        faults += [f"{name}: memory"] if memory > _MOST_MIB["neighbours"] else []
        faults += [f"{name}: tracebacks"] if tracebacks else []
    return faults


async def _crowd(arguments: argparse.Namespace) -> list[str]:
    """Twice as many sessions as the server admits."""
    speech = _speech(2)
    async with watched_server(arguments.capacity) as server:
        waits: list[float] = []
        over = asyncio.Event()
        admitted = [
            asyncio.create_task(_session(server, speech, waits, over)) for _ in range(arguments.capacity)
        ]
        await asyncio.sleep(_WARM_UP_S)
        alone, beside, refusals, headers = [], [], [], set()
        for _ in range(arguments.rounds):
            alone += await _waits_in(arguments.seconds / arguments.rounds, waits)
            waits.clear()
            until = time.monotonic() + arguments.seconds / arguments.rounds
            while time.monotonic() < until or len(waits) < _FEWEST_WAITS:
                for _ in range(arguments.capacity):
                    began = time.monotonic()
                    try:
                        async with connect(server.url + _V3, compression=None):
                            refusals.append(float("inf"))
                    except InvalidStatus as refused:
                        refusals.append(time.monotonic() - began)
                        headers.add(refused.response.headers.get("Retry-After"))
                await asyncio.sleep(1)
            beside += waits
        over.set()
        await asyncio.gather(*admitted)
        p95 = [statistics.quantiles(each, n=20)[-1] for each in (alone, beside, refusals)]
        _say(
            f"finals p95 {p95[0] * 1000:.0f} -> {p95[1] * 1000:.0f} ms (ratio {p95[1] / p95[0]:.2f}), "
            f"{len(refusals)} refused, p95 {p95[2] * 1000:.0f} ms, longest {max(refusals) * 1000:.0f} ms, "
            f"Retry-After {sorted(map(str, headers))}"
        )
        faults = ["latency"] if p95[1] > _CROWD_RATIO * p95[0] else []
        return faults + (["refusals"] if p95[2] > _REFUSED_WITHIN_S or None in headers else [])


async def _burst(arguments: argparse.Namespace) -> list[str]:
    """Many sessions at once on a server that does not know how many the machine holds."""
    speech = _speech(2)
    async with watched_server(limit_bursts=not arguments.no_limit_bursts) as server:
        few: list[float] = []
        many: list[float] = []
        over, headers = asyncio.Event(), set()

        async def one(waits: list[float]) -> None:
            try:
                await _session(server, speech, waits, over)
            except InvalidStatus as refused:
                headers.add(refused.response.headers.get("Retry-After"))

        first = [asyncio.create_task(one(few)) for _ in range(2)]
        await asyncio.sleep(_WARM_UP_S)
        alone = await _waits_in(arguments.seconds / 4, few)
        burst = [asyncio.create_task(one(many)) for _ in range(arguments.sessions)]
        await asyncio.sleep(_WARM_UP_S)  # until they speak
        beside = await _waits_in(arguments.seconds, many)
        n_refused = sum(task.done() for task in burst)
        over.set()
        await asyncio.gather(*first, *burst)
        p95 = [statistics.quantiles(each, n=20)[-1] for each in (alone, beside)]
        _say(
            f"{arguments.sessions} at once: {n_refused} refused, Retry-After {sorted(map(str, headers))}; "
            f"finals p95 {p95[0] * 1000:.0f} -> {p95[1] * 1000:.0f} ms (ratio {p95[1] / p95[0]:.2f})"
        )
        return (["latency"] if p95[1] > _CROWD_RATIO * p95[0] else []) + (
            ["no Retry-After"] if None in headers else []
        )


_SCENARIOS: Final = {
    "torn": _torn,
    "fuzz": _fuzz,
    "neighbours": _neighbours,
    "crowd": _crowd,
    "burst": _burst,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenario", choices=[*_SCENARIOS])
    parser.add_argument("--connections", type=int, default=1_000)
    parser.add_argument("--messages", type=int, default=10_000, help="of each protocol")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--rounds", type=int, default=3, help="stretches that alternate")
    parser.add_argument("--capacity", type=int)
    parser.add_argument("--sessions", type=int, default=60, help="of a burst")
    parser.add_argument("--no-limit-bursts", action="store_true", help="of a burst: admit all of it")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a scenario; returns the exit code."""
    arguments = _parser().parse_args(argv)
    faults = asyncio.run(_SCENARIOS[arguments.scenario](arguments))
    _say(f"{arguments.scenario}: {', '.join(faults) or 'ok'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
