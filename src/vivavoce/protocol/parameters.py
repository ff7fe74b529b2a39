"""What a protocol's parameters are: the one description that both ends and the documentation use."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from vivavoce.types import Failure

__all__ = ["Kind", "Parameter", "choice", "flag", "fraction", "mapping", "strings", "text", "whole"]


class Kind(enum.Enum):
    """The type of a parameter's values."""

    WHOLE = "whole number"
    FRACTION = "number from 0 to 1"
    FLAG = "boolean"
    TEXT = "string"
    STRINGS = "list of strings"
    MAPPING = "JSON object"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Attributes:
        kind: The type of its values.
        description: Its meaning, in whole sentences.
        bounds: The allowed values of a whole number.
        choices: The allowed values of a string; None: any.
        max_length: The allowed length of a string, or of each string of a list, in characters; None: any.
        max_items: The allowed length of a list; None: any.
        commas: Whether a query may write a list as text with commas.
        default: The value that applies without the parameter; None: none, or it depends on others.
        is_required: Whether a handshake must have it.
        failure: How a value fails that is not allowed.
        can_change: Whether a client can change it during a session.
        replaced_by: The present name of a parameter that was renamed; None: it was not.
        aliases: Other names that clients write for it; the SDK never had them.
        no_effect: Why the parameter has no effect on our server; None: it has one.
    """

    kind: Kind
    description: str
    bounds: range = range(0)
    choices: type[enum.StrEnum] | None = None
    max_length: int | None = None
    max_items: int | None = None
    commas: bool = False
    default: object = None
    is_required: bool = False
    failure: Failure = Failure.BAD_OPTION
    can_change: bool = False
    replaced_by: str | None = None
    aliases: tuple[str, ...] = ()
    no_effect: str | None = None


def whole(description: str, low: int, high: int, **more: Any) -> Parameter:
    """A whole number from ``low`` to ``high``."""
    return Parameter(Kind.WHOLE, description, range(low, high + 1), **more)


def fraction(description: str, **more: Any) -> Parameter:
    """A number from 0 to 1."""
    return Parameter(Kind.FRACTION, description, **more)


def flag(description: str, **more: Any) -> Parameter:
    """A boolean."""
    return Parameter(Kind.FLAG, description, **more)


def text(description: str, **more: Any) -> Parameter:
    """A string."""
    return Parameter(Kind.TEXT, description, **more)


def choice(description: str, choices: type[enum.StrEnum], **more: Any) -> Parameter:
    """One of a few strings."""
    return Parameter(Kind.TEXT, description, choices=choices, **more)


def strings(description: str, **more: Any) -> Parameter:
    """A list of strings."""
    return Parameter(Kind.STRINGS, description, **more)


def mapping(description: str, **more: Any) -> Parameter:
    """A JSON object."""
    return Parameter(Kind.MAPPING, description, **more)
