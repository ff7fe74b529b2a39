"""``vivavoce bench``."""

from __future__ import annotations

import inspect
from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import typer

from vivavoce.bench.options import Flag, Options
from vivavoce.cli.destinations import refuse_other_than_text
from vivavoce.cli.missing_extras import bench_extra

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bench"]


def bench(**values: Any) -> None:
    """Stream recordings to a server and measure what comes back.

    \b
    Examples:
      vivavoce bench recordings/                       one stream
      vivavoce bench recordings/ --streams 16 --json figures.json
      vivavoce bench recordings/ --find-streams 64     number of streams
      vivavoce bench recordings/ --streams 8 --soak 30
      vivavoce bench recordings/ --repeat 3 --offline
      vivavoce bench recordings/ --url wss://example.org --key KEY --protocol v2
      vivavoce bench recordings/ --system moonshine-voice

    The folder holds manifest.jsonl with one object per line: id, audio (a file in the folder), text (empty
    for a recording without speech), kind, duration_s, sample_rate, and for latencies words with text, start
    and end in seconds. The exit code is 1 if a session was dropped.
    """  # noqa: D301  - click keeps the lines after \b as they are
    options = Options(**{name: _PARAMETERS[name].to_field(value) for name, value in values.items()})
    for path in filter(None, (options.json, options.traces)):
        refuse_other_than_text(path)
    with bench_extra():
        from vivavoce.bench.command import execute
    raise typer.Exit(execute(options))


class _Parameter(NamedTuple):
    """A field of `Options` as a parameter of the command.

    Attributes:
        shown: What typer reads.
        to_field: Turns the value that typer passes into the value of the field.
    """

    shown: inspect.Parameter
    to_field: Callable[[Any], Any]


def _parameter(name: str, annotation: Any, default: Any) -> _Parameter:
    kind, flag = get_args(annotation)
    value, value_type, to_field = _for_typer(name, kind, flag, default)
    described = {"help": flag.help, "metavar": flag.metavar, "show_default": default is not None}
    option = (
        typer.Argument(**described)
        if flag.is_argument
        else typer.Option(f"--{(flag.name or name).replace('_', '-')}", min=flag.min, **described)
    )
    shown = inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=Annotated[value_type, option]
    )
    return _Parameter(shown, to_field)


def _for_typer(name: str, kind: Any, flag: Flag, default: Any) -> tuple[Any, Any, Callable[[Any], Any]]:
    """Return the default and the type for typer, and what turns typer's value into the field's."""
    if flag.parse is not None:
        return "", str, flag.parse
    if get_origin(kind) is tuple:
        item: Any = get_args(kind)[0]
        return None, list[item] | None, lambda value: tuple(value or ())
    if get_origin(kind) is Literal:
        choices: Any = StrEnum(name, {choice: choice for choice in get_args(kind)})  # type: ignore[misc]
        return choices(default), choices, lambda value: value.value
    return default, kind, lambda value: value


_HINTS = get_type_hints(Options, include_extras=True)
_PARAMETERS = {
    field.name: _parameter(field.name, _HINTS[field.name], field.default) for field in fields(Options)
}

# Typer reads the signature of a function; this one is the fields of `Options`.
bench.__signature__ = inspect.Signature([parameter.shown for parameter in _PARAMETERS.values()])  # type: ignore[attr-defined]
