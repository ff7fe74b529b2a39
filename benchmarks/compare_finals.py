"""Did a change of the code change what the server sends? ``python -m benchmarks.compare_finals``.

    python -m benchmarks.compare_finals record before.jsonl --protocol v3
    (change the code)
    python -m benchmarks.compare_finals record after.jsonl --protocol v3
    python -m benchmarks.compare_finals compare before.jsonl after.jsonl

``record`` streams every recording through protocol, session and models in this process, which is
deterministic, and writes all messages: a line ``{"id": ..., "messages": [...]}`` per recording. ``compare``
says which recordings differ, in finals and in anything else, and exits with 1 if finals do. The end of a
turn is judged by words and voice alone: smart-turn is optional and would make files incomparable.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from benchmarks.in_process import PROTOCOLS, Recognition, wire_messages
from benchmarks.script import exit_code_of
from vivavoce.asr.models import load_detector, load_recogniser
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.corpus import folder_or_default, read_manifest
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.bench.options import ProtocolName

__all__ = ["Recorded", "compare", "is_final", "main", "read", "record"]

_SESSION_ID: Final = frozenset({"session_id", "id"})  # its names in v2 and v3


class Recorded(msgspec.Struct):
    """The messages of one recording, in their order."""

    id: str
    messages: list[dict[str, Any]]


def is_final(message: dict[str, Any]) -> bool:
    """Return whether a message of either protocol holds the final words of a turn."""
    return message.get("message_type") == "FinalTranscript" or bool(message.get("end_of_turn"))


def record(folder: Path, protocol: ProtocolName, output: Path, every: int = 1) -> int:
    """Stream recordings and write their messages.

    Args:
        folder: Recordings with their manifest.
        protocol: How client and server speak.
        output: The file; a line per recording.
        every: Take every n-th recording.

    Returns:
        The number of recordings.
    """
    recognition = Recognition(load_recogniser(turn_model="none"), load_detector())
    clips = read_manifest(folder)[::every]
    with output.open("wb") as file:
        for clip in clips:
            sent = wire_messages(load_pcm(clip), clip.sample_rate, protocol, recognition)
            line = Recorded(clip.id, [msgspec.json.decode(text) for _, text in sent])
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
    return len(clips)


def read(path: Path) -> dict[str, Recorded]:
    """Read what `record` wrote, by the id of the recording.

    Raises:
        ConfigurationError: A line of the file is not valid.
    """
    found: dict[str, Recorded] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            one = msgspec.json.decode(line, type=Recorded)
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{path}, line {number}: {error}") from error
        found[one.id] = one
    return found


def compare(before: dict[str, Recorded], after: dict[str, Recorded]) -> tuple[list[str], list[str]]:
    """Compare the recordings that both have; ids of sessions may differ.

    Returns:
        The ids of those whose finals differ, and of those where only other messages do.
    """
    finals: list[str] = []
    others: list[str] = []
    for clip_id in before.keys() & after.keys():
        old, new = (_without_session_id(one[clip_id].messages) for one in (before, after))
        if list(filter(is_final, old)) != list(filter(is_final, new)):
            finals.append(clip_id)
        elif old != new:
            others.append(clip_id)
    return sorted(finals), sorted(others)


def _without_session_id(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in each.items() if key not in _SESSION_ID} for each in messages]


def _compare(arguments: argparse.Namespace) -> int:
    before, after = read(arguments.before), read(arguments.after)
    finals, others = compare(before, after)
    for path, missing in (
        (arguments.before, after.keys() - before),
        (arguments.after, before.keys() - after),
    ):
        if missing:
            sys.stdout.write(f"not in {path}: {len(missing)} recordings\n")
    sys.stdout.writelines(f"finals differ: {clip_id}\n" for clip_id in finals)
    sys.stdout.writelines(f"other messages differ: {clip_id}\n" for clip_id in others)
    n_both = len(before.keys() & after.keys())
    n_same = n_both - len(finals) - len(others)
    sys.stdout.write(
        f"{n_both} recordings compared: {n_same} identical, {len(others)} with other partials or times, "
        f"{len(finals)} with other finals\n"
    )
    return 1 if finals or not n_both else 0


def _record(arguments: argparse.Namespace) -> int:
    folder = folder_or_default(arguments.folder)
    n_recordings = record(folder, arguments.protocol, arguments.output, arguments.every)
    sys.stdout.write(f"{n_recordings} recordings in {arguments.output}\n")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run; returns the exit code: 0, 1 if finals differ, or that of the error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare_finals",
        description="Record what the server sends for every recording, and compare two such files.",
    )
    commands = parser.add_subparsers(required=True)
    recording = commands.add_parser("record", help="stream all recordings and write all messages")
    recording.add_argument("output", type=Path, help="file, a line per recording")
    recording.add_argument("--protocol", choices=PROTOCOLS, default="v3", help="default: v3")
    recording.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th recording")
    recording.add_argument("--folder", type=Path, help="recordings (default: the evaluation set)")
    recording.set_defaults(work=_record)
    comparing = commands.add_parser("compare", help="say which recordings differ; exits with 1 if finals do")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.set_defaults(work=_compare)
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: arguments.work(arguments))


if __name__ == "__main__":
    sys.exit(main())
