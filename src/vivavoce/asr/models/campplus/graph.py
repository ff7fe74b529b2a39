"""The graph of CAM++, written from its weights.

A front of convolutions over time and frequency, then three blocks in which each layer adds features to those
of all layers before it, multiplied by a mask that depends on the surroundings; then the mean and the
deviation of each feature over time.

Features are the last axis, so the frames of all voices are rows of one matrix in most products. Nearly all
of the time goes into the convolutions and the large products, which are computed in 8 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from onnx import TensorProto

from vivavoce.asr.models.campplus.byte_layers import ByteLayers
from vivavoce.asr.models.campplus.float_layers import FloatLayers
from vivavoce.asr.models.campplus.sizes import BLOCKS, SEGMENT_FRAMES, WIDTH
from vivavoce.asr.models.campplus.weights import Weights
from vivavoce.asr.models.filter_banks import N_BANDS
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.campplus.weights import Affine, Floats

__all__ = ["build_encoder"]

_FLOAT: Final = TensorProto.FLOAT
_SHORTEST: Final = 1e-6


class CostlyLayers(Protocol):
    """The parts of the network that take nearly all of the time."""

    def front(self, bands: str) -> str:
        """The convolutions over time and frequency, and the first features of frames.

        Args:
            bands: float32 (voices, frames, 80).

        Returns:
            float32 (voices, every second frame, 128).
        """

    def narrow(self, value: str, name: str) -> tuple[str, str]:
        """What a layer looks at its neighbours with.

        Args:
            value: The features of the layers before it, float32 (voices, frames, features).
            name: Of the layer.

        Returns:
            The values in units of `narrow_top`, float32 (voices, frames, 128); what `of_three_frames` takes.
        """

    def narrow_top(self, name: str) -> Floats:
        """What 1 stands for in each feature of `narrow`, shape (128,)."""

    def rectified_product(self, value: str, norm: str, matrix: Floats, after: Affine | None) -> str:
        """``max(0, norm(value)) @ matrix``, and the norm after it."""

    def of_three_frames(self, value: str, name: str, distance: int) -> str:
        """A convolution over a frame and those at a distance before and after it."""


@dataclass(frozen=True, slots=True)
class _Segments:
    """Names of two matrices that all layers use.

    Attributes:
        mean: float32 (segments, frames): times the frames gives the mean of each segment plus that of all.
        spread: float32 (frames, segments): times a row for each segment gives a row for each frame.
    """

    mean: str
    spread: str


def build_encoder(source: Path, target: Path, *, in_floats: bool = False) -> None:
    """Write the graph.

    Inputs:
        bands: float32 (voices, frames, 80), filter banks whose mean over the frames is 0; 3 frames or more.
    Outputs:
        embeddings: float32 (voices, 192), of length 1.

    Args:
        source: The file ``campplus_cn_en_common.pt``.
        target: The file to write.
        in_floats: Whether all is computed in floats, which takes twice as long; else most is in 8 bits.

    Raises:
        ModelError: The file can't be read, or is not such a model.
    """
    weights = Weights.read(source)
    graph = GraphBuilder("voices")
    layers: CostlyLayers = (FloatLayers if in_floats else ByteLayers)(graph, weights)
    value = layers.front(graph.input("bands", _FLOAT, ["voices", "frames", N_BANDS]))
    segments = _segments(graph, value)
    for number, (count, distance) in enumerate(BLOCKS, 1):
        for layer in range(1, count + 1):
            name = f"xvector.block{number}.tdnnd{layer}"
            added = _layer(graph, weights, layers, name, value, distance, segments)
            value = graph.node("Concat", value, added, axis=2)
        name = f"xvector.transit{number}"
        after = weights.norm("xvector.out_nonlinear.batchnorm") if number == len(BLOCKS) else None
        matrix = weights.matrix(f"{name}.linear.weight")
        value = layers.rectified_product(value, f"{name}.nonlinear.batchnorm", matrix, after)
    embeddings = _embeddings(graph, weights, graph.node("Relu", value))
    graph.output(embeddings, "embeddings", _FLOAT, ["voices", WIDTH])
    graph.save(target)


def _segments(graph: GraphBuilder, value: str) -> _Segments:
    """Segments of 100 frames; the last may be shorter."""

    def number(count: int) -> str:
        return graph.constant(np.array(count))

    frames = graph.node("Gather", graph.node("Shape", value), number(1))
    owner = graph.node("Div", graph.node("Range", number(0), frames, number(1)), number(SEGMENT_FRAMES))
    count = graph.node("Div", graph.node("Add", frames, number(SEGMENT_FRAMES - 1)), number(SEGMENT_FRAMES))
    column = graph.node("Unsqueeze", graph.node("Range", number(0), count, number(1)), graph.ints(1))
    belongs = graph.node("Cast", graph.node("Equal", column, owner), to=_FLOAT)
    sizes = graph.node("ReduceSum", belongs, graph.ints(1), keepdims=1)
    of_all = graph.node("Reciprocal", graph.node("Cast", frames, to=_FLOAT))
    return _Segments(
        mean=graph.node("Add", graph.node("Div", belongs, sizes), of_all),
        spread=graph.node("Transpose", belongs, perm=[1, 0]),
    )


def _layer(
    graph: GraphBuilder,
    weights: Weights,
    layers: CostlyLayers,
    name: str,
    value: str,
    distance: int,
    segments: _Segments,
) -> str:
    """The features that a layer adds, float32 (voices, frames, 32)."""
    narrow, codes = layers.narrow(value, name)
    local = layers.of_three_frames(codes, name, distance)

    name = f"{name}.cam_layer"
    around = graph.node("MatMul", segments.mean, narrow)
    top = layers.narrow_top(name.removesuffix(".cam_layer"))
    hidden = graph.node("Relu", _product(graph, weights, around, f"{name}.linear1", top))
    mask = graph.node("Sigmoid", _product(graph, weights, hidden, f"{name}.linear2"))
    return graph.node("Mul", local, graph.node("MatMul", segments.spread, mask))


def _product(graph: GraphBuilder, weights: Weights, value: str, name: str, top: Floats | None = None) -> str:
    matrix = weights.matrix(f"{name}.weight")
    matrix = matrix if top is None else matrix * top[:, None]
    product = graph.node("MatMul", value, graph.constant(matrix))
    return graph.node("Add", product, graph.constant(weights[f"{name}.bias"]))


def _embeddings(graph: GraphBuilder, weights: Weights, value: str) -> str:
    """Means and deviations over time, and what follows: float32 (voices, 192), of length 1."""
    time = graph.ints(1)
    mean = graph.node("ReduceMean", value, time, keepdims=1)
    squares = graph.node("ReduceSumSquare", graph.node("Sub", value, mean), time, keepdims=1)
    frames = graph.node("Gather", graph.node("Shape", value), graph.constant(np.array(1)))
    others = graph.node("Cast", graph.node("Sub", frames, graph.constant(np.array(1))), to=_FLOAT)
    deviation = graph.node("Sqrt", graph.node("Div", squares, others))
    both = graph.node("Squeeze", graph.node("Concat", mean, deviation, axis=2), time)
    after = weights.norm("xvector.dense.nonlinear.batchnorm")
    matrix = weights.matrix("xvector.dense.linear.weight") * after.gain
    raw = graph.node("Gemm", both, graph.constant(matrix), graph.constant(after.shift))
    length = graph.node("ReduceL2", raw, time, keepdims=1)
    return graph.node("Div", raw, graph.node("Max", length, graph.scalar(_SHORTEST)))
