"""What ``vivavoce capacity`` measured on this machine, for ``vivavoce serve``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.errors import ConfigurationError
from vivavoce.folders import cache_folder
from vivavoce.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Measured", "capacity_path", "keep", "measured_streams"]

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


def capacity_path() -> Path:
    """Return the path of the file that holds the last measurement."""
    return cache_folder() / "capacity.json"


def keep(measured: Measured) -> None:
    """Write a measurement.

    Raises:
        OSError: The file can't be written.
    """
    path = capacity_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_bytes(msgspec.json.encode(measured) + b"\n")
    part.replace(path)


def measured_streams() -> int:
    """Return how many streams this machine holds.

    Raises:
        ConfigurationError: That was not measured, not even one was held, or this package or the number of
            cores has changed since.
    """
    from vivavoce.cores import usable_cores

    try:
        measured = msgspec.json.decode(capacity_path().read_bytes(), type=Measured)
    except FileNotFoundError:
        raise ConfigurationError(f"the capacity of this machine was not measured: {_HOW}") from None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(f"{capacity_path()} can't be read ({error}): {_HOW}") from None
    if measured.version != __version__:
        raise ConfigurationError(f"the capacity was measured with vivavoce {measured.version}: {_HOW} again")
    cores = usable_cores()
    if measured.cores != cores:
        raise ConfigurationError(
            f"the capacity was measured with {measured.cores} cores, and there are {cores} now: {_HOW} again"
        )
    if measured.streams < 1:
        raise ConfigurationError("this machine did not hold a single stream when its capacity was measured")
    return measured.streams
