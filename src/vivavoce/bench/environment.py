"""The machine and the packages of a measurement."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

from vivavoce.bench.resources import cores_of

__all__ = ["Machine", "cpu_model", "describe"]

_CPUINFO = Path("/proc/cpuinfo")
_PACKAGES = ("vivavoce", "onnxruntime", "onnxruntime-gpu", "numpy", "moonshine-voice")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine and the packages installed on it.

    Attributes:
        cpu: Model of its processor.
        cores: How many this process may use.
        system: Operating system and architecture.
        python: Version.
        packages: Versions by distribution; those that are not installed are left out.
    """

    cpu: str
    cores: int
    system: str
    python: str
    packages: dict[str, str] = field(default_factory=dict)


def cpu_model(cpuinfo: str) -> str | None:
    """Return the processor's name from the text of ``/proc/cpuinfo``; None if it is not there."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return " ".join(value.split())
    return None


def describe() -> Machine:
    """Describe this machine, without host names, addresses or folders."""
    packages: dict[str, str] = {}
    for name in _PACKAGES:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    try:
        cpu = cpu_model(_CPUINFO.read_text())
    except OSError:
        cpu = None
    return Machine(
        cpu=cpu or platform.processor() or platform.machine(),
        cores=cores_of(os.getpid()),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        packages=packages,
    )
