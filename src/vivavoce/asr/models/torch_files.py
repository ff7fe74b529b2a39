"""Reading the tensors of a file that torch saved, without torch and without executing anything.

Such files have pickles, which are programs: `torch_pickles` follows them and makes none of their calls. Of
all calls, that of one function is understood: the one that describes a tensor.

There are two forms. Up to version 1.5 torch wrote five pickles, then the storages. Since then it writes a ZIP
archive, uncompressed, with one pickle and a member for each storage. Both are read.
"""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.torch_pickles import Call, read_value
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["read_tensors"]

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_ZIP: Final = b"PK\x03\x04"
_SIZES: Final = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "IntStorage": 4, "LongStorage": 8,
}  # fmt: skip
_FLOATS: Final = "FloatStorage"
_MOST_BYTES: Final = 1 << 30
_TENSOR: Final = "torch._utils _rebuild_tensor_v2"


def read_tensors(path: Path, dictionary: str | None) -> dict[str, npt.NDArray[np.float32]]:
    """Read the tensors of floats of a dictionary in the file.

    Args:
        path: The file.
        dictionary: Its key at the top of the file, such as ``model_state``; None: the file has nothing else.

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
        return _read_zip(content, dictionary) if content.startswith(_ZIP) else _read_old(content, dictionary)
    except ModelError:
        raise
    except Exception as error:  # whatever the file says can be wrong
        raise ModelError(f"{path.name} is not a file of torch, or it is damaged: {error}") from error


def _described(saved: Any, dictionary: str | None) -> dict[str, Call]:
    """The tensors that a dictionary describes, by their names."""
    chosen = saved if dictionary is None else saved[dictionary]
    if not isinstance(chosen, dict):
        raise ValueError("it has no dictionary of tensors")  # noqa: TRY004 - a file has it, not a caller
    return {
        name: value for name, value in chosen.items() if isinstance(value, Call) and value.name == _TENSOR
    }


def _is_float(call: Call) -> bool:
    return bool(call.arguments[0].kind == _FLOATS)


# the form of today


def _read_zip(content: bytes, dictionary: str | None) -> dict[str, npt.NDArray[np.float32]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name.partition("/")[2]: info for name, info in archive.NameToInfo.items()}
        if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
            raise ValueError("its numbers are not in little-endian order")
        saved = read_value(io.BytesIO(_stored(archive, members["data.pkl"], len(content))))
        described = {name: call for name, call in _described(saved, dictionary).items() if _is_float(call)}
        storages = dict(_members(archive, members, described.values(), len(content)))
        return {name: _tensor(call, storages) for name, call in described.items()}


def _members(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], tensors: Iterable[Call], most_bytes: int
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The storages of floats that tensors name, each of which is a member."""
    for key in {call.arguments[0].key: None for call in tensors}:
        member = members[f"data/{key}"]
        most_bytes -= member.file_size  # several entries of a bad archive may name the same bytes
        yield key, np.frombuffer(_stored(archive, member, most_bytes + member.file_size), "<f4")


def _stored(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most_bytes: int) -> bytes:
    """Content of a member, which must not be compressed: so no small file becomes a large one.

    Raises:
        ValueError: It is compressed, or larger than its file can hold.
    """
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > most_bytes:
        raise ValueError(f"its member {member.filename} is compressed or too large")
    return archive.read(member)


# the form up to version 1.5


def _read_old(content: bytes, dictionary: str | None) -> dict[str, npt.NDArray[np.float32]]:
    file = io.BytesIO(content)
    saved, keys = _head(file)
    described = _described(saved, dictionary)
    storages = dict(_storages(content, file.tell(), keys, _kinds(described)))
    return {name: _tensor(call, storages) for name, call in described.items() if _is_float(call)}


def _head(file: io.BytesIO) -> tuple[Any, list[str]]:
    """What was saved, and the keys of its storages, which follow.

    Raises:
        ValueError: The file begins with something else.
    """
    magic, _version, _system, saved, keys = (read_value(file) for _ in range(5))
    if magic != _MAGIC:
        raise ValueError("it does not begin as such a file does")
    return saved, keys


def _kinds(described: dict[str, Call]) -> dict[str, str]:
    """The kind of each storage, by its key."""
    return {call.arguments[0].key: call.arguments[0].kind for call in described.values()}


def _storages(
    content: bytes, at: int, keys: list[str], kinds: dict[str, str]
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The storages of floats that tensors name: each is its count, then its numbers.

    A storage that no tensor names is taken to be of floats, too; if it is not, the counts do not add up.
    """
    for key in keys:
        (count,) = struct.unpack_from("<q", content, at)
        kind = kinds.get(key, _FLOATS)
        end = at + 8 + count * _SIZES[kind]
        if count < 0 or end > len(content):
            raise ValueError("it ends too soon")
        if kind == _FLOATS:
            yield key, np.frombuffer(content, "<f4", count, at + 8)
        at = end


# both


def _tensor(call: Call, storages: dict[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    storage, offset, shape, strides, *_ = call.arguments
    size = int(np.prod(shape, dtype=np.int64))
    contiguous = tuple(int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape)))
    if tuple(strides) != contiguous:
        raise ValueError("a tensor is not contiguous")
    numbers = storages[storage.key][offset : offset + size]
    if len(numbers) != size or offset < 0:
        raise ValueError("a tensor is larger than its storage")
    return numbers.reshape(shape)
