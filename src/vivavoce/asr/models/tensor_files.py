"""Reading the weights of a Hugging Face style folder, in one file or in several, without torch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ModelFolder", "TensorFiles", "read_json"]

_ONE_FILE: Final = "model.safetensors"
_INDEX: Final = "model.safetensors.index.json"
_SUFFIX: Final = ".safetensors"
_LENGTH_BYTES: Final = 8  # of the length of the header, in front of it
_HALF_WORD_BITS: Final = 16


class _Place(NamedTuple):
    """Where a tensor is: its file, the offset of its first byte there, its element type and its shape."""

    path: Path
    offset: int
    size: int
    element: str
    shape: tuple[int, ...]


class TensorFiles:
    """The tensors of a folder, by name.

    Attributes:
        paths: The files that hold them, in a fixed order.
    """

    def __init__(self, folder: Path) -> None:
        """Find the files of a folder; reads none of them.

        Args:
            folder: Holds ``model.safetensors``, or several files and ``model.safetensors.index.json``.

        Raises:
            ModelError: A file is missing.
        """
        self.paths = tuple(folder / name for name in _names(folder))
        for path in self.paths:
            if not path.is_file():
                raise ModelError(f"{folder} has no {path.name}: download the model again")
        self._places: dict[str, _Place] = {}

    def __contains__(self, name: str) -> bool:
        """Whether there is a tensor of this name."""
        return name in self._known()

    def floats(self, name: str, shape: tuple[int, ...] | None = None) -> npt.NDArray[np.float32]:
        """Read a tensor of float32, float16 or bfloat16, as float32.

        Args:
            name: Of the tensor.
            shape: That it must have; None: any.

        Raises:
            ModelError: There is no such tensor, it has another shape or element type, or a file is damaged.
        """
        place = self._known().get(name)
        if place is None:
            raise ModelError(f"{self.paths[0].name} has no tensor {name}: it must be the model's own file")
        if shape is not None and place.shape != shape:
            raise ModelError(
                f"the tensor {name} must have the shape {shape} by config.json, and has {place.shape}:"
                " both files must be of the same model"
            )
        with place.path.open("rb") as file:
            file.seek(place.offset)
            data = file.read(place.size)
        if place.element == "BF16":  # the upper half of a float32
            words = np.frombuffer(data, "<u2").astype(np.uint32) << _HALF_WORD_BITS
            return words.view(np.float32).reshape(place.shape)
        if place.element not in ("F16", "F32"):
            raise ModelError(
                f"the tensor {name} must hold F32, F16 or BF16, got {place.element}:"
                " quantised checkpoints are not supported"
            )
        element = "<f4" if place.element == "F32" else "<f2"
        return np.frombuffer(data, element).astype(np.float32).reshape(place.shape)

    def _known(self) -> dict[str, _Place]:
        """All tensors; the first call reads the headers."""
        if not self._places:
            for path in self.paths:
                self._places |= _places(path)
        return self._places


class ModelFolder:
    """A Hugging Face style folder.

    Attributes:
        config: Its ``config.json``.
        tokenizer: Its ``tokenizer.json``.
        tensors: Its weights.
    """

    def __init__(self, folder: Path) -> None:
        """Find the files.

        Args:
            folder: Holds ``config.json``, ``tokenizer.json``, and the weights as `TensorFiles` reads them.

        Raises:
            ModelError: There is no such folder, or a file is missing.
        """
        if not folder.is_dir():
            raise ModelError(f"there is no folder {folder}: give the folder of a model")
        self.config = folder / "config.json"
        self.tokenizer = folder / "tokenizer.json"
        for path in (self.config, self.tokenizer):
            if not path.is_file():
                raise ModelError(f"{folder} has no {path.name}: download the model again")
        self.tensors = TensorFiles(folder)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        ModelError: It is missing, or does not hold one.
    """
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"{path.parent} has no {path.name}: download the model again") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path.name} can't be read ({error}): download the model again") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path.name} must hold a JSON object: download the model again")
    return found


def _names(folder: Path) -> list[str]:
    """Names of the files that hold the tensors."""
    if (folder / _ONE_FILE).is_file() or not (folder / _INDEX).is_file():
        return [_ONE_FILE]
    files = read_json(folder / _INDEX).get("weight_map")
    found = list(files.values()) if isinstance(files, dict) else []
    if not found or not all(map(_is_name, found)):
        raise ModelError(f"{_INDEX} must name files beside it: download the model again")
    return sorted(set(found))


def _is_name(value: object) -> bool:
    """Whether this is the name of a file of tensors, without a folder."""
    return isinstance(value, str) and value.endswith(_SUFFIX) and "/" not in value and "\\" not in value


def _places(path: Path) -> dict[str, _Place]:
    """The tensors of one file.

    The library checks the header: that it describes tensors, which fill the file and do not overlap. It can't
    give NumPy the bytes of a bfloat16, so these are read here.
    """
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415 - needed once, to write the graphs

    try:
        with safe_open(path, "np"):
            pass
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path.name} is damaged ({error}): download the model again") from error
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        offset = _LENGTH_BYTES + length + start
        found[name] = _Place(path, offset, end - start, entry["dtype"], tuple(entry["shape"]))
    return found
