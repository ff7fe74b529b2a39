"""Following the instructions of a pickle without executing it.

A pickle is a program. Here its instructions are read one by one, and those that build containers, numbers and
texts are followed. A call is only noted. A file with any other instruction is refused.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import IO, Any, Final

__all__ = ["Call", "Global", "Storage", "read_value"]

_DICT: Final = "collections OrderedDict"


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the file would import."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the file would make."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Storage:
    """Numbers that several tensors may share.

    Attributes:
        kind: Such as ``FloatStorage``.
        key: Its name in the file.
        count: How many numbers it has.
    """

    kind: str
    key: str
    count: int


class _Mark:
    """Where a container begins on the stack."""


def read_value(file: IO[bytes]) -> Any:
    """Follow the instructions of one pickle.

    Raises:
        ValueError: One of them is not known here.
    """
    stack: list[Any] = []
    memory: dict[Any, Any] = {}
    for operation, argument, _ in pickletools.genops(file):
        name = operation.name
        if name == "STOP":
            return stack.pop()
        if name in {"BINPUT", "LONG_BINPUT"}:
            memory[argument] = stack[-1]
        elif name in {"BINGET", "LONG_BINGET"}:
            stack.append(memory[argument])
        else:
            _follow(name, argument, stack)
    raise ValueError("it has no end")


_LITERALS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_NUMBERS_AND_TEXTS: Final = frozenset({
    "BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
})  # fmt: skip
_TUPLES: Final = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _follow(name: str, argument: Any, stack: list[Any]) -> None:
    """Follow one instruction that changes the stack."""
    if name == "PROTO":
        return
    if name in _LITERALS:
        stack.append(_LITERALS[name])
    elif name in _NUMBERS_AND_TEXTS:
        stack.append(argument)
    elif name == "EMPTY_DICT":
        stack.append({})
    elif name == "EMPTY_LIST":
        stack.append([])
    elif name == "MARK":
        stack.append(_Mark)
    elif name in _TUPLES:
        n = _TUPLES[name]
        stack[-n:] = [tuple(stack[-n:])]
    elif name == "TUPLE":
        stack.append(tuple(_since_mark(stack)))
    elif name == "GLOBAL":
        stack.append(Global(argument))
    elif name in {"REDUCE", "NEWOBJ"}:
        arguments, called = stack.pop(), stack.pop()
        stack.append({} if called.name == _DICT else Call(called.name, arguments))
    elif name == "BUILD":  # attributes of an object, which are not needed
        stack.pop()
    elif name in {"SETITEM", "SETITEMS"}:
        items = _since_mark(stack) if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
        if not all(isinstance(key, str | int) for key in items[::2]):
            raise ValueError("a dictionary has keys of another kind")
        stack[-1].update(zip(items[::2], items[1::2], strict=True))
    elif name in {"APPEND", "APPENDS"}:
        items = _since_mark(stack) if name == "APPENDS" else [stack.pop()]
        stack[-1].extend(items)
    elif name == "BINPERSID":
        _, kind, key, _, count, *_ = stack.pop()
        if not isinstance(key, str) or not isinstance(count, int):
            raise ValueError("a storage has no name, or no size")
        stack.append(Storage(kind.name.removeprefix("torch "), key, count))
    else:
        raise ValueError(f"it has the instruction {name}")


def _since_mark(stack: list[Any]) -> list[Any]:
    """Take what lies on the stack above the last mark, and the mark."""
    at = len(stack) - 1 - stack[::-1].index(_Mark)
    taken = stack[at + 1 :]
    del stack[at:]
    return taken
