"""The costly parts of CAM++ in floats, which those in 8 bits are compared with.

Batch norms are folded into the products beside them, also across a rectifier: ``max(0, a·x + b)`` is
``a·max(x, -b/a) + b`` if ``a`` is positive, and the same with ``min`` if it is negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.asr.models.campplus.sizes import FRONT_CHANNELS, GROWTH, INITIAL, NARROW
from vivavoce.asr.models.filter_banks import N_BANDS

if TYPE_CHECKING:
    from vivavoce.asr.models.campplus.weights import Affine, Floats, Weights
    from vivavoce.asr.models.onnx.graph_writer import GraphBuilder

__all__ = ["FloatLayers"]

_TO_THE_END: Final = np.iinfo(np.int64).max


class FloatLayers:
    """Adds layers in floats to a graph; a `CostlyLayers`."""

    def __init__(self, graph: GraphBuilder, weights: Weights) -> None:
        """Take a graph, and the weights of the network."""
        self._graph = graph
        self._weights = weights

    def front(self, bands: str) -> str:
        """The convolutions over time and frequency, and the first features; see `CostlyLayers.front`."""
        graph = self._graph
        value = graph.node("Unsqueeze", bands, graph.ints(1))
        value = graph.node("Relu", self._convolution(value, "head.conv1", "head.bn1"))
        for layer in ("head.layer1", "head.layer2"):
            for block, step in enumerate((2, 1)):
                name = f"{layer}.{block}"
                inner = self._convolution(value, f"{name}.conv1", f"{name}.bn1", step)
                inner = graph.node("Relu", inner)
                inner = self._convolution(inner, f"{name}.conv2", f"{name}.bn2")
                if step > 1:
                    value = self._convolution(value, f"{name}.shortcut.0", f"{name}.shortcut.1", step)
                value = graph.node("Relu", graph.node("Add", inner, value))
        value = graph.node("Relu", self._convolution(value, "head.conv2", "head.bn2", 2))
        return self._first_features(value)

    def _convolution(self, value: str, name: str, norm: str, step: int = 1) -> str:
        """A convolution with the norm that follows it, at every frame and at each ``step``-th band."""
        after = self._weights.norm(norm)
        kernel = self._weights[f"{name}.weight"] * after.gain[:, None, None, None]
        return self._graph.node(
            "Conv",
            value,
            self._graph.constant(kernel.transpose(0, 1, 3, 2)),  # torch's axes are bands, frames
            self._graph.constant(after.shift),
            strides=[1, step],
            pads=[kernel.shape[-1] // 2] * 4,
        )

    def _first_features(self, value: str) -> str:
        """Features of five frames each, at every second frame: float32 (voices, frames, 128)."""
        graph, after = self._graph, self._weights.norm("xvector.tdnn.nonlinear.batchnorm")
        kernel = self._weights["xvector.tdnn.linear.weight"] * after.gain[:, None, None]
        kernel = kernel.reshape(INITIAL, FRONT_CHANNELS, N_BANDS // 8, 5).transpose(0, 1, 3, 2)
        value = graph.node(
            "Conv",
            value,
            graph.constant(kernel),
            graph.constant(after.shift),
            strides=[2, 1],
            pads=[2, 0, 2, 0],
        )
        value = graph.node("Squeeze", graph.node("Relu", value), graph.ints(3))
        return graph.node("Transpose", value, perm=[0, 2, 1])

    def narrow(self, value: str, name: str) -> tuple[str, str]:
        """What a layer looks at its neighbours with, twice the same; see `CostlyLayers.narrow`."""
        after = self._weights.norm(f"{name}.nonlinear2.batchnorm")
        matrix = self._weights.matrix(f"{name}.linear1.weight")
        found = self.rectified_product(value, f"{name}.nonlinear1.batchnorm", matrix, after)
        found = self._graph.node("Relu", found)
        return found, found

    def narrow_top(self, name: str) -> Floats:  # noqa: ARG002 - of another layer it may be another
        """What 1 stands for in each feature of `narrow`: 1."""
        return np.ones(NARROW, np.float32)

    def rectified_product(self, value: str, norm: str, matrix: Floats, after: Affine | None) -> str:
        """``max(0, norm(value)) @ matrix``, and the norm after it."""
        graph, before = self._graph, self._weights.norm(norm)
        is_constant = before.gain == 0
        gain = np.where(is_constant, 1, before.gain)
        bound = (-before.shift / gain).astype(np.float32)
        lower = np.where(gain > 0, bound, -np.inf).astype(np.float32)
        value = graph.node("Max", value, graph.constant(lower))
        if (gain < 0).any():
            upper = np.where(gain < 0, bound, np.inf).astype(np.float32)
            value = graph.node("Min", value, graph.constant(upper))
        shift = np.where(is_constant, np.maximum(0, before.shift), before.shift) @ matrix.astype(np.float64)
        matrix = matrix * before.gain[:, None]
        if after is not None:
            matrix, shift = matrix * after.gain, shift * after.gain + after.shift
        product = graph.node("MatMul", value, graph.constant(matrix))
        return graph.node("Add", product, graph.constant(shift.astype(np.float32)))

    def of_three_frames(self, value: str, name: str, distance: int) -> str:
        """A convolution over a frame and those at a distance before and after it.

        One product computes the three parts of all frames; each part is then moved, and they are added.
        """
        graph = self._graph
        kernel = self._weights[f"{name}.cam_layer.linear_local.weight"]
        matrix = kernel.transpose(1, 2, 0).reshape(NARROW, 3 * GROWTH)
        parts = graph.node("MatMul", value, graph.constant(matrix))
        parts = graph.node("Pad", parts, graph.ints(distance, distance), "", graph.ints(1))
        moved = []
        for part in range(3):
            starts = graph.ints(part * distance, part * GROWTH)
            ends = graph.ints((part - 2) * distance or _TO_THE_END, (part + 1) * GROWTH)
            moved.append(graph.node("Slice", parts, starts, ends, graph.ints(1, 2)))
        return graph.node("Sum", *moved)
