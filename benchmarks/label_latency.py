"""How much later a finished turn comes when it says who speaks.

Conversations (`benchmarks.diarizers`) are streamed to a server of its own at the speed of speech, each by two
sessions at once that send the same pieces at the same moments: one with speaker labels, one without. The time
from a turn of the one to the same turn of the other is what its label costs.

    python -m benchmarks.label_latency [FOLDER] --kind read [--form pauses] [--sessions 3]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.diarizers import FORMS, drawn
from benchmarks.script import add_recording_options, exit_code_of, named_recordings
from benchmarks.speakers import voices_of
from vivavoce import connect_async
from vivavoce.bench.server_process import start_server
from vivavoce.client.events import TurnEvent
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_CHUNK_S: Final = 0.05
_WARM_UP_S: Final = 6.0  # the voice encoder is loaded by the first session that asks
_SAMPLE_BYTES: Final = 2
_SAME_TURN_MS: Final = 200


async def _finals(url: str, pcm: bytes, start: float, *, labels: bool) -> list[tuple[int, float, float]]:
    """Stream a recording; return the end, the length in ms and the time of arrival of each turn."""
    found: list[tuple[int, float, float]] = []
    async with connect_async(url=url, reconnect=None, speaker_labels=labels) as session:

        async def receive() -> None:
            async for event in session.events():
                if isinstance(event, TurnEvent) and event.end_of_turn and event.words:
                    first, last = event.words[0].start, event.words[-1].end
                    found.append((last, last - first, time.monotonic()))

        receiving = asyncio.create_task(receive())
        step = int(_CHUNK_S * MODEL_RATE_HZ) * _SAMPLE_BYTES
        for number, at in enumerate(range(0, len(pcm), step)):
            await asyncio.sleep(max(0.0, start + number * _CHUNK_S - time.monotonic()))
            await session.send(pcm[at : at + step])
        await session.end()
        await receiving
    return found


async def _both(url: str, pcm: bytes) -> list[tuple[float, float]]:
    """Stream a recording twice at once; return the length of each turn and how much later its label is."""
    start = time.monotonic() + 0.5
    labelled, plain = await asyncio.gather(
        _finals(url, pcm, start, labels=True), _finals(url, pcm, start, labels=False)
    )
    found = []
    for end, length, at in labelled:
        same = [other for other in plain if abs(other[0] - end) < _SAME_TURN_MS]
        if same:
            found.append((length / 1000, at - same[0][2]))
    return found


def _measure(url: str, recordings: Sequence[bytes]) -> list[tuple[float, float]]:
    asyncio.run(_both(url, recordings[0][: int(_WARM_UP_S * MODEL_RATE_HZ) * _SAMPLE_BYTES]))
    return [each for pcm in recordings for each in asyncio.run(_both(url, pcm))]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.label_latency", description="How much later a turn comes with its speaker."
    )
    add_recording_options(parser)
    parser.add_argument("--form", choices=FORMS, default="pauses", help="of the conversations")
    parser.add_argument("--speakers", type=int, default=2, metavar="N", help="of a conversation")
    parser.add_argument(
        "--sessions", type=int, default=3, metavar="N", help="conversations, of a minute each"
    )
    parser.add_argument("--model", default="auto", help="voice encoder: auto, a name or a file")
    arguments = parser.parse_args(argv)
    voices = voices_of(named_recordings(arguments))
    recordings = [each.pcm for each in drawn(voices, arguments.form, arguments.speakers, arguments.sessions)]
    with start_server(["--speaker-model", arguments.model]) as server:
        found = _measure(server.url, recordings)
    lengths, delays = (np.array(column) for column in zip(*found, strict=True))
    sys.stdout.write("| turns | how many | label later, ms: p50 | p95 | most |\n|---|---:|---:|---:|---:|\n")
    for name, chosen in (
        ("all", lengths >= 0),
        ("up to 3 s", lengths < 3),  # noqa: PLR2004 - as named
        ("3 to 6 s", (lengths >= 3) & (lengths < 6)),  # noqa: PLR2004
        ("from 6 s", lengths >= 6),  # noqa: PLR2004
    ):
        if chosen.any():
            here = 1000 * delays[chosen]
            sys.stdout.write(
                f"| {name} | {len(here)} | {np.median(here):.0f} | {np.percentile(here, 95):.0f}"
                f" | {here.max():.0f} |\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
