"""What ``vivavoce capacity`` measured on this machine, for ``vivavoce serve``."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from vivavoce.errors import ConfigurationError
from vivavoce.folders import cache_folder
from vivavoce.json_failures import JSON_FAILURES
from vivavoce.model_files import DEFAULT_MODEL
from vivavoce.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.model_files import ChosenModel

__all__ = ["Measured", "capacity_path", "figures_name", "keep", "last_measured", "measured_streams"]

_HOW: Final = "run vivavoce capacity"


class Measured(msgspec.Struct, frozen=True):
    """A measurement.

    Attributes:
        streams: The number of streams that were held.
        cores: The number of cores that the server could use.
        version: Of this package.
    """

    streams: int
    cores: int
    version: str = __version__


def figures_name(model: ChosenModel) -> str:
    """Return the name of a model among the figures: two folders of one name are two models."""
    if model.card is not None or model.folder is None:
        return model.name
    where = hashlib.sha256(os.fsencode(model.folder)).hexdigest()
    return f"{model.name}-{where[:8]}"


def capacity_path(model: str = DEFAULT_MODEL, final_model: str | None = None, *, device: str = "cpu") -> Path:
    """Return the path of the file that holds the last measurement.

    Args:
        model: The `figures_name` of the model that was measured.
        final_model: That of a second one that heard finished turns again; None: there was none.
        device: Where they ran, as the user chose it.
    """
    names = [each for each in (model, final_model) if each]
    suffix = "" if names == [DEFAULT_MODEL] else f"-{'+'.join(quote(each, safe='') for each in names)}"
    suffix += "" if device == "cpu" else f"@{device}"
    return cache_folder() / f"capacity{suffix}.json"


def keep(
    measured: Measured, model: str = DEFAULT_MODEL, final_model: str | None = None, *, device: str = "cpu"
) -> None:
    """Write a measurement.

    Args:
        measured: The measurement.
        model: As for `capacity_path`.
        final_model: The same.
        device: The same.

    Raises:
        OSError: The file can't be written.
    """
    path = capacity_path(model, final_model, device=device)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_bytes(msgspec.json.encode(measured) + b"\n")
    part.replace(path)


def last_measured(
    model: str = DEFAULT_MODEL, final_model: str | None = None, options: str = "", *, device: str = "cpu"
) -> Measured:
    """Return how many streams of a model this machine has held, on however many cores it had then.

    Args:
        model: As for `capacity_path`.
        final_model: The same.
        options: What the command that measures it needs, for messages.
        device: As for `capacity_path`.

    Raises:
        ConfigurationError: That was not measured, not even one was held, or this package has changed since.
    """
    path, how = capacity_path(model, final_model, device=device), f"{_HOW} {options}".rstrip()
    what = f" with {options}" if options else ""
    try:
        measured = msgspec.json.decode(path.read_bytes(), type=Measured)
    except FileNotFoundError:
        raise ConfigurationError(f"the capacity of this machine{what} was not measured: {how}") from None
    except (OSError, *JSON_FAILURES) as error:
        raise ConfigurationError(f"{path} can't be read ({error}): {how}") from None
    if measured.version != __version__:
        raise ConfigurationError(f"the capacity was measured with vivavoce {measured.version}: {how} again")
    if measured.streams < 1:
        raise ConfigurationError(
            f"this machine did not hold a single stream{what} when its capacity was measured"
        )
    return measured


def measured_streams(
    model: str = DEFAULT_MODEL, final_model: str | None = None, options: str = "", *, device: str = "cpu"
) -> int:
    """Return how many streams of a model this machine holds; the arguments are those of `last_measured`.

    Raises:
        ConfigurationError: That was not measured, not even one was held, or this package or the number of
            cores has changed since.
    """
    from vivavoce.cores import usable_cores

    measured, cores = last_measured(model, final_model, options, device=device), usable_cores()
    if measured.cores != cores:
        how = f"{_HOW} {options}".rstrip()
        raise ConfigurationError(
            f"the capacity was measured with {measured.cores} cores, and there are {cores} now: {how} again"
        )
    return measured.streams
