"""The graphs of the encoder: its front end, and its transformer with the decoder's keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from vivavoce.asr.models.moonshine.rotary import FLOAT, INT64, ROTATED, pairs_apart, rotation
from vivavoce.asr.models.moonshine.sizes import HEAD_SIZE, HEADS, HIDDEN, STATES, STEP_SAMPLES
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder, Products, Rows
from vivavoce.asr.models.onnx.quantised import Linear, side_by_side
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.models.moonshine.weights import EncoderBlock, Weights
    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["build_encoder", "build_front"]

_MAX_FRAMES: Final = 4096  # 98 s
_MAX_BYTE: Final = 255
# (first row, end, features) of the three slices that make up a window of seven steps.
_TRIPLES: Final = ((0, -2, 3 * HIDDEN), (1, -1, 3 * HIDDEN), (2, 2**31, HIDDEN))


def build_encoder(weights: Weights, path: Path, products: Products = "rows") -> None:
    """Write the encoder with the decoder's cross-attention keys and values.

    Inputs:
        rows: float32 (batch, 2 * frames + 2, 576), from the front end; the last row has no influence.
        norm: float32 (batch, 2), mean and reciprocal deviation of the first convolution's output.
        place: int64 (1,), position of the first of these frames.
        past: float32 (12, batch, 8, past, 36), for each encoder block the keys, then the values, of the
            frames before them; there may be none.
    Outputs:
        cross: float32 (12, batch, 8, frames, 36), for each decoder block its keys, then its values.
        states: float32 (12, batch, 8, past + frames, 36), ``past`` followed by the states of these frames.

    Attention without masks is faster, but all spans of a batch must have the same number of frames; the
    simplest such batch is one span.
    """
    graph = GraphBuilder("encoder", products)
    hidden = _frames(graph, weights)
    cosines, sines = (graph.constant(table) for table in rotation(weights.frequencies, _MAX_FRAMES))
    rotary = _Rotation(graph.input("place", INT64, [1]), cosines, sines)
    past = graph.split(
        graph.input("past", FLOAT, [STATES, "batch", HEADS, "past", HEAD_SIZE]), 0, *(STATES * [1])
    )
    states: list[str] = []
    down_bias: Floats | None = None
    branch = ""
    for index, block in enumerate(weights.encoder):
        if index == 0:
            norm = graph.norm(hidden, block.attention_norm)
        else:
            norm, hidden = graph.add_norm(hidden, branch, block.attention_norm, down_bias)
        branch, fresh = _attention(graph, rotary, block, norm, past[2 * index : 2 * index + 2])
        states += fresh
        norm, hidden = graph.add_norm(hidden, branch, block.mlp_norm)
        up = graph.node("BiasGelu", graph.product(Rows(norm), block.up), graph.bias(block.up))
        branch = graph.product(Rows(up, gelu=True), block.down)
        down_bias = block.down.bias
    final, _ = graph.add_norm(hidden, branch, weights.encoder_norm, down_bias)

    matrices = [matrix for block in weights.decoder for matrix in (block.cross_key, block.cross_value)]
    wide = graph.product(Rows(final), side_by_side(matrices))
    split = graph.reshape(wide, 0, 0, STATES, HEADS, HEAD_SIZE)
    cross = graph.node("Transpose", split, perm=[2, 0, 3, 1, 4])
    graph.output(cross, "cross", FLOAT, [STATES, "batch", HEADS, "frames", HEAD_SIZE])
    graph.output(
        graph.node("Concat", *states, axis=0), "states", FLOAT, [STATES, "batch", HEADS, "all", HEAD_SIZE]
    )
    graph.save(path)


class _Rotation(NamedTuple):
    """Names of the values that rotate queries and keys: the first frame's position, cosines and sines."""

    place: str
    cosines: str
    sines: str


def _attention(
    graph: GraphBuilder, rotary: _Rotation, block: EncoderBlock, norm: str, past: Sequence[str]
) -> tuple[str, list[str]]:
    """Attention of the new frames to all; returns also keys and values of all frames."""
    rows = Rows(norm)
    matrix = side_by_side([pairs_apart(block.query), pairs_apart(block.key)])
    rotated = graph.node(
        "RotaryEmbedding", graph.product(rows, matrix), *rotary,
        num_heads=2 * HEADS, rotary_embedding_dim=ROTATED, interleaved=0,
    )  # fmt: skip
    query, key = graph.split(rotated, -1, HIDDEN, HIDDEN)
    past_key, past_value = (graph.node("Squeeze", each, graph.ints(0)) for each in past)
    value = graph.product(rows, block.value)
    attended, *both = graph.nodes(
        "MultiHeadAttention", [query, key, value, "", "", "", past_key, past_value], 3, num_heads=HEADS
    )
    states = [graph.node("Unsqueeze", each, graph.ints(0)) for each in both]
    return graph.product(Rows(attended), block.output), states


def build_front(weights: Weights, path: Path, products: Products = "rows") -> None:
    """Write the front end: two convolutions as matrix products, without the group norm between them.

    That norm is linear. So its gain is part of the second matrix, and the encoder's graph applies its mean
    and deviation, which are those of the whole span, to the rows.

    Inputs:
        samples: float32 (batch, 192 * rows + 448).
    Outputs:
        rows: float32 (batch, rows, 576), row i of the samples 192 * i to 192 * i + 511.
        sums: float32 (batch, 3 * rows + 6, 2), sum and sum of squares over the features of each row
            of the first convolution, row i of the samples 64 * i to 64 * i + 126.
    """
    graph = GraphBuilder("front", products)
    samples = graph.input("samples", FLOAT, ["batch", "samples"])
    hops = graph.reshape(samples, 0, -1, STEP_SAMPLES)
    taken = graph.node(
        "Concat",
        graph.node("Slice", hops, graph.ints(0), graph.ints(-1), graph.ints(1)),
        graph.node("Slice", hops, graph.ints(1), graph.ints(2**31), graph.ints(1)),
        axis=-1,
    )
    conv1 = np.zeros((2 * STEP_SAMPLES, HIDDEN), np.float32)
    conv1[: weights.conv1.shape[2]] = weights.conv1[:, 0].T
    first = graph.node("Tanh", graph.node("MatMul", taken, graph.constant(conv1)))
    sums = [graph.node(op, first, graph.ints(-1), keepdims=1) for op in ("ReduceSum", "ReduceSumSquare")]
    kernel = weights.conv2.transpose(2, 1, 0)  # (7, 288, 576)
    if products == "float":
        rows = _seven_steps(graph, first, _gained(weights))
    else:
        first = graph.node("Mul", first, graph.constant(weights.group_gain))
        rows = _seven_steps_quantised(graph, first, _requantised(kernel.reshape(-1, 2 * HIDDEN)))
    graph.output(rows, "rows", FLOAT, ["batch", "rows", 2 * HIDDEN])
    graph.output(graph.node("Concat", *sums, axis=-1), "sums", FLOAT, ["batch", "steps", 2])
    graph.save(path)


def _gained(weights: Weights) -> Floats:
    """The second convolution with the group norm's gain, as a matrix (7 * 288, 576)."""
    kernel = weights.conv2.transpose(2, 1, 0)
    return (kernel * weights.group_gain[:, None]).reshape(-1, 2 * HIDDEN).astype(np.float32)


def _frames(graph: GraphBuilder, weights: Weights) -> str:
    """Group norm and third convolution: from the front end's rows to the transformer's input."""
    rows = graph.input("rows", FLOAT, ["batch", "rows", 2 * HIDDEN])
    norm = graph.input("norm", FLOAT, ["batch", 2])
    mean, inverse = graph.split(graph.node("Unsqueeze", norm, graph.ints(2)), 1, 1, 1)
    kernel = weights.conv2.transpose(2, 1, 0)
    bias = weights.conv2_bias + np.einsum("kio,i->o", kernel, weights.group_bias)
    moved = graph.node(
        "Sub",
        graph.constant(bias.astype(np.float32)),
        graph.node("Mul", graph.node("Mul", mean, inverse), graph.constant(_gained(weights).sum(axis=0))),
    )
    second = graph.node("Gelu", graph.node("Add", graph.node("Mul", rows, inverse), moved))
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
    """Recover, exactly, the bytes from which a shipped convolution was dequantised.

    Raises:
        ModelError: The convolution does not hold dequantised bytes.
    """
    low, high = float(matrix.min()), float(matrix.max())
    scale = (high - low) / _MAX_BYTE
    zero = round(-low / scale)
    codes = np.rint(matrix / scale) + zero
    if (
        codes.min() < 0
        or codes.max() > _MAX_BYTE
        or np.abs((codes - zero) * scale - matrix).max() > 1e-3 * scale
    ):
        raise ModelError("a convolution of the shipped model must hold dequantised bytes, and does not")
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
    """The same convolution with integer products; each triple of steps is quantised once, by itself."""
    triples = Rows(graph.reshape(value, 0, -1, 3 * HIDDEN))
    total = ""
    for place, (row, end, width) in enumerate(_TRIPLES):
        rows = slice(3 * HIDDEN * place, 3 * HIDDEN * place + width)
        part = Linear(matrix.quantised[rows], matrix.scale, matrix.zero_point)
        product = graph.product(graph.window(triples, row, end, width), part, "rows")
        total = graph.node("Add", total, product) if total else product
    return total
