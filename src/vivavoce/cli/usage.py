"""Wrong usage in one line: what is wrong, and what to do.

The library that parses command lines prints three lines, and says of a value what its type should be, but not
what it got.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["expectation", "is_usage_error", "usage_message"]

_EXPECTATIONS: Final = (
    (r"Input should be greater than or equal to (\S+)", r"must be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"must be at most \1"),
    (r"Input should be a valid integer.*", "must be a whole number"),
    (r"Input should be a finite number.*", "must be a finite number"),
    (r"Input should be a valid number.*", "must be a number"),
    (r"Input should be a valid boolean.*", "must be true or false"),
    (r"(?:Value error, )?'.*' is not one of (.+)", r"must be one of \1"),
    (r"Input should be (.+)", r"must be \1"),
    # typer 0.28
    (r"'.*' is not a valid int(?:eger)?(?: range)?", "must be a whole number"),
    (r"'.*' is not a valid float(?: range)?", "must be a number"),
    (r"'.*' is not a valid boolean.*", "must be true or false"),
)
_COMPLAINTS: Final = (
    (r"No such option: (\S+) \(Possible options: (.+)\)", r"there is no option \1; did you mean \2?"),
    (r"No such option: (\S+)", r"there is no option \1"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.+)\)", r"unexpected argument \1"),
    (r"Option '?(--?[\w-]+)'? requires an argument", r"\1 needs a value"),
    (r"Option '?(--?[\w-]+)'? does not take a value", r"\1 takes no value"),
    (r"Missing (?:argument|option|parameter) '(.+?)'", r"\1 is missing"),
)


def is_usage_error(error: BaseException) -> bool:
    """Return whether the parser of the command line raised an error. Its classes are private."""
    return callable(getattr(error, "format_message", None)) and hasattr(error, "exit_code")


def expectation(message: str) -> str:
    """Return what a value must be, in the words of this project.

    Args:
        message: The parser's message about a value.
    """
    message = message.strip().rstrip(".")
    if found := re.fullmatch(r"(\S+) is not in the range (?:(\S+)<=)?x(?:<=(\S+)|>=(\S+))?", message):
        value, *bounds = found.groups()
        low, high = bounds[0] or bounds[2], bounds[1]
        is_low = low is not None and not float(value) >= float(low)
        return f"must be at least {low}" if is_low else f"must be at most {high}"
    for pattern, replacement in _EXPECTATIONS:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return found.expand(replacement).replace("'", "")
    return message


def usage_message(error: Any, arguments: Sequence[str]) -> str:
    """Return the message of a usage error; several lines if it is help that was not asked for.

    Args:
        error: The error; see `is_usage_error`.
        arguments: The command line.
    """
    context = getattr(error, "ctx", None)
    text = str(error.format_message()).strip()
    if "\n" in text:
        return text
    command = "vivavoce"
    if context is not None:
        command = context.command_path
    elif arguments and arguments[0].isalpha():
        command = f"vivavoce {arguments[0]}"
    parameter = getattr(error, "param", None)
    if parameter is not None and text.startswith("Invalid value"):
        name, value = _origin_of_value(parameter, arguments)
        if quoted := re.search(r"'(.*)' is not one of", error.message, re.DOTALL):
            value = quoted[1]
        got = "" if value is None else f", got {value!r}"
        expected = expectation(error.message)
        complaint = f"{name} {expected}{got}" if expected.startswith("must ") else f"{name}: {expected}{got}"
    else:
        complaint = _complaint(text, context)
    if complaint.endswith("?"):
        return f"{complaint} See {command} -h"
    return f"{complaint}; see {command} -h"


def _complaint(text: str, context: Any) -> str:
    text = text.rstrip(".")
    if found := re.fullmatch(r"No such command '(.*)'", text):
        commands = ", ".join(getattr(getattr(context, "command", None), "commands", {}))
        return f"there is no command {found[1] or repr('')}; the commands are {commands}"
    for pattern, replacement in _COMPLAINTS:
        if found := re.fullmatch(pattern, text):
            return found.expand(replacement)
    return text[:1].lower() + text[1:]


def _origin_of_value(parameter: Any, arguments: Sequence[str]) -> tuple[str, str | None]:
    """Return the name under which a value was given, and the value; None if it is unknown."""
    names = list(parameter.opts)
    for index, argument in reversed(list(enumerate(arguments))):
        for name in names:
            if argument == name and index + 1 < len(arguments):
                return name, arguments[index + 1]
            if argument.startswith(f"{name}=") or (len(name) == 2 and argument.startswith(name)):  # noqa: PLR2004
                return name, argument[len(name) :].removeprefix("=")
    variables = parameter.envvar or []
    for variable in [variables] if isinstance(variables, str) else variables:
        if variable in os.environ:
            return variable, os.environ[variable]
    long = [name for name in names if name.startswith("--")]
    return (long or names or [parameter.name])[0], None
