"""``vivavoce bench``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003  - typer reads the annotation
from typing import Annotated

import typer

from vivavoce.errors import ExtrasNotInstalledError

__all__ = ["Load", "Protocol", "System", "bench"]


class System(StrEnum):
    """What can be measured."""

    VIVAVOCE = "vivavoce"
    MOONSHINE = "moonshine-voice"
    MOONSHINE_TUNED = "moonshine-voice-tuned"


class Protocol(StrEnum):
    """How a server is spoken to."""

    V2 = "v2"
    V3 = "v3"


class Load(StrEnum):
    """How recordings are laid into sessions."""

    SHORT = "short"
    CONTINUOUS = "continuous"


def bench(
    folder: Annotated[
        Path | None,
        typer.Argument(
            show_default=False, help="Recordings with manifest.jsonl; without it the evaluation set."
        ),
    ] = None,
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", show_default=False, help="Only recordings of this kind; repeatable."),
    ] = None,
    id_: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", show_default=False, help="Only this recording; repeatable."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, show_default=False, help="At most so many recordings of each kind."),
    ] = None,
    derived: Annotated[
        bool, typer.Option("--derived", help="Also recordings that are made from others.")
    ] = False,
    system: Annotated[
        System, typer.Option(help="What to measure; the library needs no server.")
    ] = System.VIVAVOCE,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", show_default=False, help="Server to measure; without it, one is started."
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", show_default=False, help="API key for that server.")
    ] = None,
    pid: Annotated[
        int | None,
        typer.Option(
            metavar="PID", show_default=False, help="Process of that server, to measure CPU and memory."
        ),
    ] = None,
    protocol: Annotated[Protocol, typer.Option(help="v2 sends 100 ms a message, v3 50 ms.")] = Protocol.V3,
    streams: Annotated[int, typer.Option(metavar="N", min=1, help="How many at once.")] = 1,
    load: Annotated[Load, typer.Option(help="A session per recording, or long ones.")] = Load.SHORT,
    find_streams: Annotated[
        int | None,
        typer.Option(
            metavar="MOST",
            min=1,
            show_default=False,
            help="Search for the number of streams held, up to MOST.",
        ),
    ] = None,
    soak: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            show_default=False,
            help="Continuous streams for so long; memory and latency over time.",
        ),
    ] = None,
    repeat: Annotated[
        int, typer.Option(metavar="K", min=1, help="So many runs; medians, minima and maxima.")
    ] = 1,
    speed: Annotated[
        float,
        typer.Option(
            min=1.0,
            help="Times faster than speech: for word error rates only, latencies are left out. Long sessions "
            "are slowed down so that 50 s are ahead at most.",
        ),
    ] = 1.0,
    min_silence: Annotated[
        int | None, typer.Option(metavar="MS", show_default=False, help="v3: min_turn_silence.")
    ] = None,
    max_silence: Annotated[
        int | None,
        typer.Option(
            metavar="MS", show_default=False, help="v3: max_turn_silence; v2: the silence threshold."
        ),
    ] = None,
    end_of_turn_threshold: Annotated[
        float | None,
        typer.Option(metavar="P", show_default=False, help="v3: end_of_turn_confidence_threshold."),
    ] = None,
    no_format_turns: Annotated[
        bool, typer.Option("--no-format-turns", help="v3: words without case and punctuation.")
    ] = False,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Also decode each recording in one pass, for the streaming gap."),
    ] = False,
    server_arg: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ARGUMENT",
            show_default=False,
            help="Argument for the server that is started; repeatable.",
        ),
    ] = None,
    server_cores: Annotated[
        str,
        typer.Option(metavar="N,N", show_default=False, help="Cores that what is started may run on."),
    ] = "",
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help="Write all figures; - is standard output."),
    ] = None,
    traces: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Write every message with its arrival, a session a line.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on standard error.")] = False,
) -> None:
    """Stream recordings to a server and measure what comes back.

    \b
    Examples:
      vivavoce bench recordings/                       one stream to a server that is started for it
      vivavoce bench recordings/ --streams 16 --json figures.json
      vivavoce bench recordings/ --find-streams 64     how many streams are held
      vivavoce bench recordings/ --streams 8 --soak 30
      vivavoce bench recordings/ --repeat 3 --offline
      vivavoce bench recordings/ --url wss://example.org --key KEY --protocol v2
      vivavoce bench recordings/ --system moonshine-voice

    The folder holds manifest.jsonl, one object a line: id, audio (a file in it), text (empty: nobody
    speaks), kind, duration_s, sample_rate, and for latencies words with text, start and end in seconds.
    Exits with 1 if a session was dropped.
    """  # noqa: D301  - click keeps what follows \b as it is
    try:
        from vivavoce.bench.command import Request, execute, folder_or_default, numbers
        from vivavoce.bench.dialects import Silence
        from vivavoce.bench.run import Options
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("vivavoce"):
            raise
        raise ExtrasNotInstalledError(
            'the measurements are not installed; run: pip install "vivavoce[bench,server,cli]"'
        ) from error
    options = Options(
        folder=folder_or_default(folder),
        kinds=tuple(kind or ()),
        ids=tuple(id_ or ()),
        limit=limit,
        derived=derived,
        system=system.value,
        url=url,
        protocol=protocol.value,
        key=key,
        pid=pid,
        streams=streams,
        load=load.value,
        speed=speed,
        silence=Silence(min_silence, max_silence, end_of_turn_threshold),
        format_turns=not no_format_turns,
        offline=offline,
        server_arguments=tuple(server_arg or ()),
        server_cores=numbers(server_cores),
    )
    request = Request(
        options=options,
        find_streams=find_streams,
        soak_min=soak,
        repeat=repeat,
        json=json,
        traces=traces,
        quiet=quiet,
    )
    raise typer.Exit(execute(request))
