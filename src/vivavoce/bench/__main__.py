"""Command line of the measurements; ``vivavoce bench`` calls the same ``run``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vivavoce.bench.capacity import capacity
from vivavoce.bench.corpus import find_eval
from vivavoce.bench.dialects import Silence
from vivavoce.bench.report import print_report, to_json
from vivavoce.bench.run import Options, measure
from vivavoce.errors import VivavoceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.bench.model import Script, Trace

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vivavoce.bench",
        description="Stream recordings to a server at the speed of speech and measure what comes back.",
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--kind", action="append", default=[], help="only recordings of this kind; may be repeated")
    add("--id", action="append", default=[], help="only this recording; may be repeated")
    add("--limit", type=int, help="at most so many recordings of each kind")
    add("--derived", action="store_true", help="also recordings that are made from others")
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
    add("--server-cores", default="", metavar="N,N", help="cores that our own server may run on")
    add("--json", type=Path, metavar="FILE", help="write all figures; - is standard output")
    add("--traces", type=Path, metavar="FILE", help="write every message with its arrival, a session a line")
    add("--quiet", action="store_true", help="no progress on standard error")
    return parser


def _options(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> Options:
    folder = arguments.folder or find_eval()
    if folder is None:
        parser.error("no folder given, and the evaluation set is not here (VIVAVOCE_EVAL)")
    try:
        cores = tuple(int(core) for core in arguments.server_cores.split(",") if core)
    except ValueError:
        parser.error(f"--server-cores: expected numbers, got {arguments.server_cores!r}")
    return Options(
        folder=folder,
        kinds=tuple(arguments.kind),
        ids=tuple(arguments.id),
        limit=arguments.limit,
        derived=arguments.derived,
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
        server_cores=cores,
    )


def _trace_line(script: Script, trace: Trace) -> bytes:
    clips = [{"id": placed.clip.id, "offset_s": placed.offset_s} for placed in script.clips]
    return msgspec.json.encode({"clips": clips, **msgspec.to_builtins(trace)}) + b"\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code: 0, 1 if a session was dropped, or that of the error."""
    parser = _parser()
    arguments = parser.parse_args(argv)

    def progress(line: str) -> None:
        sys.stderr.write(line + "\n")

    told = None if arguments.quiet else progress
    try:
        options = _options(arguments, parser)
        if arguments.find_streams:
            if options.speed != 1:
                parser.error("--find-streams needs real times: leave --speed out")
            held, reports = capacity(options, arguments.find_streams, progress=told)
            for report in reports:
                print_report(report)
            cores = reports[-1].cores
            sys.stdout.write(f"{held} streams held, {held / cores:.1f} per core\n")
            if arguments.json:
                encoded = [msgspec.Raw(to_json(report)) for report in reports]
                _write(arguments.json, msgspec.json.encode({"held": held, "trials": encoded}))
            return 0
        outcome = measure(options, progress=told)
    except VivavoceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if str(arguments.json) != "-":
        print_report(outcome.report)
    if arguments.json:
        _write(arguments.json, to_json(outcome.report))
    if arguments.traces:
        lines = [_trace_line(script, trace) for script, trace in outcome.sessions]
        arguments.traces.write_bytes(b"".join(lines))
    return 1 if outcome.report.overall.dropped else 0


def _write(path: Path, content: bytes) -> None:
    if str(path) == "-":
        sys.stdout.write(content.decode() + "\n")
    else:
        path.write_bytes(content + b"\n")


if __name__ == "__main__":
    sys.exit(main())
