"""The commands, their defaults from the configuration file, and how every error becomes an exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vivavoce.cli.bench import bench
from vivavoce.cli.capacity import capacity
from vivavoce.cli.demo import demo
from vivavoce.cli.doctor import doctor
from vivavoce.cli.guarded import discard_further_output, reason_of, say, shown_once
from vivavoce.cli.interrupt import EXIT_INTERRUPTED
from vivavoce.cli.keys import keys
from vivavoce.cli.live import live
from vivavoce.cli.mic import mic
from vivavoce.cli.models import models
from vivavoce.cli.serve import serve
from vivavoce.cli.stream import stream
from vivavoce.cli.transcripts import transcripts
from vivavoce.cli.usage import is_usage_error, usage_message
from vivavoce.cli.voices import voices
from vivavoce.errors import ConfigurationError, VivavoceError
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["app", "run"]

_DEBUG = "--debug"
_OPTION_OF_PARAMETER = {
    "keyterms_prompt": "--key-term",
    "redact_pii_policies": "--redact",
    "settings.api_key": "--api-key",
}
_EXIT_USAGE = 2

# Plain help loads in half the time of boxed help and reads the same in a pipe.
app = typer.Typer(
    name="vivavoce",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(requested: bool) -> None:
    if requested:
        print(f"vivavoce {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, typer.Option(_DEBUG, help="Show the traceback of an error. Valid before and after the command.")
    ] = False,
) -> None:
    """Transcribe speech in real time on your own machine.

    \b
    Examples:
      vivavoce demo                          transcribe a sample recording
      vivavoce mic                           transcribe the microphone
      vivavoce stream meeting.wav            transcribe a recording
      vivavoce stream film.mkv -o film.srt   write captions of a film
      arecord -q -f S16_LE -r 16000 -t raw | vivavoce stream -
      vivavoce live                          caption a talk for an audience
      vivavoce serve                         serve programs on port 8765
      vivavoce doctor                        check the installation
      vivavoce capacity                      measure how many streams this machine holds

    Defaults for any option can be set in the file config.toml; vivavoce doctor shows its path.
    Transcripts go to standard output, everything else to standard error.

    \b
    Exit codes:
      0    success
      1    failure
      2    wrong usage
      3    no server
      4    refused by the server
      130  interrupted
    """  # noqa: D301  - click keeps the lines after \b as they are


for _command in (demo, mic, stream, live, serve, doctor, capacity, bench):
    app.command()(_command)
app.add_typer(models, name="models")
app.add_typer(transcripts, name="transcripts")
app.add_typer(keys, name="keys")
app.add_typer(voices, name="voices")


def _exit_interrupted(*_: object) -> None:
    sys.exit(EXIT_INTERRUPTED)


def _without_flag(arguments: Sequence[str], flag: str) -> tuple[list[str], bool]:
    """Remove a flag wherever it stands before ``--``; also return whether it was there."""
    options = list(arguments)
    end = options.index("--") if "--" in options else len(options)
    remaining = [argument for argument in options[:end] if argument != flag] + options[end:]
    return remaining, len(remaining) < len(options)


def _command_of(arguments: Sequence[str]) -> str:
    return next((argument for argument in arguments if not argument.startswith("-")), "")


def _config_defaults(arguments: Sequence[str]) -> dict[str, Any]:
    """Return the defaults that the configuration file sets.

    A broken file must not stop the commands that help to repair it: they run without defaults.
    """
    from vivavoce.cli.config import config_exists, config_path

    command = _command_of(arguments)
    repairs = command == "doctor" or not {"-h", "--help", "--version"}.isdisjoint(arguments)
    path = None if repairs else config_path()
    if path is None or not config_exists(path):
        return {}
    from vivavoce.cli.config import defaults_of, read_config

    group = typer.main.get_command(app)
    return defaults_of(group, read_config(path), path, command)  # type: ignore[arg-type]


def _origin(error: VivavoceError, arguments: Sequence[str], defaults: dict[str, Any]) -> str:
    if not defaults or not isinstance(error, ConfigurationError):
        return ""
    from vivavoce.cli.config import config_path, origin_of

    path = config_path()
    return "" if path is None else origin_of(str(error), defaults.get(_command_of(arguments), {}), path)


def _open_missing_streams() -> None:
    """Open the null device for a standard stream that was closed before the program began."""
    for name in ("stdin", "stdout", "stderr"):  # each gets the lowest free descriptor, so its own
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123


def _flush_stdout() -> int:
    """Flush standard output; return 1 if it can't be written. The interpreter would print a traceback."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        discard_further_output(sys.stdout)
    except OSError as error:
        discard_further_output(sys.stdout)
        say(f"vivavoce: standard output: {reason_of(error)}")
        return 1
    except ValueError:
        pass  # a program closed it
    return 0


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _in_options(message: str) -> str:
    """Name options where the SDK and the server name parameters."""
    for parameter, option in _OPTION_OF_PARAMETER.items():
        message = message.replace(parameter, option)
    return message


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    An expected error prints one line on standard error and ends with the exit code of its class.

    Args:
        arguments: The arguments after the program name.

    Returns:
        The exit code.
    """
    command_line, debug = _without_flag(arguments, _DEBUG)
    _open_missing_streams()
    for stream_ in (sys.stdout, sys.stderr):
        if hasattr(stream_, "reconfigure"):
            stream_.reconfigure(errors="replace")  # a terminal may lack a character of a transcript
    with contextlib.suppress(ValueError):  # not the main thread: the embedding program handles signals
        signal.signal(signal.SIGINT, _exit_interrupted)
    with shown_once("vivavoce.client", "%s warns"):
        code = _run_command(command_line, debug=debug)
    return code or _flush_stdout()


def _run_command(command_line: Sequence[str], *, debug: bool) -> int:
    defaults: dict[str, Any] = {}
    try:
        defaults = _config_defaults(command_line)
        code = app(command_line, prog_name="vivavoce", default_map=defaults, standalone_mode=False)
    except VivavoceError as error:
        if debug:
            raise
        say(f"vivavoce: {_in_options(_one_line(error))}{_origin(error, command_line, defaults)}")
        return error.exit_code
    except SystemExit as system_exit:
        if isinstance(system_exit.__context__, BrokenPipeError):  # typer turns it into exit code 1
            discard_further_output(sys.stdout)
            return 0
        return system_exit.code if isinstance(system_exit.code, int) else int(system_exit.code is not None)
    except OSError as error:
        if debug:
            raise
        name = f"{error.filename}: " if error.filename else ""
        say(f"vivavoce: {name}{reason_of(error)} (--debug shows the traceback)")
        return 1
    except Exception as error:
        if is_usage_error(error):
            text = usage_message(error, command_line)
            say(text if "\n" in text else f"vivavoce: {text}")
            return _EXIT_USAGE
        if debug:
            raise
        say(f"vivavoce: unexpected {type(error).__name__}: {_one_line(error)} (--debug shows the traceback)")
        return 1
    return code if isinstance(code, int) else 0
