"""``vivavoce transcripts``: the transcripts that a server has kept."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vivavoce.cli.guarded import say
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.store import Store, StoredSession

__all__ = ["transcripts"]

transcripts = typer.Typer(
    no_args_is_help=True,
    help="List, search, export and delete the transcripts that a server keeps with serve --store FILE.",
)


class ExportFormat(StrEnum):
    """The formats of an export."""

    TXT = "txt"
    SRT = "srt"
    VTT = "vtt"
    JSON = "json"


_StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        envvar="VIVAVOCE_STORE",
        show_default=False,
        help="The file that serve --store named.",
    ),
]
_IdArgument = Annotated[
    str,
    typer.Argument(metavar="ID", help="The transcript's id, or enough of its beginning.", show_default=False),
]
_LimitOption = Annotated[int, typer.Option(metavar="N", min=1, help="Show this many at most.")]


@transcripts.command("list")
def list_(
    *,
    room: Annotated[
        str | None, typer.Option(metavar="NAME", show_default=False, help="Only those of this room.")
    ] = None,
    limit: _LimitOption = 20,
    store: _StoreOption = None,
) -> None:
    """List transcripts, the newest first: id, time, number of turns, room and title."""
    with _open(store) as opened:
        sessions = opened.sessions(room=room, limit=limit)
    for session in sessions:
        print(_row(session))
    if not sessions:
        say("There are no transcripts.")


@transcripts.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Words that a turn must contain.", show_default=False)],
    *,
    limit: _LimitOption = 20,
    store: _StoreOption = None,
) -> None:
    """Find the turns that contain all of some words, the newest first."""
    from vivavoce.store import VoiceNames
    from vivavoce.store.export import with_names, written_parts

    with _open(store) as opened:
        hits = opened.search(" ".join(words), limit=limit)
        given = opened.voice_names(*{hit.session.id for hit in hits})
    for hit in hits:
        text = "  ".join(written_parts(with_names(hit.line, VoiceNames(given))))
        print(f"{hit.session.id[:8]}  {_time(hit.line.at_unix)}  {text}")
    if not hits:
        say("No turn contains these words.")


@transcripts.command()
def export(
    identity: _IdArgument,
    *,
    format_: Annotated[
        ExportFormat, typer.Option("--format", "-f", metavar="FORMAT", help="txt, srt, vtt or json.")
    ] = ExportFormat.TXT,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=False,
            help="Write here (default: standard output).",
        ),
    ] = None,
    store: _StoreOption = None,
) -> None:
    """Write one transcript as text, captions or JSON."""
    from vivavoce.store.export import EXPORTS

    with _open(store) as opened:
        session = _find(opened, identity)
        text = EXPORTS[format_.value].write(session, opened.lines(session.id), opened.voice_names(session.id))
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{output} can't be written: {(error.strerror or str(error)).lower()}"
        ) from None


@transcripts.command()
def delete(
    identities: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help="Ids, or enough of their beginnings.", show_default=False),
    ],
    *,
    store: _StoreOption = None,
) -> None:
    """Delete transcripts for good."""
    with _open(store) as opened:
        for session in [_find(opened, identity) for identity in identities]:
            opened.delete(session.id)
            say(f"Deleted {session.id}.")


def _open(path: Path | None) -> Store:
    from vivavoce.store import Store

    if path is None:
        raise ConfigurationError("--store FILE (or VIVAVOCE_STORE) must name the file of the server")
    return Store(path, create=False)


def _find(store: Store, identity: str) -> StoredSession:
    """Return the session of an id, or of its beginning.

    Raises:
        ConfigurationError: There is none, or there are several.
    """
    found = store.session(identity)
    matches = [found] if found else [it for it in store.sessions(limit=-1) if it.id.startswith(identity)]
    match matches:
        case [session]:
            return session
        case []:
            raise ConfigurationError(f"there is no transcript {identity}: see vivavoce transcripts list")
        case _:
            raise ConfigurationError(f"{len(matches)} transcripts begin with {identity}: give more of the id")


def _row(session: StoredSession) -> str:
    name = " ".join(filter(None, (session.room, session.title)))
    turns = "1 turn" if session.n_lines == 1 else f"{session.n_lines} turns"
    return f"{session.id[:8]}  {_time(session.began_unix)}  {turns:>10}  {name}".rstrip()


def _time(unix_time: float) -> str:
    return datetime.fromtimestamp(unix_time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
