"""The options of ``vivavoce bench``, each declared once: type, default, help.

The command line is built from these declarations, so this module imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - the command line evaluates the annotations
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the same
from typing import Annotated, Any, Literal, TypeAlias, get_args

from vivavoce.errors import ConfigurationError

__all__ = ["SYSTEMS", "Flag", "LoadName", "Options", "ProtocolName", "SystemName", "core_numbers"]

SystemName: TypeAlias = Literal["vivavoce", "moonshine-voice", "moonshine-voice-tuned"]
ProtocolName: TypeAlias = Literal["v2", "v3"]
LoadName: TypeAlias = Literal["short", "continuous"]

SYSTEMS: tuple[SystemName, ...] = get_args(SystemName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """How a field of `Options` appears on the command line.

    Attributes:
        help: One sentence.
        name: Of the option, without dashes; None: the field's name.
        metavar: Name of the value in the help.
        min: Smallest value.
        is_argument: Whether it is positional.
        parse: Turns the text of the command line into the field's value; None: the type says how.
    """

    help: str
    name: str | None = None
    metavar: str | None = None
    min: float | None = None
    is_argument: bool = False
    parse: Callable[[str], Any] | None = None


def core_numbers(text: str) -> tuple[int, ...]:
    """Parse core numbers such as ``0,1``; an empty text is an empty tuple.

    Raises:
        ConfigurationError: They are not numbers.
    """
    try:
        return tuple(int(core) for core in text.split(",") if core)
    except ValueError:
        raise ConfigurationError(f"--server-cores must be numbers such as 0,1, got {text!r}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to measure, and where the figures go. The help of each field describes it."""

    folder: Annotated[
        Path | None,
        Flag(
            metavar="FOLDER",
            help="Folder of recordings with manifest.jsonl (default: the evaluation set).",
            is_argument=True,
        ),
    ] = None
    kinds: Annotated[
        tuple[str, ...],
        Flag(name="kind", metavar="KIND", help="Measure only recordings of this kind; repeatable."),
    ] = ()
    ids: Annotated[
        tuple[str, ...],
        Flag(name="id", metavar="ID", help="Measure only the recording with this id; repeatable."),
    ] = ()
    limit: Annotated[
        int | None, Flag(metavar="N", min=1, help="Measure at most N recordings of each kind (default: all).")
    ] = None
    derived: Annotated[bool, Flag(help="Include recordings that are derived from others.")] = False
    system: Annotated[
        SystemName,
        Flag(
            metavar="SYSTEM",
            help="Measure vivavoce, or moonshine-voice or moonshine-voice-tuned: the library, without a "
            "server.",
        ),
    ] = "vivavoce"
    url: Annotated[
        str | None, Flag(metavar="URL", help="Measure this server (default: the command starts one).")
    ] = None
    key: Annotated[str | None, Flag(metavar="KEY", help="Send this API key to the server.")] = None
    pid: Annotated[
        int | None, Flag(metavar="PID", help="Measure CPU and memory of this process, the server of --url.")
    ] = None
    protocol: Annotated[
        ProtocolName,
        Flag(
            metavar="PROTOCOL",
            help="Use v2 with 100 ms of audio per message, or v3 with 50 ms.",
        ),
    ] = "v3"
    streams: Annotated[int, Flag(metavar="N", min=1, help="Run this many streams at the same time.")] = 1
    load: Annotated[
        LoadName,
        Flag(
            metavar="LOAD",
            help="Run short sessions, one per recording, or continuous sessions of a minute or more.",
        ),
    ] = "short"
    find_streams: Annotated[
        int | None,
        Flag(metavar="MAX", min=1, help="Find the number of streams that the server holds, up to MAX."),
    ] = None
    soak_min: Annotated[
        float | None,
        Flag(
            name="soak",
            metavar="MINUTES",
            help="Stream for this long and report memory and latency over time.",
        ),
    ] = None
    repeat: Annotated[
        int, Flag(metavar="K", min=1, help="Run K times and report medians, minima and maxima.")
    ] = 1
    speed: Annotated[
        float,
        Flag(
            min=1.0,
            metavar="FACTOR",
            help="Send audio this many times faster than speech, for word error rates only: latencies are "
            "not reported. Long sessions stay at most 50 s ahead of real time.",
        ),
    ] = 1.0
    min_silence_ms: Annotated[
        int | None, Flag(name="min-silence", metavar="MS", help="Set min_turn_silence (v3).")
    ] = None
    max_silence_ms: Annotated[
        int | None,
        Flag(
            name="max-silence", metavar="MS", help="Set max_turn_silence (v3) or the silence threshold (v2)."
        ),
    ] = None
    end_of_turn_threshold: Annotated[
        float | None, Flag(metavar="P", help="Set end_of_turn_confidence_threshold (v3).")
    ] = None
    unformatted: Annotated[
        bool, Flag(name="no-format-turns", help="Request turns without case and punctuation (v3).")
    ] = False
    offline: Annotated[bool, Flag(help="Also decode each recording in one pass, for the streaming gap.")] = (
        False
    )
    server_arguments: Annotated[
        tuple[str, ...],
        Flag(
            name="server-arg",
            metavar="ARGUMENT",
            help="Pass this argument to the server that the command starts; repeatable.",
        ),
    ] = ()
    server_cores: Annotated[
        tuple[int, ...],
        Flag(
            metavar="N,N",
            help="Run the process that the command starts on these CPU cores (default: all).",
            parse=core_numbers,
        ),
    ] = ()
    json: Annotated[
        Path | None,
        Flag(metavar="FILE", help="Write all figures as JSON to this file; - is standard output."),
    ] = None
    traces: Annotated[
        Path | None,
        Flag(
            metavar="FILE",
            help="Write every message with its arrival time to this file, one session per line.",
        ),
    ] = None
    quiet: Annotated[bool, Flag(help="Show no progress on standard error.")] = False

    def __post_init__(self) -> None:
        for name, value in (
            ("--streams", self.streams),
            ("--repeat", self.repeat),
            ("--speed", self.speed),
            ("--find-streams", self.find_streams),
        ):
            if value is not None and value < 1:
                raise ConfigurationError(f"{name} must be 1 or more, got {value}")
        if self.soak_min is not None and self.soak_min <= 0:
            raise ConfigurationError(f"--soak must be more than 0 minutes, got {self.soak_min:g}")
        if self.system not in SYSTEMS:
            raise ConfigurationError(f"--system must be one of {', '.join(SYSTEMS)}, got {self.system!r}")
        self._check_combinations()

    def _check_combinations(self) -> None:
        if self.system != "vivavoce" and self.url is not None:
            raise ConfigurationError(f"{self.system} has no address: leave --url out")
        if self.system != "vivavoce" and self.speed != 1:
            raise ConfigurationError(
                f"{self.system} takes audio at the speed of speech only: leave --speed out"
            )
        if self.find_streams is not None and self.soak_min is not None:
            raise ConfigurationError("--find-streams and --soak are different measurements: choose one")
        if (self.find_streams is not None or self.soak_min is not None) and self.speed != 1:
            raise ConfigurationError("--find-streams and --soak measure latencies: leave --speed out")
        if self.soak_min is not None and self.repeat > 1:
            raise ConfigurationError("--soak runs once: leave --repeat out")
