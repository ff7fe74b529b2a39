"""Signatures, fields and members of what griffe has read, as the reference shows them."""

from __future__ import annotations

from typing import Any, Final

from describe_pages import PAGES

__all__ = ["as_shown", "constructor", "fields", "is_long", "is_property", "members", "signature"]

_WIDTH: Final = 100
_CALL: Final = "__call__"  # the other magic methods only fit a class into the language
# How types and defaults appear to programs.
_SHOWN: Final = {"ServerEvent | LocalEvent": "Event", "KEEP": "Reconnect()", "CONNECTION_LOST": "1006"}


def is_property(member: Any) -> bool:
    """Whether a member is a property."""
    return "property" in member.labels


def is_long(found: Any) -> bool:
    """Whether the value of a constant is too long to show."""
    return found.value is None or len(str(found.value)) > _WIDTH


def as_shown(code: str) -> str:
    """Code with public names in place of internal ones."""
    for internal, public in _SHOWN.items():
        code = code.replace(internal, public)
    return code


def fields(found: Any) -> list[str]:
    """The fields of a structure, as in its source."""
    lines = []
    for name, member in found.members.items():
        if member.is_attribute and member.annotation is not None and not name.startswith("_"):
            if is_property(member):
                continue
            default = "" if member.value is None else f" = {member.value}"
            lines.append(f"{name}: {member.annotation}{default}")
    return lines


def constructor(found: Any) -> Any:
    """The constructor of a class, or None where programs do not construct it."""
    own = found.members.get("__init__")
    inherited = found.all_members.get("__init__")
    if own is not None or inherited is None:
        return own
    if "Exception" in inherited.path or any(str(base) in {"ABC", "Protocol"} for base in found.bases):
        return None
    return inherited.final_target if inherited.is_alias else inherited


def members(found: Any) -> list[Any]:
    """Public methods and properties in order, with those of bases that no page documents."""
    public = []
    documented = {name.rpartition(".")[2] for page in PAGES for name in page.names}
    for name, member in found.all_members.items():
        target = member.final_target if member.is_alias else member
        if name.startswith("_") and name != _CALL:
            continue
        if not target.path.startswith("vivavoce.") or target.docstring is None:
            continue
        if target.parent is not found and target.parent.name in documented:
            continue
        if target.is_function or (target.is_attribute and is_property(target)):
            public.append(target)
    return public


def signature(function: Any, name: str) -> str:
    """A function's signature as a block of code."""
    parts, was = [], None
    for parameter in function.parameters:
        if parameter.name in {"self", "cls"}:
            continue
        kind = parameter.kind.value
        if kind == "keyword-only" and was not in {"keyword-only", "variadic positional"}:
            parts.append("*")
        was = kind
        star = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        text = f"{star}{parameter.name}"
        if parameter.annotation is not None:
            text += f": {parameter.annotation}"
        if parameter.default is not None and not star:
            text += f" = {parameter.default}" if parameter.annotation is not None else f"={parameter.default}"
        parts.append(text)
    returns = "" if function.name == "__init__" or function.returns is None else f" -> {function.returns}"
    is_async = "async " if "async" in function.labels else ""
    line = f"{is_async}{name}({', '.join(parts)}){returns}"
    if len(line) > _WIDTH:
        line = f"{is_async}{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"
    return as_shown(f"```py\n{line}\n```\n")
