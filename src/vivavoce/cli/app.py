"""The commands, and what every one of them does with an error."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vivavoce.cli.bench import bench
from vivavoce.cli.demo import demo
from vivavoce.cli.doctor import doctor
from vivavoce.cli.mic import mic
from vivavoce.cli.serve import serve
from vivavoce.cli.stream import stream
from vivavoce.errors import VivavoceError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EXIT_INTERRUPTED", "app", "run"]

EXIT_INTERRUPTED = 130
_DEBUG = "--debug"

# Plain help: it loads in half the time of the boxed one and reads the same in a pipe.
app = typer.Typer(
    name="vivavoce",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"vivavoce {version('vivavoce')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, typer.Option(_DEBUG, help="Show the traceback of an error; may stand anywhere.")
    ] = False,
) -> None:
    """Real-time transcription on your own machine.

    \b
    Examples:
      vivavoce demo                          play a recording and read it as it is said
      vivavoce mic                           speak and read what you say
      vivavoce stream meeting.wav            transcribe a recording
      vivavoce stream film.mkv -o film.srt   make captions of it
      arecord -q -f S16_LE -r 16000 -t raw | vivavoce stream -
      vivavoce serve                         a server for programs, on port 8765
      vivavoce doctor                        see what is missing

    Options that you always want go into a file, config.toml; vivavoce doctor says where it lies.
    Words go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed,
    2 wrong usage, 3 no server, 4 refused by the server, 130 interrupted.
    """  # noqa: D301  - click keeps what follows \b as it is


for _command in (demo, mic, stream, serve, doctor, bench):
    app.command()(_command)


def _leave_at_once(*_: object) -> None:
    sys.exit(EXIT_INTERRUPTED)


def _taken(arguments: Sequence[str], flag: str) -> tuple[list[str], bool]:
    options = list(arguments)
    end = options.index("--") if "--" in options else len(options)
    kept = [argument for argument in options[:end] if argument != flag] + options[end:]
    return kept, len(kept) < len(options)


def _defaults(arguments: Sequence[str]) -> dict[str, Any]:
    """What the configuration file says; what helps to put a broken one right does without."""
    from vivavoce.cli.config import config_path

    path = config_path()
    needs_none = arguments[:1] == ["doctor"] or not {"-h", "--help", "--version"}.isdisjoint(arguments)
    if needs_none or not path.exists():
        return {}
    from vivavoce.cli.config import defaults_of, read_config

    group = typer.main.get_command(app)
    return defaults_of(group, read_config(path), path)  # type: ignore[arg-type]


def _let_go_of_stdout() -> None:
    # The reader of the pipe has what it wanted: the interpreter must not try to flush into it on its way out.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: What follows the program's name.

    Returns:
        The exit code. An expected error is one line on standard error; its class knows the code.
    """
    kept, debug = _taken(arguments, _DEBUG)
    for stream_ in (sys.stdout, sys.stderr):
        if hasattr(stream_, "reconfigure"):
            stream_.reconfigure(errors="replace")  # a word must not end the program for a terminal's sake
    with contextlib.suppress(ValueError):  # not the main thread: an embedding program minds its own signals
        signal.signal(signal.SIGINT, _leave_at_once)
    try:
        app(kept, prog_name="vivavoce", default_map=_defaults(kept))
    except VivavoceError as error:
        if debug:
            raise
        print(f"vivavoce: {_one_line(error)}", file=sys.stderr)
        return error.exit_code
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # which typer turns into an exit with 1
            _let_go_of_stdout()
            return 0
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except Exception as error:
        if debug:
            raise
        print(
            f"vivavoce: unexpected {type(error).__name__}: {_one_line(error)} (--debug shows where)",
            file=sys.stderr,
        )
        return 1
    return 0


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
