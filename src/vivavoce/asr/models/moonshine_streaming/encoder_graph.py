"""The graph of front end, encoder and adapter, which goes on where it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.asr.models.moonshine.rotary import FLOAT, INT64
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder, Rows
from vivavoce.asr.models.onnx.quantised import side_by_side

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.moonshine.weights import EncoderBlock
    from vivavoce.asr.models.moonshine_streaming.config import StreamingConfig, Window
    from vivavoce.asr.models.moonshine_streaming.weights import StreamingWeights
    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["LEAD", "build_encoder"]

LEAD: Final = 4
"""Earlier rows that a convolution needs; one more is not used, and makes their number even."""
_VARIANCE_FLOOR: Final = 1e-6
_END: Final = 2**31


def build_encoder(weights: StreamingWeights, config: StreamingConfig, path: Path) -> None:
    """Write the encoder: it takes some new frames, and all that earlier runs left of the frames before.

    A block may attend to frames after a frame. It then holds back as many frames at the end, whose residuals,
    queries, keys and values are the state it leaves; so each frame passes each block once. At the end of a
    span nothing is held back, and these frames attend to as many frames as there are.

    Inputs, for the blocks N = 0, 1, … with windows (left, right):
        samples: float32 (1, 320 * new).
        features: float32 (1, 4, width), of the samples before them.
        steps: float32 (1, 4, 2 * width), of the first convolution before them.
        present: float32 (1, 2 * new, 1), 0 for steps of the first convolution before the span, else 1.
        places: int64 (frames,), positions of the frames that leave the last block.
        states_N: float32 (1, left + right, 3 * inner), queries, keys and values of the frames before those
            that enter the block.
        held_N: float32 (1, right, width), what was held back; only if right > 0.
        bias_N: float32 (1, 1, leaving, left + right + entering), 0 where a frame attends, else very
            negative.
        leaving_N: int64 (1,), how many frames leave the block; only if right > 0.
    Outputs:
        cross: float32 (states, heads, frames, head size), for each decoder block its keys, then its values.
        next_features, next_steps, next_states_N, next_held_N: The state for the next run, if as many frames
            have left each block as have entered it.
    """
    graph = GraphBuilder("encoder")
    hidden = _front(graph, weights, config)
    down_bias: Floats | None = None
    branch = ""
    for index, (block, window) in enumerate(zip(weights.encoder, config.windows, strict=True)):
        if index == 0:
            norm = graph.norm(hidden, block.attention_norm)
        else:
            norm, hidden = graph.add_norm(hidden, branch, block.attention_norm, down_bias)
        names = _Names(index, window, config.heads * config.head_size)
        branch, hidden = _attention(graph, block, names, config, norm, hidden)
        norm, hidden = graph.add_norm(hidden, branch, block.mlp_norm)
        up = graph.node("BiasGelu", graph.product(Rows(norm), block.up), graph.bias(block.up))
        branch = graph.product(Rows(up, gelu=True), block.down)
        down_bias = block.down.bias
    final, _ = graph.add_norm(hidden, branch, weights.encoder_norm, down_bias)
    _adapter(graph, weights, config, final)
    graph.save(path)


def _front(graph: GraphBuilder, weights: StreamingWeights, config: StreamingConfig) -> str:
    """Samples to the encoder's input, (1, new, width)."""
    width = config.width
    samples = graph.input("samples", FLOAT, [1, "samples"])
    hops = graph.reshape(samples, 0, -1, config.feature_samples)
    centred = graph.node("Sub", hops, graph.node("ReduceMean", hops, graph.ints(-1), keepdims=1))
    power = graph.node("ReduceMean", graph.node("Mul", centred, centred), graph.ints(-1), keepdims=1)
    deviation = graph.node("Sqrt", graph.node("Add", power, graph.scalar(_VARIANCE_FLOOR)))
    louder = graph.node("Mul", graph.node("Div", centred, deviation), graph.scalar(weights.compression))
    linear = graph.node("MatMul", graph.node("Asinh", louder), graph.constant(weights.features))
    features = graph.node(
        "Concat",
        graph.input("features", FLOAT, [1, LEAD, width]),
        graph.node("QuickGelu", linear, alpha=1.0),
        axis=1,
    )
    graph.output(_last(graph, features, LEAD), "next_features", FLOAT, [1, LEAD, width])
    first = _convolution(graph, features, width, weights.conv1, weights.conv1_bias)
    first = graph.node("QuickGelu", first, alpha=1.0)
    steps = graph.node(
        "Concat",
        graph.input("steps", FLOAT, [1, LEAD, 2 * width]),
        graph.node("Mul", first, graph.input("present", FLOAT, [1, "new_steps", 1])),
        axis=1,
    )
    graph.output(_last(graph, steps, LEAD), "next_steps", FLOAT, [1, LEAD, 2 * width])
    return _convolution(graph, steps, 2 * width, weights.conv2, weights.conv2_bias)


def _convolution(graph: GraphBuilder, value: str, width: int, matrix: Floats, bias: Floats) -> str:
    """Convolution of width 5 and stride 2 as a product: (1, 4 + 2 * rows, width) to (1, rows, outputs)."""
    pairs = graph.reshape(value, 0, -1, 2 * width)
    axes = graph.ints(1, 2)
    rows = graph.node(
        "Concat",
        graph.node("Slice", pairs, graph.ints(0, width), graph.ints(-2, _END), axes),
        graph.node("Slice", pairs, graph.ints(1, 0), graph.ints(-1, _END), axes),
        graph.node("Slice", pairs, graph.ints(2, 0), graph.ints(_END, _END), axes),
        axis=-1,
    )
    return graph.node("Add", graph.node("MatMul", rows, graph.constant(matrix)), graph.constant(bias))


class _Names(NamedTuple):
    """A block of the encoder: its number, its window, and the width of its queries."""

    number: int
    window: Window
    inner: int


def _attention(
    graph: GraphBuilder, block: EncoderBlock, names: _Names, config: StreamingConfig, norm: str, hidden: str
) -> tuple[str, str]:
    """Attention of the frames that leave the block; returns also their residuals."""
    (left, right), inner, n = names.window, names.inner, names.number
    fresh = graph.product(Rows(norm), side_by_side([block.query, block.key, block.value]))
    states = graph.node(
        "Concat", graph.input(f"states_{n}", FLOAT, [1, left + right, 3 * inner]), fresh, axis=1
    )
    query, key, value = graph.split(states, -1, inner, inner, inner)
    one = graph.ints(1)
    if right:
        leaving = graph.input(f"leaving_{n}", INT64, [1])
        end = graph.node("Add", leaving, graph.ints(left))
        query = graph.node("Slice", query, graph.ints(left), end, one)
        waiting = graph.node(
            "Concat", graph.input(f"held_{n}", FLOAT, [1, right, config.width]), hidden, axis=1
        )
        hidden = graph.node("Slice", waiting, graph.ints(0), leaving, one)
        held = graph.node("Slice", waiting, leaving, graph.ints(_END), one)
        graph.output(held, f"next_held_{n}", FLOAT, [1, f"held_{n}", config.width])
    else:
        query = graph.node("Slice", query, graph.ints(left), graph.ints(_END), one)
    graph.output(_last(graph, states, left + right), f"next_states_{n}", FLOAT, [1, left + right, 3 * inner])
    bias = graph.input(f"bias_{n}", FLOAT, [1, 1, f"leaving_{n}", f"keys_{n}"])
    attended = graph.node("MultiHeadAttention", query, key, value, "", "", bias, num_heads=config.heads)
    return graph.product(Rows(attended), block.output), hidden


def _adapter(graph: GraphBuilder, weights: StreamingWeights, config: StreamingConfig, frames: str) -> None:
    """Positions, the decoder's width, and its cross-attention keys and values."""
    places = graph.input("places", INT64, ["frames"])
    placed = graph.node(
        "Add", frames, graph.node("Gather", graph.constant(weights.positions), places, axis=0)
    )
    if weights.adapter is not None:
        placed = graph.product(Rows(placed), weights.adapter)
    matrices = [matrix for block in weights.decoder for matrix in (block.cross_key, block.cross_value)]
    sizes = config.decoder
    wide = graph.product(Rows(placed), side_by_side(matrices))
    split = graph.reshape(wide, -1, sizes.states, sizes.heads, sizes.head_size)
    cross = graph.node("Transpose", split, perm=[1, 2, 0, 3])
    graph.output(cross, "cross", FLOAT, [sizes.states, sizes.heads, "frames", sizes.head_size])


def _last(graph: GraphBuilder, value: str, rows: int) -> str:
    """The last rows of a value (1, all, features)."""
    return graph.node("Slice", value, graph.ints(-rows), graph.ints(_END), graph.ints(1))
