"""The graphs of the front end, and of encoder and adapter; both go on where they stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.moonshine.rotary import FLOAT, INT64
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder, Rows
from vivavoce.asr.models.onnx.quantised import Dense, side_by_side

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.moonshine.weights import EncoderBlock
    from vivavoce.asr.models.moonshine_streaming.config import StreamingConfig, Window
    from vivavoce.asr.models.moonshine_streaming.weights import StreamingWeights
    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["LEAD", "build_encoder", "build_front"]

LEAD: Final = 4
"""Earlier rows that a convolution needs; one more is not used, and makes their number even."""
_VARIANCE_FLOOR: Final = 1e-6
_END: Final = 2**31


def build_front(weights: StreamingWeights, config: StreamingConfig, path: Path, *, quantised: bool) -> None:
    """Write the front end: a linear layer and two causal convolutions.

    These lose most by 8 bits: if ``quantised``, their products have the precision of about 15.

    Inputs:
        samples: float32 (1, 320 * new).
        features: float32 (1, 4, width), of the samples before them.
        steps: float32 (1, 4, 2 * width), of the first convolution before them.
        present: float32 (1, 2 * new, 1), 0 for steps of the first convolution before the span, else 1.
    Outputs:
        frames: float32 (1, new, width).
        next_features, next_steps: The state for the next run.
    """
    graph = GraphBuilder("front")
    width = config.width

    def product(value: str, matrix: Floats) -> str:
        if quantised:
            return graph.fine_product(value, Dense(matrix))
        return graph.node("MatMul", value, graph.constant(matrix))

    samples = graph.input("samples", FLOAT, [1, "samples"])
    hops = graph.reshape(samples, 0, -1, config.feature_samples)
    centred = graph.node("Sub", hops, graph.node("ReduceMean", hops, graph.ints(-1), keepdims=1))
    power = graph.node("ReduceMean", graph.node("Mul", centred, centred), graph.ints(-1), keepdims=1)
    deviation = graph.node("Sqrt", graph.node("Add", power, graph.scalar(_VARIANCE_FLOOR)))
    louder = graph.node("Mul", graph.node("Div", centred, deviation), graph.scalar(weights.compression))
    linear = product(graph.node("Asinh", louder), weights.features)
    features = graph.node(
        "Concat",
        graph.input("features", FLOAT, [1, LEAD, width]),
        graph.node("QuickGelu", linear, alpha=1.0),
        axis=1,
    )
    first = product(_windows(graph, features, width), weights.conv1)
    first = graph.node("Add", first, graph.constant(weights.conv1_bias))
    first = graph.node("QuickGelu", first, alpha=1.0)
    steps = graph.node(
        "Concat",
        graph.input("steps", FLOAT, [1, LEAD, 2 * width]),
        graph.node("Mul", first, graph.input("present", FLOAT, [1, "new_steps", 1])),
        axis=1,
    )
    frames = product(_windows(graph, steps, 2 * width), weights.conv2)
    frames = graph.node("Add", frames, graph.constant(weights.conv2_bias))
    graph.output(frames, "frames", FLOAT, [1, "new", width])
    for name, value, size in (("features", features, width), ("steps", steps, 2 * width)):
        last = graph.node("Slice", value, graph.ints(-LEAD), graph.ints(_END), graph.ints(1))
        graph.output(last, f"next_{name}", FLOAT, [1, LEAD, size])
    graph.save(path)


def build_encoder(weights: StreamingWeights, config: StreamingConfig, path: Path) -> None:
    """Write the encoder with the adapter and the decoder's cross-attention keys and values.

    A block may attend to frames after a frame. As many frames at the end of a run can't leave the block for
    good; their residuals, queries, keys and values are the state it leaves, and so each frame passes each
    block once. The same run then goes on from that state with all that is left, as if the span ended here:
    provisional frames, which attend to as many frames as there are.

    All products are those of both parts together, since no row of an integer product depends on another. The
    attention of each part is computed by itself, in a shape that does not depend on the other part.

    Inputs, for the blocks N = 0, 1, … with windows (left, right):
        frames: float32 (1, final + rest, width), from the front end.
        final: int64 (1,), how many of them are not provisional; as many leave each block for good. There may
            be none.
        places: int64 (all,), positions of the frames that leave the last block: final + look-ahead + rest.
        states_N: float32 (1, left + right, 3 * inner), queries, keys and values of the frames before those
            that enter the block.
        held_N: float32 (1, right, width), what could not leave yet; only if right > 0.
        final_bias_N: float32 (1, 1, final, left + right + final), 0 where a frame attends, else very
            negative.
        rest_bias_N: float32 (1, 1, right + rest_N, left + right + rest_N), the same for provisional frames;
            where rest_0 is rest, rest_(N + 1) is right + rest_N.
    Outputs:
        cross: float32 (states, heads, all, head size), for each decoder block its keys, then its values.
        next_states_N, next_held_N: The state for the next run.
    """
    graph = GraphBuilder("encoder")
    hidden = graph.input("frames", FLOAT, [1, "entering", config.width])
    final = graph.input("final", INT64, [1])
    down_bias: Floats | None = None
    branch = ""
    for index, (block, window) in enumerate(zip(weights.encoder, config.windows, strict=True)):
        if index == 0:
            norm = graph.norm(hidden, block.attention_norm)
        else:
            norm, hidden = graph.add_norm(hidden, branch, block.attention_norm, down_bias)
        if window.right:
            hidden = _held(graph, hidden, index, window, config, final)
        branch = _attention(graph, block, (index, window, final), config, norm)
        norm, hidden = graph.add_norm(hidden, branch, block.mlp_norm)
        up = graph.node("BiasGelu", graph.product(Rows(norm), block.up), graph.bias(block.up))
        branch = graph.product(Rows(up, gelu=True), block.down)
        down_bias = block.down.bias
    last, _ = graph.add_norm(hidden, branch, weights.encoder_norm, down_bias)
    _adapter(graph, weights, config, last)
    graph.save(path)


def _windows(graph: GraphBuilder, value: str, width: int) -> str:
    """Windows of a convolution of width 5 and stride 2: (1, 4 + 2 * rows, width) to (1, rows, 5 * width)."""
    pairs = graph.reshape(value, 0, -1, 2 * width)
    axes = graph.ints(1, 2)
    return graph.node(
        "Concat",
        graph.node("Slice", pairs, graph.ints(0, width), graph.ints(-2, _END), axes),
        graph.node("Slice", pairs, graph.ints(1, 0), graph.ints(-1, _END), axes),
        graph.node("Slice", pairs, graph.ints(2, 0), graph.ints(_END, _END), axes),
        axis=-1,
    )


def _held(
    graph: GraphBuilder, hidden: str, index: int, window: Window, config: StreamingConfig, final: str
) -> str:
    """The residuals of all frames that leave a block: those held back, and those that entered it."""
    held = graph.input(f"held_{index}", FLOAT, [1, window.right, config.width])
    leaving = graph.node("Concat", held, hidden, axis=1)
    end = graph.node("Add", final, graph.ints(window.right))
    later = graph.node("Slice", leaving, final, end, graph.ints(1))
    graph.output(later, f"next_held_{index}", FLOAT, [1, window.right, config.width])
    return leaving


def _attention(
    graph: GraphBuilder,
    block: EncoderBlock,
    place: tuple[int, Window, str],
    config: StreamingConfig,
    norm: str,
) -> str:
    """Attention of the frames that leave a block, the final ones and then the provisional ones.

    Args:
        graph: The graph.
        block: The weights.
        place: Number and window of the block, and the name of the number of final frames.
        config: The sizes.
        norm: The frames that enter, after the norm.
    """
    n, (left, right), final = place
    kept, inner, one, end = left + right, config.heads * config.head_size, graph.ints(1), graph.ints(_END)
    fresh = graph.product(Rows(norm), side_by_side([block.query, block.key, block.value]))
    states = graph.node("Concat", graph.input(f"states_{n}", FLOAT, [1, kept, 3 * inner]), fresh, axis=1)
    final_end = graph.node("Add", final, graph.ints(kept))
    later = graph.node("Slice", states, final, final_end, one)
    graph.output(later, f"next_states_{n}", FLOAT, [1, kept, 3 * inner])
    parts = (
        (
            "final",
            graph.node("Slice", states, graph.ints(0), final_end, one),
            graph.node("Add", final, graph.ints(left)),
        ),
        ("rest", graph.node("Slice", states, final, end, one), end),
    )
    attended = []
    for name, part, query_end in parts:
        query, key, value = graph.split(part, -1, inner, inner, inner)
        query = graph.node("Slice", query, graph.ints(left), query_end, one)
        bias = graph.input(f"{name}_bias_{n}", FLOAT, [1, 1, f"{name}_{n}", f"{name}_keys_{n}"])
        attended.append(
            graph.node("MultiHeadAttention", query, key, value, "", "", bias, num_heads=config.heads)
        )
    return graph.product(Rows(graph.node("Concat", *attended, axis=1)), block.output)


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
