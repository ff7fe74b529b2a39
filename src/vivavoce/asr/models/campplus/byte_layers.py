"""The costly parts of CAM++ in 8 bits: convolutions of its front, and products of its blocks.

Activations are codes from 0 on whose scale is fixed when the graph is written: the batch norms keep the
mean and the deviation that each feature had in training, so its range is known without any audio. As 0 is the
lowest code, a rectifier costs nothing. Source of such graphs: B. Jacob et al., "Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018. What rounding the weights adds to the
mean of a result is subtracted: M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
Correction", 2019.

A scale depends on no audio, so no voice depends on those beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.campplus.sizes import FRONT_CHANNELS, GROWTH, INITIAL, NARROW
from vivavoce.asr.models.campplus.weights import Affine
from vivavoce.asr.models.filter_banks import N_BANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from vivavoce.asr.models.campplus.weights import Floats, Weights
    from vivavoce.asr.models.onnx.graph_writer import GraphBuilder

__all__ = ["ByteLayers"]

# What is twice as far from the mean as nearly all values still has a code, up to 255. Two products of 127 and
# 127 fit the 16 bits in which processors without VNNI add them.
_CODES: Final = 127
_WEIGHT_CODES: Final = 127
_MIDDLE: Final = 128  # code of 0 where values may be negative
_LAST_CODE: Final = 255
_DEVIATIONS: Final = 6.0  # above the mean of a feature, of the code 127
_LEAST_RANGE: Final = 0.5  # in deviations, of a feature that is rarely above 0
_LEAST_DEVIATION: Final = 1e-6
_TO_THE_END: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class _Spread:
    """How the values of features are distributed.

    Attributes:
        mean: Shape (features,).
        deviation: Shape (features,).
    """

    mean: Floats
    deviation: Floats

    @property
    def top(self) -> Floats:
        """What the code 127 stands for, shape (features,), above 0."""
        top = np.maximum(self.mean + _DEVIATIONS * self.deviation, _LEAST_RANGE * self.deviation)
        return np.where(top > 0, top, 1).astype(np.float32)

    def plus(self, other: _Spread) -> _Spread:
        """The distribution of the sum."""
        return _Spread(self.mean + other.mean, np.hypot(self.deviation, other.deviation))

    def rectified(self) -> _Spread:
        """The distribution of what is above 0, and 0 elsewhere, if it is Gaussian before."""
        deviation = np.maximum(self.deviation, _LEAST_DEVIATION)
        ratio = self.mean / deviation
        above = np.array([0.5 * math.erfc(-each / math.sqrt(2)) for each in ratio])
        density = np.exp(-ratio * ratio / 2) / math.sqrt(2 * math.pi)
        mean = self.mean * above + deviation * density
        square = (self.mean**2 + deviation**2) * above + self.mean * deviation * density
        return _Spread(mean, np.sqrt(np.maximum(0, square - mean * mean)))


@dataclass(frozen=True, slots=True)
class _Codes:
    """Activations of 8 bits, the features last.

    Attributes:
        name: Of the value, uint8.
        top: What the code 127 stands for, shape (features,).
        spread: How they are distributed.
    """

    name: str
    top: Floats
    spread: _Spread


class ByteLayers:
    """Adds layers in 8 bits to a graph; a `CostlyLayers`."""

    def __init__(self, graph: GraphBuilder, weights: Weights) -> None:
        """Take a graph, and the weights of the network."""
        self._graph = graph
        self._weights = weights
        self._unit = graph.scalar(1 / _CODES)
        self._zero = graph.constant(np.array(0, np.uint8))

    # the front: over time and frequency

    def front(self, bands: str) -> str:
        """The convolutions over time and frequency, and the first features of frames.

        Args:
            bands: float32 (voices, frames, 80).

        Returns:
            float32 (voices, every second frame, 128).
        """
        value = self._first_convolution(bands)
        for layer in ("head.layer1", "head.layer2"):
            # No convolution lies beside the second block, so both results have one scale in each channel.
            first = self._spread(f"{layer}.0.shortcut.1").plus(self._spread(f"{layer}.0.bn2"))
            second = first.rectified().plus(self._spread(f"{layer}.1.bn2"))
            top = np.maximum(first.top, second.top)
            value = self._block(f"{layer}.0", value, first, top, 2)
            value = self._block(f"{layer}.1", value, second, top, 1)
        value = self._rectified(value, "head.conv2", "head.bn2", 2)
        return self._first_features(value)

    def _first_convolution(self, bands: str) -> _Codes:
        """It sees one channel, so it takes little time in floats."""
        graph, spread = self._graph, self._spread("head.bn1")
        after = self._weights.norm("head.bn1")
        kernel = self._weights["head.conv1.weight"] * (after.gain / spread.top)[:, None, None, None]
        value = graph.node(
            "Conv",
            graph.node("Unsqueeze", bands, graph.ints(1)),
            graph.constant(kernel.transpose(0, 1, 3, 2)),  # torch's axes are bands, frames
            graph.constant(after.shift / spread.top),
            pads=[1] * 4,
        )
        value = graph.node("Transpose", self._quantised(value), perm=[0, 2, 3, 1])
        return _Codes(value, spread.top, spread.rectified())

    def _block(self, name: str, value: _Codes, total: _Spread, top: Floats, step: int) -> _Codes:
        """Two convolutions, and what their result is added to."""
        inner = self._rectified(value, f"{name}.conv1", f"{name}.bn1", step)
        parts = [self._signed(inner, f"{name}.conv2", f"{name}.bn2", top)]
        if step == 1:
            parts.append((value.name, 1 / _CODES, 0))
        else:
            parts.append(self._signed(value, f"{name}.shortcut.0", f"{name}.shortcut.1", top, step))
        point = self._graph.point
        inputs = [
            each
            for part, unit, zero in parts
            for each in (part, point(np.float32(unit)), point(np.uint8(zero)))
        ]
        found = self._graph.node("QLinearAdd", *inputs, point(np.float32(1 / _CODES)), point(np.uint8(0)))
        return _Codes(found, top, total.rectified())

    def _rectified(self, value: _Codes, name: str, norm: str, step: int) -> _Codes:
        """A convolution with the norm after it; what is negative becomes 0."""
        spread = self._spread(norm)
        found = self._convolution(value, name, norm, spread.top, 1 / _CODES, 0, step)
        return _Codes(found, spread.top, spread.rectified())

    def _signed(
        self, value: _Codes, name: str, norm: str, top: Floats, step: int = 1
    ) -> tuple[str, float, int]:
        """The same for results that stay negative: the codes, what one is worth, and that of 0."""
        spread = self._spread(norm)
        reach = (np.abs(spread.mean) + _DEVIATIONS * spread.deviation) / top
        unit = float(reach.max()) / (_LAST_CODE - _MIDDLE)
        return self._convolution(value, name, norm, top, unit, _MIDDLE, step), unit, _MIDDLE

    def _convolution(
        self, value: _Codes, name: str, norm: str, top: Floats, unit: float, zero: int, step: int
    ) -> str:
        kernel, after = self._weights[f"{name}.weight"], self._weights.norm(norm)
        around = [kernel.shape[-1] // 2] * 4
        return self._on_codes(value, kernel.transpose(0, 1, 3, 2), after, top, unit, zero, [1, step], around)

    def _first_features(self, value: _Codes) -> str:
        """Features of five frames each, at every second frame, float32 (voices, frames, 128)."""
        graph, norm = self._graph, "xvector.tdnn.nonlinear.batchnorm"
        kernel = self._weights["xvector.tdnn.linear.weight"]
        kernel = kernel.reshape(INITIAL, FRONT_CHANNELS, N_BANDS // 8, 5).transpose(0, 1, 3, 2)
        after, top = self._weights.norm(norm), self._spread(norm).top
        codes = self._on_codes(value, kernel, after, top, 1 / _CODES, 0, [2, 1], [2, 0, 2, 0])
        found = graph.node("DequantizeLinear", codes, self._unit, self._zero)
        return graph.node("Mul", graph.node("Squeeze", found, graph.ints(2)), graph.constant(top))

    def _on_codes(
        self,
        value: _Codes,
        kernel: Floats,
        after: Affine,
        top: Floats,
        unit: float,
        zero: int,
        strides: Sequence[int],
        pads: Sequence[int],
    ) -> str:
        """A convolution and the norm after it, on codes.

        Args:
            value: Shape (voices, frames, bands, channels).
            kernel: Shape (outputs, channels, frames, bands).
            after: The norm.
            top: What 1 stands for in each output.
            unit: What one code is worth, of 1.
            zero: The code of 0.
            strides: Over frames and bands.
            pads: Before and after them.
        """
        outputs = len(kernel)
        kernel = kernel * (after.gain / top)[:, None, None, None] * value.top[:, None, None]
        codes, scale, excess = _rounded(kernel.reshape(outputs, -1).T)
        means = np.repeat(value.spread.mean / value.top, kernel.shape[2] * kernel.shape[3])
        shift = after.shift / top - means @ excess
        return self._graph.node(
            "QLinearConv",
            value.name,
            self._unit,
            self._zero,
            self._graph.constant(codes.T.reshape(kernel.shape)),
            self._graph.constant(scale),
            self._graph.constant(np.zeros(outputs, np.int8)),
            self._graph.scalar(unit),
            self._graph.constant(np.array(zero, np.uint8)),
            self._graph.constant(np.rint(shift / scale * _CODES).astype(np.int32)),
            channels_last=1,
            strides=strides,
            pads=pads,
        )

    # the blocks: over time

    def narrow(self, value: str, name: str) -> tuple[str, str]:
        """What a layer looks at its neighbours with, in units of `narrow_top`: float32, and codes of it."""
        after, top = self._weights.norm(f"{name}.nonlinear2.batchnorm"), self.narrow_top(name)
        matrix = self._weights.matrix(f"{name}.linear1.weight")
        scaled = Affine(after.gain / top, after.shift / top)
        found = self.rectified_product(value, f"{name}.nonlinear1.batchnorm", matrix, scaled)
        return self._graph.node("Relu", found), self._quantised(found)

    def narrow_top(self, name: str) -> Floats:
        """What 1 stands for in each feature of `narrow`, shape (128,)."""
        return self._spread(f"{name}.nonlinear2.batchnorm").top

    def rectified_product(self, value: str, norm: str, matrix: Floats, after: Affine | None) -> str:
        """``max(0, norm(value)) @ matrix``, and the norm after it."""
        graph, before, spread = self._graph, self._weights.norm(norm), self._spread(norm)
        scaled = graph.node("Mul", value, graph.constant(before.gain / spread.top))
        codes = self._quantised(graph.node("Add", scaled, graph.constant(before.shift / spread.top)))
        gain, shift = (1, 0) if after is None else (after.gain, after.shift)
        return self._product(_Codes(codes, spread.top, spread.rectified()), matrix * gain, shift)

    def of_three_frames(self, codes: str, name: str, distance: int) -> str:
        """A convolution over a frame and those at a distance before and after it, of codes of `narrow`."""
        graph, spread = self._graph, self._spread(f"{name}.nonlinear2.batchnorm")
        padded = graph.node("Pad", codes, graph.ints(distance, distance), self._zero, graph.ints(1))
        ends = (-2 * distance, -distance, _TO_THE_END)
        moved = [
            graph.node("Slice", padded, graph.ints(part * distance), graph.ints(end), graph.ints(1))
            for part, end in enumerate(ends)
        ]
        mean = spread.rectified().mean
        three = _Codes(
            graph.node("Concat", *moved, axis=2), np.tile(spread.top, 3), _Spread(np.tile(mean, 3), mean)
        )
        kernel = self._weights[f"{name}.cam_layer.linear_local.weight"].transpose(2, 1, 0)
        return self._product(three, kernel.reshape(3 * NARROW, GROWTH), 0)

    def _product(self, value: _Codes, matrix: Floats, shift: Floats | int) -> str:
        codes, scale, excess = _rounded(matrix * value.top[:, None])
        corrected = (shift - (value.spread.mean / value.top) @ excess).astype(np.float32)
        return self._graph.node(
            "MatMulIntegerToFloat",
            value.name,
            self._graph.constant(codes),
            self._unit,
            self._graph.constant(scale),
            self._zero,
            self._graph.constant(np.zeros(len(scale), np.int8)),
            self._graph.constant(corrected),
        )

    def _quantised(self, value: str) -> str:
        """Codes of values that are seldom above 1; what is negative has the code 0."""
        return self._graph.node("QuantizeLinear", value, self._unit, self._zero)

    def _spread(self, norm: str) -> _Spread:
        """How features are distributed after a batch norm."""
        learnt = self._weights.learnt(norm)
        return _Spread(learnt.shift, np.abs(learnt.gain))


def _rounded(matrix: Floats) -> tuple[npt.NDArray[np.int8], Floats, Floats]:
    """Codes of a matrix (inputs, outputs), the scale of each output, and what rounding adds to the matrix."""
    scale = np.abs(matrix).max(axis=0) / _WEIGHT_CODES
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    codes = np.rint(matrix / scale).astype(np.int8)
    return codes, scale, codes * scale - matrix
