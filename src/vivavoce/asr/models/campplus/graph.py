"""The graph of CAM++, written from its weights.

A front of convolutions over time and frequency, then three blocks in which each layer adds features to those
of all layers before it, multiplied by a mask that depends on the surroundings; then the mean and the
deviation of each feature over time.

Features are the last axis, so the frames of all voices are rows of one matrix in most products. Batch norms
are folded into the products beside them, also across a rectifier: ``max(0, a·x + b)`` is
``a·max(x, -b/a) + b`` if ``a`` is positive, and the same with ``min`` if it is negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from onnx import TensorProto

from vivavoce.asr.models.campplus.sizes import (
    BLOCKS,
    FRONT_CHANNELS,
    GROWTH,
    INITIAL,
    NARROW,
    SEGMENT_FRAMES,
    WIDTH,
)
from vivavoce.asr.models.campplus.weights import Affine, Floats, Weights
from vivavoce.asr.models.filter_banks import N_BANDS
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["build_encoder"]

_FLOAT: Final = TensorProto.FLOAT
_TO_THE_END: Final = np.iinfo(np.int64).max
_SHORTEST: Final = 1e-6


@dataclass(frozen=True, slots=True)
class _Segments:
    """Names of two matrices that all layers use.

    Attributes:
        mean: float32 (segments, frames): times the frames gives the mean of each segment plus that of all.
        spread: float32 (frames, segments): times a row for each segment gives a row for each frame.
    """

    mean: str
    spread: str


def build_encoder(source: Path, target: Path) -> None:
    """Write the graph.

    Inputs:
        bands: float32 (voices, frames, 80), filter banks whose mean over the frames is 0; 3 frames or more.
    Outputs:
        embeddings: float32 (voices, 192), of length 1.

    Args:
        source: The file ``campplus_cn_en_common.pt``.
        target: The file to write.

    Raises:
        ModelError: The file can't be read, or is not such a model.
    """
    weights = Weights.read(source)
    graph = GraphBuilder("voices")
    bands = graph.input("bands", _FLOAT, ["voices", "frames", N_BANDS])
    value = _first_features(graph, weights, _front(graph, weights, bands))
    segments = _segments(graph, value)
    for number, (layers, distance) in enumerate(BLOCKS, 1):
        for layer in range(1, layers + 1):
            name = f"xvector.block{number}.tdnnd{layer}"
            value = graph.node(
                "Concat", value, _layer(graph, weights, name, value, distance, segments), axis=2
            )
        name = f"xvector.transit{number}"
        after = weights.norm("xvector.out_nonlinear.batchnorm") if number == len(BLOCKS) else None
        before, matrix = weights.norm(f"{name}.nonlinear.batchnorm"), weights.matrix(f"{name}.linear.weight")
        value = _rectified_product(graph, value, before, matrix, after)
    embeddings = _embeddings(graph, weights, graph.node("Relu", value))
    graph.output(embeddings, "embeddings", _FLOAT, ["voices", WIDTH])
    graph.save(target)


# the front: over time and frequency


def _front(graph: GraphBuilder, weights: Weights, bands: str) -> str:
    """Convolutions, float32 (voices, 32, frames, 10)."""
    value = graph.node("Unsqueeze", bands, graph.ints(1))
    value = graph.node("Relu", _convolution(graph, weights, value, "head.conv1", "head.bn1"))
    for layer in ("head.layer1", "head.layer2"):
        for block, step in enumerate((2, 1)):
            name = f"{layer}.{block}"
            inner = _convolution(graph, weights, value, f"{name}.conv1", f"{name}.bn1", step)
            inner = graph.node("Relu", inner)
            inner = _convolution(graph, weights, inner, f"{name}.conv2", f"{name}.bn2")
            if step > 1:
                value = _convolution(graph, weights, value, f"{name}.shortcut.0", f"{name}.shortcut.1", step)
            value = graph.node("Relu", graph.node("Add", inner, value))
    return graph.node("Relu", _convolution(graph, weights, value, "head.conv2", "head.bn2", 2))


def _convolution(
    graph: GraphBuilder, weights: Weights, value: str, name: str, norm: str, step: int = 1
) -> str:
    """A convolution with the norm that follows it, at every frame and at each ``step``-th band."""
    after = weights.norm(norm)
    kernel = weights[f"{name}.weight"] * after.gain[:, None, None, None]
    return graph.node(
        "Conv",
        value,
        graph.constant(kernel.transpose(0, 1, 3, 2)),  # torch's axes are bands, frames; these frames, bands
        graph.constant(after.shift),
        strides=[1, step],
        pads=[kernel.shape[-1] // 2] * 4,
    )


def _first_features(graph: GraphBuilder, weights: Weights, value: str) -> str:
    """Features of five frames each, at every second frame: float32 (voices, frames, 128)."""
    after = weights.norm("xvector.tdnn.nonlinear.batchnorm")
    kernel = weights["xvector.tdnn.linear.weight"] * after.gain[:, None, None]
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


# the blocks: over time


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
    graph: GraphBuilder, weights: Weights, name: str, value: str, distance: int, segments: _Segments
) -> str:
    """The features that a layer adds, float32 (voices, frames, 32)."""
    before, after = (weights.norm(f"{name}.nonlinear{part}.batchnorm") for part in (1, 2))
    matrix = weights.matrix(f"{name}.linear1.weight")
    narrow = graph.node("Relu", _rectified_product(graph, value, before, matrix, after))
    local = _of_three_frames(graph, narrow, weights[f"{name}.cam_layer.linear_local.weight"], distance)

    around = graph.node("MatMul", segments.mean, narrow)
    hidden = graph.node("Relu", _product(graph, weights, around, f"{name}.cam_layer.linear1"))
    mask = graph.node("Sigmoid", _product(graph, weights, hidden, f"{name}.cam_layer.linear2"))
    return graph.node("Mul", local, graph.node("MatMul", segments.spread, mask))


def _of_three_frames(graph: GraphBuilder, value: str, kernel: Floats, distance: int) -> str:
    """A convolution over a frame and those at a distance before and after it.

    One product computes the three parts of all frames; each part is then moved, and they are added.
    """
    matrix = kernel.transpose(1, 2, 0).reshape(NARROW, 3 * GROWTH)
    parts = graph.node("MatMul", value, graph.constant(matrix))
    parts = graph.node("Pad", parts, graph.ints(distance, distance), "", graph.ints(1))
    moved = []
    for part in range(3):
        starts = graph.ints(part * distance, part * GROWTH)
        ends = graph.ints((part - 2) * distance or _TO_THE_END, (part + 1) * GROWTH)
        moved.append(graph.node("Slice", parts, starts, ends, graph.ints(1, 2)))
    return graph.node("Sum", *moved)


def _rectified_product(
    graph: GraphBuilder, value: str, before: Affine, matrix: Floats, after: Affine | None
) -> str:
    """``max(0, before(value)) @ matrix``, and the norm after it."""
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


def _product(graph: GraphBuilder, weights: Weights, value: str, name: str) -> str:
    product = graph.node("MatMul", value, graph.constant(weights.matrix(f"{name}.weight")))
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
