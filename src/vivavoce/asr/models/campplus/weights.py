"""The weights of CAM++, as 3D-Speaker names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.models.campplus.sizes import BLOCKS, FRONT_CHANNELS, GROWTH, INITIAL, NARROW, WIDTH
from vivavoce.asr.models.filter_banks import N_BANDS
from vivavoce.asr.models.torch_files import read_tensors
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Affine", "Floats", "Weights", "shapes"]

Floats: TypeAlias = npt.NDArray[np.float32]

_EPSILON: Final = 1e-5


@dataclass(frozen=True, slots=True)
class Affine:
    """A batch norm after training: ``gain * x + shift``, of shape (features,)."""

    gain: Floats
    shift: Floats


class Weights:
    """Weights that are complete and have the right shapes."""

    def __init__(self, values: dict[str, Floats], file_name: str) -> None:
        """Check the weights.

        Args:
            values: By name.
            file_name: For messages.

        Raises:
            ModelError: One is missing or has another shape.
        """
        for name, shape in shapes():
            if name not in values or values[name].shape != shape:
                found = values[name].shape if name in values else "nothing"
                raise ModelError(f"{file_name} is no CAM++ model: {name} must be {shape}, got {found}")
        self._values = values

    @classmethod
    def read(cls, source: Path) -> Weights:
        """Read the file ``campplus_cn_en_common.pt``.

        Raises:
            ModelError: It can't be read, or is not such a model.
        """
        return cls(read_tensors(source, None), source.name)

    def __getitem__(self, name: str) -> Floats:
        return self._values[name]

    def matrix(self, name: str) -> Floats:
        """A convolution over one frame, as a matrix (inputs, outputs)."""
        return self._values[name][:, :, 0].T

    def norm(self, name: str) -> Affine:
        """A batch norm."""
        scale = 1 / np.sqrt(self._values[f"{name}.running_var"].astype(np.float64) + _EPSILON)
        gain = self._values.get(f"{name}.weight", np.float32(1)) * scale
        shift = self._values.get(f"{name}.bias", np.float32(0)) - self._values[f"{name}.running_mean"] * gain
        return Affine(gain.astype(np.float32), shift.astype(np.float32))

    def learnt(self, name: str) -> Affine:
        """What a batch norm gives to values of mean 0 and deviation 1, as they were in training."""
        mean = self._values[f"{name}.running_mean"]
        gain = self._values.get(f"{name}.weight", np.ones_like(mean))
        return Affine(gain, self._values.get(f"{name}.bias", np.zeros_like(mean)))


def shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all weights that are floats."""
    yield from _front_shapes()
    yield "xvector.tdnn.linear.weight", (INITIAL, FRONT_CHANNELS * N_BANDS // 8, 5)
    yield from _norm_shapes("xvector.tdnn.nonlinear.batchnorm", INITIAL)
    width = INITIAL
    for number, (layers, _) in enumerate(BLOCKS, 1):
        for layer in range(1, layers + 1):
            name = f"xvector.block{number}.tdnnd{layer}"
            yield from _norm_shapes(f"{name}.nonlinear1.batchnorm", width)
            yield f"{name}.linear1.weight", (NARROW, width, 1)
            yield from _norm_shapes(f"{name}.nonlinear2.batchnorm", NARROW)
            yield f"{name}.cam_layer.linear_local.weight", (GROWTH, NARROW, 3)
            for part, inputs, outputs in (("linear1", NARROW, NARROW // 2), ("linear2", NARROW // 2, GROWTH)):
                yield f"{name}.cam_layer.{part}.weight", (outputs, inputs, 1)
                yield f"{name}.cam_layer.{part}.bias", (outputs,)
            width += GROWTH
        yield from _norm_shapes(f"xvector.transit{number}.nonlinear.batchnorm", width)
        yield f"xvector.transit{number}.linear.weight", (width // 2, width, 1)
        width //= 2
    yield from _norm_shapes("xvector.out_nonlinear.batchnorm", width)
    yield "xvector.dense.linear.weight", (WIDTH, 2 * width, 1)
    for part in ("running_mean", "running_var"):
        yield f"xvector.dense.nonlinear.batchnorm.{part}", (WIDTH,)


def _front_shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    channels = FRONT_CHANNELS
    yield "head.conv1.weight", (channels, 1, 3, 3)
    yield from _norm_shapes("head.bn1", channels)
    for block in ("layer1.0", "layer1.1", "layer2.0", "layer2.1"):
        for part in (1, 2):
            yield f"head.{block}.conv{part}.weight", (channels, channels, 3, 3)
            yield from _norm_shapes(f"head.{block}.bn{part}", channels)
        if block.endswith("0"):
            yield f"head.{block}.shortcut.0.weight", (channels, channels, 1, 1)
            yield from _norm_shapes(f"head.{block}.shortcut.1", channels)
    yield "head.conv2.weight", (channels, channels, 3, 3)
    yield from _norm_shapes("head.bn2", channels)


def _norm_shapes(name: str, features: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (features,)
