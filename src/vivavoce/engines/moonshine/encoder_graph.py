"""The encoder's graph, with the decoder's cross-attention keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from vivavoce.engines.moonshine.builder import EPSILON, GraphBuilder, Products, Rows
from vivavoce.engines.moonshine.rotary import FLOAT, INT64, ROTATED, pairs_apart, rotation
from vivavoce.engines.moonshine.weights import BLOCKS, HEAD_SIZE, HEADS, HIDDEN, Linear
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.engines.moonshine.weights import Floats, Weights

__all__ = ["build_encoder"]

_MAX_FRAMES: Final = 4096  # 98 s
_MAX_BYTE: Final = 255
# (first row, end, features) of the three slices that make up a window of seven steps.
_TRIPLES: Final = ((0, -2, 3 * HIDDEN), (1, -1, 3 * HIDDEN), (2, 2**31, HIDDEN))


def build_encoder(weights: Weights, path: Path, products: Products = "rows") -> None:
    """Write the encoder with the decoder's cross-attention keys and values.

    Inputs:
        samples: float32 (batch, 384 * frames + 832), zeros behind each recording.
        lengths: int64 (batch,), samples of each recording, at least 895.
    Outputs:
        cross: float32 (12, batch, 8, frames, 36), for each decoder block its keys, then its values.
            Frames behind a recording hold rubbish: mask them.

    Attention without masks is faster, but then every batch must be of recordings with equally many
    frames; the simplest such batch is one recording.
    """
    graph = GraphBuilder("encoder", products)
    samples = graph.input("samples", FLOAT, ["batch", "samples"])
    lengths = graph.input("lengths", INT64, ["batch"])
    hidden = _front_end(graph, weights, samples, lengths, products)

    cosines, sines = (graph.constant(table) for table in rotation(weights, _MAX_FRAMES))
    start = graph.ints(0)
    down_bias: Floats | None = None
    branch = ""
    for index, block in enumerate(weights.encoder):
        if index == 0:
            norm = graph.norm(hidden, block.attention_norm)
        else:
            norm, hidden = graph.add_norm(hidden, branch, block.attention_norm, down_bias)
        rows = Rows(norm)
        turning = Linear.side_by_side([pairs_apart(block.query), pairs_apart(block.key)])
        turned = graph.node(
            "RotaryEmbedding", graph.product(rows, turning), start, cosines, sines,
            num_heads=2 * HEADS, rotary_embedding_dim=ROTATED, interleaved=0,
        )  # fmt: skip
        query, key = graph.split(turned, -1, HIDDEN, HIDDEN)
        attended = graph.node(
            "MultiHeadAttention", query, key, graph.product(rows, block.value), num_heads=HEADS
        )
        branch = graph.product(Rows(attended), block.output)
        norm, hidden = graph.add_norm(hidden, branch, block.mlp_norm)
        up = graph.node("BiasGelu", graph.product(Rows(norm), block.up), graph.bias(block.up))
        branch = graph.product(Rows(up, gelu=True), block.down)
        down_bias = block.down.bias
    final, _ = graph.add_norm(hidden, branch, weights.encoder_norm, down_bias)

    matrices = [matrix for block in weights.decoder for matrix in (block.cross_key, block.cross_value)]
    wide = graph.product(Rows(final), Linear.side_by_side(matrices))
    split = graph.reshape(wide, 0, 0, 2 * BLOCKS, HEADS, HEAD_SIZE)
    cross = graph.node("Transpose", split, perm=[2, 0, 3, 1, 4])
    graph.output(cross, "cross", FLOAT, [2 * BLOCKS, "batch", HEADS, "frames", HEAD_SIZE])
    graph.save(path)


def _steps(graph: GraphBuilder, lengths: str, width: int, stride: int) -> str:
    """Length after a convolution: (length - width) // stride + 1."""
    shifted = graph.node("Sub", lengths, graph.ints(width))
    return graph.node("Add", graph.node("Div", shifted, graph.ints(stride)), graph.ints(1))


def _front_end(
    graph: GraphBuilder,
    weights: Weights,
    samples: str,
    lengths: str,
    products: Products,
) -> str:
    """Three convolutions as matrix products: (batch, 384 * frames + 832) to (batch, frames, 288).

    The group norm between the first two is linear, so its gain sits in the second matrix and its
    mean and deviation, taken over the valid steps only, are applied behind it.
    """
    hops = graph.reshape(samples, 0, -1, 64)
    taken = graph.node(
        "Concat",
        graph.node("Slice", hops, graph.ints(0), graph.ints(-1), graph.ints(1)),
        graph.node("Slice", hops, graph.ints(1), graph.ints(2**31), graph.ints(1)),
        axis=-1,
    )
    conv1 = np.zeros((128, HIDDEN), np.float32)
    conv1[:127] = weights.conv1[:, 0].T
    first = graph.node("Tanh", graph.node("MatMul", taken, graph.constant(conv1)))

    # Sums over the features of each step, then over the valid steps of each row.
    steps = _steps(graph, lengths, 127, 64)
    column = graph.node("Unsqueeze", steps, graph.ints(1))
    available = graph.node("Squeeze", graph.node("Shape", first, start=1, end=2), graph.ints(0))
    zero, one = graph.constant(np.array(0, np.int64)), graph.constant(np.array(1, np.int64))
    valid = graph.node(
        "Cast", graph.node("Less", graph.node("Range", zero, available, one), column), to=FLOAT
    )
    count = graph.node("Mul", graph.node("Cast", column, to=FLOAT), graph.scalar(HIDDEN))

    def average(op: str) -> str:
        inner = graph.node("Mul", graph.node(op, first, graph.ints(-1), keepdims=0), valid)
        return graph.node("Div", graph.node("ReduceSum", inner, graph.ints(-1), keepdims=1), count)

    mean, square = average("ReduceSum"), average("ReduceSumSquare")
    variance = graph.node("Sub", square, graph.node("Mul", mean, mean))
    deviation = graph.node("Sqrt", graph.node("Add", variance, graph.scalar(EPSILON)))
    inverse = graph.node("Unsqueeze", graph.node("Reciprocal", deviation), graph.ints(2))
    shift = graph.node("Mul", graph.node("Unsqueeze", mean, graph.ints(2)), inverse)

    kernel = weights.conv2.transpose(2, 1, 0)  # (7, 288, 576)
    gained = (kernel * weights.group_gain[:, None]).reshape(-1, 2 * HIDDEN).astype(np.float32)
    bias = weights.conv2_bias + np.einsum("kio,i->o", kernel, weights.group_bias)
    if products == "float":
        raw = _seven_steps(graph, first, gained)
    else:
        first = graph.node("Mul", first, graph.constant(weights.group_gain))
        raw = _seven_steps_quantised(graph, first, _requantised(kernel.reshape(-1, 2 * HIDDEN)))
    moved = graph.node(
        "Sub",
        graph.constant(bias.astype(np.float32)),
        graph.node("Mul", shift, graph.constant(gained.sum(axis=0))),
    )
    second = graph.node("Gelu", graph.node("Add", graph.node("Mul", raw, inverse), moved))

    pairs = graph.reshape(second, 0, -1, 4 * HIDDEN)
    last = graph.node(
        "Concat",
        graph.node("Slice", pairs, graph.ints(0), graph.ints(-1), graph.ints(1)),
        graph.node("Slice", pairs, graph.ints(1, 0), graph.ints(2**31, 2 * HIDDEN), graph.ints(1, 2)),
        axis=-1,
    )
    conv3 = _requantised(weights.conv3.transpose(2, 1, 0).reshape(-1, HIDDEN))
    third = graph.product(Rows(last, gelu=True), conv3)
    return graph.node("Gelu", graph.node("Add", third, graph.constant(weights.conv3_bias)))


def _requantised(matrix: Floats) -> Linear:
    """The bytes from which the shipped convolutions were dequantised, found again exactly."""
    low, high = float(matrix.min()), float(matrix.max())
    scale = (high - low) / _MAX_BYTE
    zero = round(-low / scale)
    codes = np.rint(matrix / scale) + zero
    if (
        codes.min() < 0
        or codes.max() > _MAX_BYTE
        or np.abs((codes - zero) * scale - matrix).max() > 1e-3 * scale
    ):
        raise ModelError("a convolution of the shipped model was expected to hold dequantised bytes")
    outputs = matrix.shape[1]
    return Linear(
        codes.astype(np.uint8), np.full(outputs, scale, np.float32), np.full(outputs, zero, np.uint8)
    )


def _seven_steps(graph: GraphBuilder, value: str, matrix: Floats) -> str:
    """Convolution of width 7 and stride 3: (batch, 3 * steps + 6, 288) to (batch, steps, 576)."""
    triples = graph.reshape(value, 0, -1, 3 * HIDDEN)
    parts = [
        graph.node("Slice", triples, graph.ints(row, 0), graph.ints(end, width), graph.ints(1, 2))
        for row, end, width in _TRIPLES
    ]
    return graph.node("MatMul", graph.node("Concat", *parts, axis=-1), graph.constant(matrix))


def _seven_steps_quantised(graph: GraphBuilder, value: str, matrix: Linear) -> str:
    """The same with integer products: each triple of steps is quantised once, with its own scale."""
    triples = Rows(graph.reshape(value, 0, -1, 3 * HIDDEN))
    total = ""
    for place, (row, end, width) in enumerate(_TRIPLES):
        rows = slice(3 * HIDDEN * place, 3 * HIDDEN * place + width)
        part = Linear(matrix.quantised[rows], matrix.scale, matrix.zero_point)
        product = graph.product(graph.window(triples, row, end, width), part, "rows")
        total = graph.node("Add", total, product) if total else product
    return total
