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
        Flag(help="Recordings with manifest.jsonl; by default the evaluation set.", is_argument=True),
    ] = None
    kinds: Annotated[
        tuple[str, ...], Flag(name="kind", metavar="KIND", help="Only recordings of this kind; repeatable.")
    ] = ()
    ids: Annotated[
        tuple[str, ...], Flag(name="id", metavar="ID", help="Only this recording; repeatable.")
    ] = ()
    limit: Annotated[int | None, Flag(metavar="N", min=1, help="At most N recordings of each kind.")] = None
    derived: Annotated[bool, Flag(help="Include recordings that are made from others.")] = False
    system: Annotated[SystemName, Flag(help="What to measure; the library needs no server.")] = "vivavoce"
    url: Annotated[
        str | None, Flag(metavar="URL", help="Server to measure; by default the command starts one.")
    ] = None
    key: Annotated[str | None, Flag(metavar="KEY", help="API key for that server.")] = None
    pid: Annotated[
        int | None, Flag(metavar="PID", help="Process of that server, to measure CPU and memory.")
    ] = None
    protocol: Annotated[ProtocolName, Flag(help="v2 sends 100 ms of audio per message, v3 50 ms.")] = "v3"
    streams: Annotated[int, Flag(metavar="N", min=1, help="Number of concurrent streams.")] = 1
    load: Annotated[
        LoadName, Flag(help="short: a session per recording; continuous: sessions of a minute or more.")
    ] = "short"
    find_streams: Annotated[
        int | None,
        Flag(metavar="MAX", min=1, help="Search for the number of streams that the server holds, up to MAX."),
    ] = None
    soak_min: Annotated[
        float | None,
        Flag(
            name="soak",
            metavar="MINUTES",
            help="Stream continuously for MINUTES: memory and latency over time.",
        ),
    ] = None
    repeat: Annotated[int, Flag(metavar="K", min=1, help="Number of runs; reports medians and extremes.")] = 1
    speed: Annotated[
        float,
        Flag(
            min=1.0,
            help="Times faster than speech, for word error rates only: no latencies are reported. Long "
            "sessions are slowed down so that at most 50 s are ahead.",
        ),
    ] = 1.0
    min_silence_ms: Annotated[
        int | None, Flag(name="min-silence", metavar="MS", help="v3: min_turn_silence.")
    ] = None
    max_silence_ms: Annotated[
        int | None,
        Flag(name="max-silence", metavar="MS", help="v3: max_turn_silence; v2: the silence threshold."),
    ] = None
    end_of_turn_threshold: Annotated[
        float | None, Flag(metavar="P", help="v3: end_of_turn_confidence_threshold.")
    ] = None
    unformatted: Annotated[
        bool, Flag(name="no-format-turns", help="v3: words without case and punctuation.")
    ] = False
    offline: Annotated[bool, Flag(help="Also decode each recording in one pass, for the streaming gap.")] = (
        False
    )
    server_arguments: Annotated[
        tuple[str, ...],
        Flag(
            name="server-arg",
            metavar="ARGUMENT",
            help="Argument for the server that the command starts; repeatable.",
        ),
    ] = ()
    server_cores: Annotated[
        tuple[int, ...],
        Flag(metavar="N,N", help="CPU cores for the process that the command starts.", parse=core_numbers),
    ] = ()
    json: Annotated[
        Path | None, Flag(metavar="FILE", help="Write all figures as JSON; - is standard output.")
    ] = None
    traces: Annotated[
        Path | None,
        Flag(metavar="FILE", help="Write every message with its arrival time, one session per line."),
    ] = None
    quiet: Annotated[bool, Flag(help="No progress on standard error.")] = False

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
