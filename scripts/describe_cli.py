"""The page docs/cli.md, from the commands themselves; run by scripts/describe."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

import typer

from vivavoce.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["commands"]

HEAD: Final = "<!-- Written by scripts/describe from src/vivavoce/cli. -->\n"


def _paragraphs(text: str) -> Iterator[str]:
    """Yield help as Markdown: text after a backspace, which click does not wrap, is a block of code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if not paragraph.startswith("\b"):
            yield paragraph + "\n"
            continue
        title, *lines = paragraph.removeprefix("\b\n").splitlines()
        yield title + "\n"
        yield "\n".join(["```", *inspect.cleandoc("\n".join(lines)).splitlines(), "```"]) + "\n"


def _option(parameter: Any, context: Any) -> str | None:
    record = parameter.get_help_record(context)
    if record is None or record[0].endswith("--help"):
        return None  # hidden, or what every command has
    names, text = record
    return f"- `{names}`: {' '.join(text.split())}"


def _command(command: Any, name: str, level: int) -> Iterator[str]:
    context = typer.Context(command, info_name=name)
    yield f"{'#' * level} `{name}`\n"
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"```\n{name} {pieces}\n```\n"
    yield from _paragraphs(command.help or "")
    options = filter(None, (_option(parameter, context) for parameter in command.get_params(context)))
    yield "\n".join(options) + "\n"


def _group(group: Any, name: str, level: int) -> Iterator[str]:
    """Yield the commands of a group, each followed by its own."""
    context = typer.Context(group)
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        yield from _command(command, f"{name} {each}", level)
        if hasattr(command, "list_commands"):
            yield from _group(command, f"{name} {each}", level + 1)


def commands() -> str:
    """The page."""
    group: Any = typer.main.get_command(app)
    parts = [HEAD, "# The command line\n", *_command(group, "vivavoce", 2), *_group(group, "vivavoce", 2)]
    return "\n".join(parts)
