"""The graphs of the encoder: its front end, and its transformer with the decoder's keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from vivavoce.asr.models.moonshine.rotary import FLOAT, INT64, pairs_apart, rotation
from vivavoce.asr.models.moonshine.sizes import STEP_SAMPLES
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder, Products, Rows
from vivavoce.asr.models.onnx.quantised import Dense, Linear, side_by_side
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.models.moonshine.sizes import DecoderSizes, EncoderSizes
    from vivavoce.asr.models.moonshine.weights import Convolutions, EncoderBlock, EncoderWeights
    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["build_encoder", "build_front"]

_MAX_FRAMES: Final = 4096  # 98 s
_MAX_BYTE: Final = 255
# (first row, end, steps) of the three slices that make up a window of seven steps.
_TRIPLES: Final = ((0, -2, 3), (1, -1, 3), (2, 2**31, 1))


def build_encoder(
    weights: EncoderWeights,
    sizes: EncoderSizes,
    decoder: DecoderSizes,
    path: Path,
    products: Products = "rows",
) -> None:
    """Write the encoder with the decoder's cross-attention keys and values.

    Inputs:
        rows: float32 (batch, 2 * frames + 2, 2 * hidden), from the front end; the last row has no influence.
        norm: float32 (batch, 2), mean and reciprocal deviation of the first convolution's output.
        place: int64 (1,), position of the first of these frames.
        past: float32 (states, batch, heads, past, head_size), for each encoder block the keys, then the
            values, of the frames before them; there may be none.
    Outputs:
        cross: float32 (states, batch, heads, frames, head_size), for each decoder block its keys, then its
            values; the sizes are those of the decoder.
        states: float32 (states, batch, heads, past + frames, head_size), ``past`` followed by the states of
            these frames.

    Attention without masks is faster, but all spans of a batch must have the same number of frames; the
    simplest such batch is one span.
    """
    graph = GraphBuilder("encoder", products)
    hidden = _frames(graph, weights, products)
    cosines, sines = (graph.constant(table) for table in rotation(weights.frequencies, _MAX_FRAMES))
    rotary = _Rotation(graph.input("place", INT64, [1]), cosines, sines, 2 * len(weights.frequencies))
    shape: list[int | str] = [sizes.states, "batch", sizes.heads, "past", sizes.head_size]
    past = graph.split(graph.input("past", FLOAT, shape), 0, *(sizes.states * [1]))
    states: list[str] = []
    down_bias: Floats | None = None
    branch = ""
    for index, block in enumerate(weights.blocks):
        if index == 0:
            norm = graph.norm(hidden, block.attention_norm)
        else:
            norm, hidden = graph.add_norm(hidden, branch, block.attention_norm, down_bias)
        branch, fresh = _attention(graph, rotary, sizes, block, norm, past[2 * index : 2 * index + 2])
        states += fresh
        norm, hidden = graph.add_norm(hidden, branch, block.mlp_norm)
        up = graph.node("BiasGelu", graph.product(Rows(norm), block.up), graph.bias(block.up))
        branch = graph.product(Rows(up, gelu=True), block.down)
        down_bias = block.down.bias
    final, _ = graph.add_norm(hidden, branch, weights.norm, down_bias)
    wide = graph.product(Rows(final), side_by_side(weights.cross))
    split = graph.reshape(wide, 0, 0, decoder.states, decoder.heads, decoder.head_size)
    cross = graph.node("Transpose", split, perm=[2, 0, 3, 1, 4])
    shape = [decoder.states, "batch", decoder.heads, "frames", decoder.head_size]
    graph.output(cross, "cross", FLOAT, shape)
    shape = [sizes.states, "batch", sizes.heads, "all", sizes.head_size]
    graph.output(graph.node("Concat", *states, axis=0), "states", FLOAT, shape)
    graph.save(path)


class _Rotation(NamedTuple):
    """What rotates queries and keys.

    Attributes:
        place: Name of the first frame's position.
        cosines: Name of the cosines.
        sines: Name of the sines.
        rotated: How many of a head's dimensions are rotated.
    """

    place: str
    cosines: str
    sines: str
    rotated: int


def _attention(
    graph: GraphBuilder,
    rotary: _Rotation,
    sizes: EncoderSizes,
    block: EncoderBlock,
    norm: str,
    past: Sequence[str],
) -> tuple[str, list[str]]:
    """Attention of the new frames to all; returns also keys and values of all frames."""
    rows, heads = Rows(norm), sizes.heads
    matrix = side_by_side(
        [pairs_apart(matrix, heads, sizes.head_size, rotary.rotated) for matrix in (block.query, block.key)]
    )
    rotated = graph.node(
        "RotaryEmbedding", graph.product(rows, matrix), rotary.place, rotary.cosines, rotary.sines,
        num_heads=2 * heads, rotary_embedding_dim=rotary.rotated, interleaved=0,
    )  # fmt: skip
    query, key = graph.split(rotated, -1, sizes.inner, sizes.inner)
    past_key, past_value = (graph.node("Squeeze", each, graph.ints(0)) for each in past)
    value = graph.product(rows, block.value)
    attended, *both = graph.nodes(
        "MultiHeadAttention", [query, key, value, "", "", "", past_key, past_value], 3, num_heads=heads
    )
    states = [graph.node("Unsqueeze", each, graph.ints(0)) for each in both]
    return graph.product(Rows(attended), block.output), states


def build_front(weights: EncoderWeights, path: Path, products: Products = "rows") -> None:
    """Write the front end: two convolutions as matrix products, without the group norm between them.

    That norm is linear. So its gain is part of the second matrix, and the encoder's graph applies its mean
    and deviation, which are those of the whole span, to the rows.

    Inputs:
        samples: float32 (batch, 192 * rows + 448).
    Outputs:
        rows: float32 (batch, rows, 2 * hidden), row i of the samples 192 * i to 192 * i + 511.
        sums: float32 (batch, 3 * rows + 6, 2), sum and sum of squares over the features of each row
            of the first convolution, row i of the samples 64 * i to 64 * i + 126.
    """
    graph = GraphBuilder("front", products)
    hidden = weights.hidden
    samples = graph.input("samples", FLOAT, ["batch", "samples"])
    hops = graph.reshape(samples, 0, -1, STEP_SAMPLES)
    taken = graph.node(
        "Concat",
        graph.node("Slice", hops, graph.ints(0), graph.ints(-1), graph.ints(1)),
        graph.node("Slice", hops, graph.ints(1), graph.ints(2**31), graph.ints(1)),
        axis=-1,
    )
    conv1 = np.zeros((2 * STEP_SAMPLES, hidden), np.float32)
    conv1[: weights.conv1.shape[2]] = weights.conv1[:, 0].T
    first = graph.node("Tanh", graph.node("MatMul", taken, graph.constant(conv1)))
    sums = [graph.node(op, first, graph.ints(-1), keepdims=1) for op in ("ReduceSum", "ReduceSumSquare")]
    if _how(weights, products) == "bytes":
        kernel = weights.conv2.transpose(2, 1, 0)  # (7, hidden, 2 * hidden)
        first = graph.node("Mul", first, graph.constant(weights.group_gain))
        rows = _seven_steps_quantised(graph, first, _requantised(kernel.reshape(-1, 2 * hidden)))
    else:
        windows = _seven_steps(graph, first, hidden)
        rows = _product(graph, windows, _gained(weights), _how(weights, products))
    graph.output(rows, "rows", FLOAT, ["batch", "rows", 2 * hidden])
    graph.output(graph.node("Concat", *sums, axis=-1), "sums", FLOAT, ["batch", "steps", 2])
    graph.save(path)


def _how(weights: EncoderWeights, products: Products) -> Convolutions:
    """How the second convolution is computed."""
    return "float" if products == "float" else weights.convolutions


def _product(graph: GraphBuilder, value: str, matrix: Floats, how: Convolutions) -> str:
    """``value @ matrix``, not with bytes."""
    if how == "fine":
        return graph.fine_product(value, Dense(matrix))
    return graph.node("MatMul", value, graph.constant(matrix))


def _gained(weights: EncoderWeights) -> Floats:
    """The second convolution with the group norm's gain, as a matrix (7 * hidden, 2 * hidden)."""
    kernel = weights.conv2.transpose(2, 1, 0)
    return (kernel * weights.group_gain[:, None]).reshape(-1, 2 * weights.hidden).astype(np.float32)


def _frames(graph: GraphBuilder, weights: EncoderWeights, products: Products) -> str:
    """Group norm and third convolution: from the front end's rows to the transformer's input."""
    hidden = weights.hidden
    rows = graph.input("rows", FLOAT, ["batch", "rows", 2 * hidden])
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
    pairs = graph.reshape(second, 0, -1, 4 * hidden)
    last = graph.node(
        "Concat",
        graph.node("Slice", pairs, graph.ints(0), graph.ints(-1), graph.ints(1)),
        graph.node("Slice", pairs, graph.ints(1, 0), graph.ints(2**31, 2 * hidden), graph.ints(1, 2)),
        axis=-1,
    )
    conv3 = weights.conv3.transpose(2, 1, 0).reshape(-1, hidden)
    if weights.convolutions == "bytes":
        third = graph.product(Rows(last, gelu=True), _requantised(conv3))
    else:
        third = _product(graph, last, conv3, _how(weights, products))
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


def _seven_steps(graph: GraphBuilder, value: str, hidden: int) -> str:
    """Windows of width 7 and stride 3: (batch, 3 * steps + 6, hidden) to (batch, steps, 7 * hidden)."""
    triples = graph.reshape(value, 0, -1, 3 * hidden)
    parts = [
        graph.node("Slice", triples, graph.ints(row, 0), graph.ints(end, steps * hidden), graph.ints(1, 2))
        for row, end, steps in _TRIPLES
    ]
    return graph.node("Concat", *parts, axis=-1)


def _seven_steps_quantised(graph: GraphBuilder, value: str, matrix: Linear) -> str:
    """The second convolution with integer products; each triple of steps is quantised once, by itself."""
    hidden = matrix.outputs // 2
    triples = Rows(graph.reshape(value, 0, -1, 3 * hidden))
    total = ""
    for place, (row, end, steps) in enumerate(_TRIPLES):
        rows = slice(3 * hidden * place, (3 * place + steps) * hidden)
        part = Linear(matrix.quantised[rows], matrix.scale, matrix.zero_point)
        product = graph.product(graph.window(triples, row, end, steps * hidden), part, "rows")
        total = graph.node("Add", total, product) if total else product
    return total
