"""Command line of the measurements; ``vivavoce bench`` has the same options."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.bench.command import Request, execute, exit_code_of, folder_or_default, numbers
from vivavoce.bench.dialects import Silence
from vivavoce.bench.run import Options
from vivavoce.bench.systems import SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "parser"]


def parser() -> argparse.ArgumentParser:
    """The options."""
    found = argparse.ArgumentParser(
        prog="python -m vivavoce.bench",
        description="Stream recordings to a server at the speed of speech and measure what comes back.",
    )
    add = found.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--kind", action="append", default=[], help="only recordings of this kind; may be repeated")
    add("--id", action="append", default=[], help="only this recording; may be repeated")
    add("--limit", type=int, help="at most so many recordings of each kind")
    add("--derived", action="store_true", help="also recordings that are made from others")
    add("--system", choices=SYSTEMS, default="vivavoce", help="what to measure; the library needs no server")
    add("--url", help="server to measure (default: our own is started)")
    add("--key", help="API key for that server")
    add("--pid", type=int, help="process of that server, to measure CPU and memory")
    add("--protocol", choices=["v2", "v3"], default="v3", help="v2 sends 100 ms a message, v3 50 ms")
    add("--streams", type=int, default=1, help="how many at once")
    add(
        "--load",
        choices=["short", "continuous"],
        default="short",
        help="a session per recording, or long ones",
    )
    add("--find-streams", type=int, metavar="MOST", help="search for the number of streams held, up to MOST")
    add("--soak", type=float, metavar="MINUTES", help="continuous streams for so long; memory and latency")
    add("--repeat", type=int, default=1, metavar="K", help="so many runs; medians, minima and maxima")
    add(
        "--speed",
        type=float,
        default=1.0,
        help="times faster than speech: for word error rates only, latencies are left out; "
        "long sessions are slowed down so that 50 s are ahead at most",
    )
    add("--min-silence", type=int, metavar="MS", help="v3: min_turn_silence")
    add("--max-silence", type=int, metavar="MS", help="v3: max_turn_silence, v2: the silence threshold")
    add("--end-of-turn-threshold", type=float, help="v3: end_of_turn_confidence_threshold")
    add("--no-format-turns", action="store_true", help="v3: words without case and punctuation")
    add(
        "--offline", action="store_true", help="also decode each recording in one pass, for the streaming gap"
    )
    add("--server-arg", action="append", default=[], help="argument for our own server; may be repeated")
    add("--server-cores", default="", metavar="N,N", help="cores that what is started may run on")
    add("--json", type=Path, metavar="FILE", help="write all figures; - is standard output")
    add("--traces", type=Path, metavar="FILE", help="write every message with its arrival, a session a line")
    add("--quiet", action="store_true", help="no progress on standard error")
    return found


def _request(arguments: argparse.Namespace) -> Request:
    options = Options(
        folder=folder_or_default(arguments.folder),
        kinds=tuple(arguments.kind),
        ids=tuple(arguments.id),
        limit=arguments.limit,
        derived=arguments.derived,
        system=arguments.system,
        url=arguments.url,
        protocol=arguments.protocol,
        key=arguments.key,
        pid=arguments.pid,
        streams=arguments.streams,
        load=arguments.load,
        speed=arguments.speed,
        silence=Silence(arguments.min_silence, arguments.max_silence, arguments.end_of_turn_threshold),
        format_turns=not arguments.no_format_turns,
        offline=arguments.offline,
        server_arguments=tuple(arguments.server_arg),
        server_cores=numbers(arguments.server_cores),
    )
    return Request(
        options=options,
        find_streams=arguments.find_streams,
        soak_min=arguments.soak,
        repeat=arguments.repeat,
        json=arguments.json,
        traces=arguments.traces,
        quiet=arguments.quiet,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code: 0, 1 if a session was dropped, or that of the error."""
    arguments = parser().parse_args(argv)
    return exit_code_of(lambda: execute(_request(arguments)))


if __name__ == "__main__":
    sys.exit(main())
