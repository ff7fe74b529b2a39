"""How soon a busy server opens a session, and how soon it ends one in the middle of a sentence.

    python -m benchmarks.promptness [FOLDER] [--streams 16] [--sessions 48] [--url URL] [--protocol v3]

Sessions are streamed at the speed of speech, each cut off after 70 % of a recording, usually within speech.
One stream more than requested runs, so that each session opens while the requested number of others is open.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.script import exit_code_of
from vivavoce.bench.audio import render
from vivavoce.bench.corpus import folder_or_default, read_manifest, select
from vivavoce.bench.figures import percentile
from vivavoce.bench.loads import short
from vivavoce.bench.player import PlayOptions, play_all
from vivavoce.bench.report import print_table
from vivavoce.bench.server_process import start_server
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.bench.audio import Pcm
    from vivavoce.bench.records import Script, Trace

__all__ = ["CLOSE_WITHIN_S", "OPEN_WITHIN_S", "durations", "main"]

OPEN_WITHIN_S: Final = 0.3
"""Limit from dialling to the session's beginning."""
CLOSE_WITHIN_S: Final = 1.0
"""Limit from the client's request to end to the last final, and to the end."""

_CUT_AT: Final = 0.7
_LONGEST_S: Final = 20.0


def _scripts(folder: Path, n: int) -> list[Script]:
    clips = [clip for clip in select(read_manifest(folder)) if clip.text and clip.duration_s <= _LONGEST_S]
    if not clips:
        raise ConfigurationError(f"{folder}: no recording of at most {_LONGEST_S:g} s with a transcript")
    return list(islice(cycle(short(clips)), n))


def _beginning_of(script: Script) -> Pcm:
    pcm = render(script)
    return pcm[: int(_CUT_AT * len(pcm))]


def durations(traces: Sequence[Trace]) -> dict[str, tuple[list[float], float]]:
    """Return the durations of each kind, in seconds, and the limit of the kind.

    Args:
        traces: Sessions that succeeded.
    """
    ended = [trace for trace in traces if trace.terminated_s is not None]
    finals = [
        [turn.arrival_s - (trace.terminated_s or 0.0) for turn in trace.messages if turn.ended]
        for trace in ended
    ]
    return {
        "to the beginning": (
            [trace.opened_s for trace in traces if trace.opened_s is not None],
            OPEN_WITHIN_S,
        ),
        "to the last final": ([after[-1] for after in finals if after and after[-1] >= 0], CLOSE_WITHIN_S),
        "to the end": ([trace.closed_s - (trace.terminated_s or 0.0) for trace in ended], CLOSE_WITHIN_S),
    }


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.promptness",
        description="How soon a busy server opens sessions, and ends them in the middle of a sentence.",
    )
    add = found.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--streams", type=int, default=16, help="number of other sessions that are open meanwhile")
    add("--sessions", type=int, default=48, help="number of sessions that are opened and ended")
    add("--url", help="server to measure (default: our own is started)")
    add("--key", help="API key for that server")
    add("--protocol", choices=["v2", "v3"], default="v3", help="protocol of the sessions")
    return found


def _measure(arguments: argparse.Namespace) -> int:
    scripts = _scripts(folder_or_default(arguments.folder), arguments.sessions)
    with contextlib.ExitStack() as stack:
        url = arguments.url or stack.enter_context(start_server(["--no-limit-bursts"])).url
        options = PlayOptions(url=url, protocol=arguments.protocol, key=arguments.key, tail_s=0.0)
        traces = asyncio.run(play_all(scripts, arguments.streams + 1, options, load=_beginning_of))
    good = [trace for trace in traces if trace.error is None]
    lines: list[tuple[str, ...]] = [("s", "n", "p50", "p95", "max", "limit")]
    missed = len(traces) - len(good)
    for name, (values, limit) in durations(good).items():
        shown = (percentile(values, 50), percentile(values, 95), max(values)) if values else ()
        lines.append(
            (name, str(len(values)), *(f"{value:.3f}" for value in shown or [float("nan")] * 3), f"{limit:g}")
        )
        missed += not values or max(values) > limit
    print_table(lines)
    for error in sorted({trace.error for trace in traces if trace.error}):
        sys.stderr.write(f"dropped: {error}\n")
    return 1 if missed else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code: 0, 1 if a limit was exceeded or a session dropped, or that of the error."""
    arguments = _parser().parse_args(argv)
    return exit_code_of(lambda: _measure(arguments))


if __name__ == "__main__":
    sys.exit(main())
