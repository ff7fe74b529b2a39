"""How soon do readers of a room see what its speaker says? ``python -m benchmarks.readers``.

    python -m benchmarks.readers --readers 300 --sessions 4 --seconds 60

Starts a server, lets sessions stream recordings in real time, one of them in a room, and lets readers follow
that room over HTTP. The delay of a reader is measured from the moment at which the speaker's client has a
message to the moment at which the reader has the same text. ``--readers 0`` measures the sessions alone: the
lag of a word is the time from its end in the audio to the first message that contains it. Readers, sessions
and server share the cores of this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from websockets.asyncio.client import connect

from benchmarks.script import exit_code_of
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.corpus import folder_or_default, read_manifest
from vivavoce.bench.server_process import start_server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.bench.records import Clip

__all__ = ["main"]

_RATE_HZ: Final = 16_000
_CHUNK_S: Final = 0.1
_PAUSE_S: Final = 1.5  # of silence between two recordings
_ROOM: Final = "measured"
_OPENING_AT_ONCE: Final = 50


@dataclass
class _Seen:
    """When the speaker's client, and its readers, had a text first; seconds of `time.monotonic`."""

    by_client: dict[tuple[bool, str], float] = field(default_factory=dict)  # by whether it is final, and text
    by_readers: list[tuple[tuple[bool, str], float]] = field(default_factory=list)
    word_lags_s: list[float] = field(default_factory=list)
    n_lost_readers: int = 0


async def _speak(url: str, clips: Sequence[Clip], seconds: float, seen: _Seen, *, in_room: bool) -> None:
    query = f"sample_rate={_RATE_HZ}&format_turns=true" + (f"&room={_ROOM}" if in_room else "")
    async with connect(f"{url}/v3/ws?{query}", compression=None) as socket:
        await socket.recv()
        began = time.monotonic()
        listening = asyncio.create_task(_listen(socket, began, seen, in_room=in_room))
        pieces = _pieces(clips)
        for number in range(int(seconds / _CHUNK_S)):
            await asyncio.sleep(max(0.0, began + number * _CHUNK_S - time.monotonic()))
            await socket.send(next(pieces))
        await socket.send('{"type": "Terminate"}')
        await listening


async def _listen(socket: Any, began: float, seen: _Seen, *, in_room: bool) -> None:
    turn, n_shown = -1, 0
    async for frame in socket:
        now = time.monotonic()
        message = json.loads(frame)
        if message["type"] != "Turn":
            continue
        words = message["words"]
        if in_room:
            text = " ".join(word["text"] for word in words)
            seen.by_client.setdefault((message["end_of_turn"], text), now)
        if message["turn_order"] != turn:
            turn, n_shown = message["turn_order"], 0
        if not message["end_of_turn"]:  # formatting may join words of a finished turn
            seen.word_lags_s += [now - began - word["end"] / 1000 for word in words[n_shown:]]
            n_shown = max(n_shown, len(words))


def _pieces(clips: Sequence[Clip]) -> Any:
    size = int(_RATE_HZ * _CHUNK_S)
    silence = np.zeros(int(_RATE_HZ * _PAUSE_S), np.int16)
    for clip in itertools.cycle(clips):
        samples = np.concatenate([load_pcm(clip), silence])
        for at in range(0, len(samples) - size + 1, size):
            yield samples[at : at + size].tobytes()


async def _read(port: int, seen: _Seen) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        writer.write(f"GET /r/{_ROOM}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        kind = b""
        while line := await reader.readline():
            if line.startswith(b"event: "):
                kind = line[7:].strip()
            elif line.startswith(b"data: ") and kind in {b"line", b"partial"}:
                now = time.monotonic()
                content = json.loads(line[6:])
                text = content.get("text") or f"{content['stable']} {content['tail']}".strip()
                if text:
                    seen.by_readers.append(((kind == b"line", text), now))
        seen.n_lost_readers += 1
    finally:
        writer.close()


async def _measure(url: str, clips: list[Clip], arguments: argparse.Namespace) -> _Seen:
    seen = _Seen()
    port = int(url.rpartition(":")[2])
    readers = []
    for number in range(arguments.readers):
        readers.append(asyncio.create_task(_read(port, seen)))
        if number % _OPENING_AT_ONCE == _OPENING_AT_ONCE - 1:
            await asyncio.sleep(0.2)
    await asyncio.sleep(1.0)
    await asyncio.gather(
        *(
            _speak(url, clips[number:] + clips[:number], arguments.seconds, seen, in_room=number == 0)
            for number in range(arguments.sessions)
        )
    )
    await asyncio.sleep(1.0)
    for reading in readers:
        reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*readers, return_exceptions=True)
    return seen


def _percentiles(values: Sequence[float]) -> str:
    if not len(values):
        return "none"
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return f"p50 {p50:.3f}, p95 {p95:.3f}, p99 {p99:.3f} s"


def _run(arguments: argparse.Namespace) -> int:
    manifest = read_manifest(folder_or_default(arguments.eval))
    clips = [clip for clip in manifest if clip.kind == "read" and clip.sample_rate == _RATE_HZ][:40]
    with start_server(["--max-readers", str(arguments.readers + 1)]) as server:
        seen = asyncio.run(_measure(server.url, clips, arguments))
    delays = [at - seen.by_client[text] for text, at in seen.by_readers if text in seen.by_client]
    rows = [
        f"{arguments.readers} readers, {arguments.sessions} sessions, {arguments.seconds:g} s",
        f"lag of words at the clients: {_percentiles(seen.word_lags_s)} ({len(seen.word_lags_s)} words)",
    ]
    if arguments.readers:
        n_texts = len({text for text, _ in seen.by_readers} & seen.by_client.keys())
        rows += [
            f"delay of readers: {_percentiles(delays)} ({len(delays)} deliveries of {n_texts} texts)",
            f"readers that were lost: {seen.n_lost_readers}",
        ]
    sys.stdout.write("\n".join(rows) + "\n")
    return 0


def main() -> int:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--readers", type=int, default=300)
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--eval", type=Path, help="recordings with their manifest")
    arguments = parser.parse_args()
    return exit_code_of(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
