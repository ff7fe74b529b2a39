"""The decoder's graph: one graph for prompts, for drafts that are verified, and for single steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.asr.models.moonshine.rotary import FLOAT, INT64, ROTATED, pairs_apart, rotation
from vivavoce.asr.models.moonshine.sizes import (
    BLOCKS,
    HEAD_SIZE,
    HEADS,
    HIDDEN,
    STATES,
    VOCABULARY,
    WORD_HEADS,
)
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder, Products, Rows
from vivavoce.asr.models.onnx.quantised import Linear

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.moonshine.weights import DecoderBlock, Weights
    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["build_decoder"]

_MAX_TOKENS: Final = 1024


def build_decoder(weights: Weights, path: Path, products: Products = "rows") -> None:
    """Write the decoder: it takes some new tokens per row, and the cached states of all tokens before them.

    Inputs:
        tokens: int64 (batch, new).
        positions: int64 (batch, new).
        wanted: int64 (wanted,), indices of the tokens, of batch * new, whose next tokens are computed.
        self_bias: float32 (batch, 1, new, past + new), 0 where a token may attend, else very negative.
        cross_bias: float32 (batch, 1, 1, frames), the same for the encoder's frames.
        past_key_N, past_value_N: float32 (batch, 8, past, 36) for the blocks N = 0 … 5.
        cross_key_N, cross_value_N: float32 (batch, 8, frames, 36), from the encoder.
        watched: int64 (watched,), tokens whose log-probabilities are computed too; mostly none.
    Outputs:
        best: int64 (wanted, 2), the two most probable tokens after each wanted one.
        log_probability: float32 (wanted, 2), of these two.
        watched_log_probability: float32 (wanted, watched), of the watched tokens.
        fresh: float32 (batch, 96, new, 36), keys and values to append to the cache; the axis of
            96 is (6 blocks, key or value, 8 heads).
        attention: float32 (batch, 2, new, frames), cross-attention of the two word heads.
    """
    graph = GraphBuilder("decoder", products)
    given, hidden = _inputs(graph, weights)
    fresh: list[str] = []
    looks: list[str] = []
    down_bias: Floats | None = None
    branch = ""
    for index, block in enumerate(weights.decoder):
        if index == 0:
            norm = graph.norm(hidden, block.attention_norm)
        else:
            norm, hidden = graph.add_norm(hidden, branch, block.attention_norm, down_bias)
        branch, states = _self_attention(graph, given, index, block, norm)
        fresh += states
        norm, hidden = graph.add_norm(hidden, branch, block.cross_norm)
        branch, chances = _cross_attention(graph, given, index, block, norm)
        looks.append(chances)
        norm, hidden = graph.add_norm(hidden, branch, block.mlp_norm)
        branch = _gated_mlp(graph, block, norm)
        down_bias = block.down.bias
    final, _ = graph.add_norm(hidden, branch, weights.decoder_norm, down_bias)
    # The vocabulary takes half of all arithmetic, so it is computed for no more tokens than necessary.
    chosen = graph.node("Gather", graph.reshape(final, -1, HIDDEN), given.wanted, axis=0)
    scores = graph.node("LogSoftmax", graph.product(Rows(chosen), weights.vocabulary), axis=-1)
    best, log_probability = _two_best(graph, scores)
    graph.output(best, "best", INT64, ["wanted", 2])
    graph.output(log_probability, "log_probability", FLOAT, ["wanted", 2])
    watched_scores = graph.node("Gather", scores, given.watched, axis=-1)
    graph.output(watched_scores, "watched_log_probability", FLOAT, ["wanted", "watched"])
    graph.output(
        graph.node("Concat", *fresh, axis=1), "fresh", FLOAT, ["batch", STATES * HEADS, "new", HEAD_SIZE]
    )
    taken = [graph.node("Gather", looks[index], graph.ints(head), axis=1) for index, head in WORD_HEADS]
    graph.output(
        graph.node("Concat", *taken, axis=1), "attention", FLOAT, ["batch", len(WORD_HEADS), "new", "frames"]
    )
    graph.save(path)


class _Inputs(NamedTuple):
    """Names of values that every block or the end of the graph uses.

    Attributes:
        positions, wanted, self_bias, cross_bias, watched: Inputs of the graph.
        cosines, sines: Tables of the rotary positions.
        lengths: Lengths of the cache and of the new tokens, int64 (2,).
    """

    positions: str
    wanted: str
    self_bias: str
    cross_bias: str
    watched: str
    cosines: str
    sines: str
    lengths: str


def _inputs(graph: GraphBuilder, weights: Weights) -> tuple[_Inputs, str]:
    """Declare the inputs; returns them and the embedded tokens."""
    tokens = graph.input("tokens", INT64, ["batch", "new"])
    positions = graph.input("positions", INT64, ["batch", "new"])
    wanted = graph.input("wanted", INT64, ["wanted"])
    self_bias = graph.input("self_bias", FLOAT, ["batch", 1, "new", "total"])
    cross_bias = graph.input("cross_bias", FLOAT, ["batch", 1, 1, "frames"])
    watched = graph.input("watched", INT64, ["watched"])
    cosines, sines = (graph.constant(table) for table in rotation(weights, _MAX_TOKENS))
    codes = graph.node("Gather", graph.constant(weights.embedding), tokens, axis=0)
    hidden = graph.node(
        "DequantizeLinear", codes, graph.constant(weights.vocabulary.scale[0]),
        graph.constant(weights.vocabulary.zero_point[0]),
    )  # fmt: skip
    for kind, length in (("past", "past"), ("cross", "frames")):
        for index in range(BLOCKS):
            for part in ("key", "value"):
                graph.input(f"{kind}_{part}_{index}", FLOAT, ["batch", HEADS, length, HEAD_SIZE])
    lengths = graph.node(
        "Concat",
        graph.node("Shape", "past_key_0", start=2, end=3),
        graph.node("Shape", tokens, start=1, end=2),
        axis=0,
    )
    return _Inputs(positions, wanted, self_bias, cross_bias, watched, cosines, sines, lengths), hidden


def _self_attention(
    graph: GraphBuilder, given: _Inputs, index: int, block: DecoderBlock, norm: str
) -> tuple[str, list[str]]:
    """Attention to the cached and the new tokens; returns also the new tokens' keys and values."""
    # Scores are scaled in the queries.
    query = pairs_apart(block.query.scaled(HEAD_SIZE**-0.5))
    wide = graph.product(Rows(norm), Linear.side_by_side([query, pairs_apart(block.key), block.value]))
    both, value = graph.split(_heads_first(graph, wide, 3 * HEADS), 1, 2 * HEADS, HEADS)
    rotated = graph.node(
        "RotaryEmbedding", both, given.positions, given.cosines, given.sines,
        num_heads=2 * HEADS, rotary_embedding_dim=ROTATED, interleaved=0,
    )  # fmt: skip
    query_name, key = graph.split(rotated, 1, HEADS, HEADS)
    scores = graph.node(
        "Concat",
        graph.node("FusedMatMul", query_name, f"past_key_{index}", transB=1),
        graph.node("FusedMatMul", query_name, key, transB=1),
        axis=-1,
    )
    chances = graph.node("Softmax", graph.node("Add", scores, given.self_bias), axis=-1)
    old_chances, new_chances = graph.nodes("Split", [chances, given.lengths], 2, axis=-1)
    mixed = graph.node(
        "Add",
        graph.node("MatMul", old_chances, f"past_value_{index}"),
        graph.node("MatMul", new_chances, value),
    )
    return graph.product(Rows(_heads_last(graph, mixed)), block.output), [key, value]


def _cross_attention(
    graph: GraphBuilder, given: _Inputs, index: int, block: DecoderBlock, norm: str
) -> tuple[str, str]:
    """Attention to the encoder's frames; returns also its weights, (batch, 8, new, frames)."""
    query = graph.product(Rows(norm), block.cross_query.scaled(HEAD_SIZE**-0.5))
    scores = graph.node("FusedMatMul", _heads_first(graph, query, HEADS), f"cross_key_{index}", transB=1)
    chances = graph.node("Softmax", graph.node("Add", scores, given.cross_bias), axis=-1)
    mixed = graph.node("MatMul", chances, f"cross_value_{index}")
    return graph.product(Rows(_heads_last(graph, mixed)), block.cross_output), chances


def _gated_mlp(graph: GraphBuilder, block: DecoderBlock, norm: str) -> str:
    up = graph.node("Add", graph.product(Rows(norm), block.up), graph.bias(block.up))
    content, gate = graph.split(up, -1, 4 * HIDDEN, 4 * HIDDEN)
    gated = graph.node("Mul", graph.node("QuickGelu", gate, alpha=1.0), content)
    return graph.product(Rows(gated), block.down)


def _heads_first(graph: GraphBuilder, value: str, count: int) -> str:
    """From (batch, new, count * 36) to (batch, count, new, 36)."""
    return graph.node("Transpose", graph.reshape(value, 0, 0, count, HEAD_SIZE), perm=[0, 2, 1, 3])


def _heads_last(graph: GraphBuilder, value: str) -> str:
    """From (batch, 8, new, 36) to (batch, new, 288)."""
    return graph.reshape(graph.node("Transpose", value, perm=[0, 2, 1, 3]), 0, 0, HIDDEN)


def _two_best(graph: GraphBuilder, scores: str, size: int = 256) -> tuple[str, str]:
    """The two most probable tokens of each row and their log-probabilities, both (rows, 2).

    The two best lie in the two blocks with the largest maxima: this avoids a slow search through
    the whole vocabulary.

    Args:
        graph: The graph.
        scores: Of shape (rows, vocabulary).
        size: Of a block.
    """
    blocks = graph.reshape(scores, 0, VOCABULARY // size, size)
    peaks = graph.node("ReduceMax", blocks, graph.ints(-1), keepdims=0)
    _, chosen = graph.nodes("TopK", [peaks, graph.ints(2)], 2, axis=-1)
    rows = graph.node("GatherND", blocks, graph.node("Unsqueeze", chosen, graph.ints(-1)), batch_dims=1)
    values, places = graph.nodes("TopK", [graph.reshape(rows, 0, 2 * size), graph.ints(2)], 2, axis=-1)
    width = graph.ints(size)
    block = graph.node("GatherElements", chosen, graph.node("Div", places, width), axis=-1)
    best = graph.node("Add", graph.node("Mul", block, width), graph.node("Mod", places, width))
    return best, values
