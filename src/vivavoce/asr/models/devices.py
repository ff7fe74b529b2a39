"""Where recognisers run: on the processor, or on an NVIDIA GPU through CUDA.

Only recognisers: a run of the speech detector takes less time than the way to a GPU and back, and the file of
the turn detector has products of 8 bits.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.onnx.sessions import CPU_PROVIDER, CUDA_PROVIDER
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "CPU",
    "CUDA",
    "DEVICE_CHOICES",
    "GPU_MAX_BATCH",
    "GPU_MAX_WORKERS",
    "Device",
    "check_device",
    "why_no_gpu",
]

DEVICE_CHOICES: Final = ("cpu", "cuda", "auto")
"""What a user may ask for; ``auto`` is CUDA where it can be used."""

GPU_MAX_BATCH: Final = 16
"""Spans in a batch on a GPU, where a step of many takes hardly longer than that of one. Not measured."""
GPU_MAX_WORKERS: Final = 2
"""Batches at a time on a GPU: one computes, while arrays of the other are made and read. Not measured."""

# The module whose function says why a family can't run on a GPU; most families run on ONNX Runtime. It is
# imported only when a GPU is asked for, because that loads a library.
_CHECKS: Final[Mapping[str, str]] = MappingProxyType({"whisper": "vivavoce.asr.models.whisper.runtime"})
_ONNX: Final = "vivavoce.asr.models.onnx.runtime"


@dataclass(frozen=True, slots=True)
class Device:
    """Where a recogniser runs.

    Attributes:
        name: ``cpu`` or ``cuda``.
        providers: Execution providers of ONNX Runtime, the preferred first.
    """

    name: str
    providers: tuple[str, ...]

    def __str__(self) -> str:
        return self.name

    @property
    def is_gpu(self) -> bool:
        """Whether it has a memory of its own, and computes in floats.

        Processors are fast with products of 8 bits. ONNX Runtime has no CUDA kernel for the one that our
        graphs use, `MatMulIntegerToFloat`: it would compute each on the processor, between two copies.
        """
        return self.name != CPU.name


CPU: Final = Device("cpu", (CPU_PROVIDER,))
CUDA: Final = Device("cuda", (CUDA_PROVIDER, CPU_PROVIDER))


def why_no_gpu(family: str) -> str | None:
    """Find out why the models of a family can't run on a GPU.

    Args:
        family: A key of `RECOGNISERS`.

    Returns:
        What is wrong and what to do, in one line; None: they can.
    """
    reason: str | None = importlib.import_module(_CHECKS.get(family, _ONNX)).why_no_gpu()
    return reason


def check_device(choice: str, families: Iterable[str]) -> None:
    """Find out what a server needs to know before it listens; ``cpu`` needs nothing.

    Args:
        choice: One of `DEVICE_CHOICES`.
        families: Of the models that will be loaded.

    Raises:
        ModelError: ``cuda`` is asked for and can't be used.
    """
    if choice == CPU.name:
        return
    for family in dict.fromkeys(families):
        reason = why_no_gpu(family)
        if reason is not None and choice == CUDA.name:
            raise ModelError(f"--device cuda: {reason}")
