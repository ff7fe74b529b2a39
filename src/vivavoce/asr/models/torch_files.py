"""Reading the tensors of a file that torch saved, without torch and without executing anything.

Such files are pickles, and a pickle is a program. Here its instructions are read one by one, and those that
build containers, numbers and texts are followed. A call is only noted; of all calls, that of one function is
understood: the one that describes a tensor. A file with any other instruction is refused.

This is the form that torch wrote up to version 1.5, and that it still reads: five pickles, then the storages.
"""

from __future__ import annotations

import io
import pickletools
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_tensors"]

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_SIZES: Final = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "IntStorage": 4, "LongStorage": 8,
}  # fmt: skip
_MOST_BYTES: Final = 1 << 30
_TENSOR: Final = "torch._utils _rebuild_tensor_v2"
_DICT: Final = "collections OrderedDict"


@dataclass(frozen=True, slots=True)
class _Global:
    """A name that the file would import."""

    name: str


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that the file would make."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Storage:
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


def read_tensors(path: Path, dictionary: str) -> dict[str, npt.NDArray[np.float32]]:
    """Read the tensors of floats of a dictionary in the file.

    Args:
        path: The file.
        dictionary: Its key at the top of the file, such as ``model_state``.

    Raises:
        ModelError: The file can't be read, is no such file, or is damaged.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ModelError(f"{path.name} is too large: {path.stat().st_size} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path.name} can't be read: {error.strerror}") from error
    try:
        file = io.BytesIO(content)
        saved, keys = _head(file)
        described = {name: tensor for name, tensor in saved[dictionary].items() if isinstance(tensor, _Call)}
        storages = dict(_storages(content, file.tell(), keys, _kinds(described)))
        return {name: _tensor(call, storages) for name, call in described.items() if _is_float(call)}
    except ModelError:
        raise
    except Exception as error:  # whatever the file says can be wrong
        raise ModelError(f"{path.name} is not a file of torch, or it is damaged: {error}") from error


def _head(file: io.BytesIO) -> tuple[dict[str, Any], list[str]]:
    """What was saved, and the keys of its storages, which follow.

    Raises:
        ValueError: The file begins with something else.
    """
    magic, _version, _system, saved, keys = (_value(file) for _ in range(5))
    if magic != _MAGIC:
        raise ValueError("it does not begin as such a file does")
    return saved, keys


def _value(file: io.BytesIO) -> Any:
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
        stack.append(_Global(argument))
    elif name == "REDUCE":
        arguments, called = stack.pop(), stack.pop()
        stack.append({} if called.name == _DICT else _Call(called.name, arguments))
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
        _, kind, key, _, count, _ = stack.pop()
        if not isinstance(key, str) or not isinstance(count, int):
            raise ValueError("a storage has no name, or no size")
        stack.append(_Storage(kind.name.removeprefix("torch "), key, count))
    else:
        raise ValueError(f"it has the instruction {name}")


def _since_mark(stack: list[Any]) -> list[Any]:
    """Take what lies on the stack above the last mark, and the mark."""
    at = len(stack) - 1 - stack[::-1].index(_Mark)
    taken = stack[at + 1 :]
    del stack[at:]
    return taken


def _is_float(call: _Call) -> bool:
    return call.name == _TENSOR and call.arguments[0].kind == "FloatStorage"


def _kinds(described: dict[str, _Call]) -> dict[str, str]:
    """The kind of each storage, by its key."""
    return {
        call.arguments[0].key: call.arguments[0].kind for call in described.values() if call.name == _TENSOR
    }


def _storages(
    content: bytes, at: int, keys: list[str], kinds: dict[str, str]
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The storages of floats that tensors name: each is its count, then its numbers.

    A storage that no tensor names is taken to be of floats, too; if it is not, the counts do not add up.
    """
    for key in keys:
        (count,) = struct.unpack_from("<q", content, at)
        kind = kinds.get(key, "FloatStorage")
        end = at + 8 + count * _SIZES[kind]
        if count < 0 or end > len(content):
            raise ValueError("it ends too soon")
        if kind == "FloatStorage":
            yield key, np.frombuffer(content, "<f4", count, at + 8)
        at = end


def _tensor(call: _Call, storages: dict[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    storage, offset, shape, strides, *_ = call.arguments
    size = int(np.prod(shape, dtype=np.int64))
    contiguous = tuple(int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape)))
    if tuple(strides) != contiguous:
        raise ValueError("a tensor is not contiguous")
    numbers = storages[storage.key][offset : offset + size]
    if len(numbers) != size or offset < 0:
        raise ValueError("a tensor is larger than its storage")
    return numbers.reshape(shape)
