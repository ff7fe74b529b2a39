"""The decoder's graph: one for first passes, verifying and single steps alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.moonshine.rotary import FLOAT, INT64, ROTATED, pairs_apart, rotation
from vivavoce.asr.models.moonshine.weights import BLOCKS, HEAD_SIZE, HEADS, HIDDEN, VOCABULARY, Linear
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder, Products, Rows

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.moonshine.weights import Floats, Weights

__all__ = ["build_decoder"]

_MAX_TOKENS: Final = 1024
# Cross-attention heads (block, head), chosen by measurement: the first looks at the word that is
# being written, the second, while the next word is written, at the end of the one before.
_WORD_HEADS: Final = ((4, 6), (3, 1))


def build_decoder(weights: Weights, path: Path, products: Products = "rows") -> None:  # noqa: PLR0915 - a graph is a list of nodes
    """Write the decoder: some new tokens for each row behind a cache of past ones.

    Inputs:
        tokens: int64 (batch, new).
        positions: int64 (batch, new).
        wanted: int64 (wanted,), of which of the batch * new tokens the two next ones are wanted.
        self_bias: float32 (batch, 1, new, past + new), 0 where a token may look, else very negative.
        cross_bias: float32 (batch, 1, 1, frames), the same for the encoder's frames.
        past_key_N, past_value_N: float32 (batch, 8, past, 36) for the blocks N = 0 … 5.
        cross_key_N, cross_value_N: float32 (batch, 8, frames, 36), from the encoder.
        watched: int64 (watched,), tokens whose log-probabilities are wanted too; mostly none.
    Outputs:
        best: int64 (wanted, 2), the two likeliest tokens behind each wanted one.
        log_probability: float32 (wanted, 2), of these two.
        watched_log_probability: float32 (wanted, watched), of those that are watched.
        fresh: float32 (batch, 96, new, 36), keys and values to append to the cache; the axis of
            96 is (6 blocks, key or value, 8 heads).
        attention: float32 (batch, 2, new, frames), cross-attention of the two word heads.
    """
    graph = GraphBuilder("decoder", products)
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

    def heads_first(value: str, count: int) -> str:
        return graph.node("Transpose", graph.reshape(value, 0, 0, count, HEAD_SIZE), perm=[0, 2, 1, 3])

    def heads_last(value: str) -> str:
        return graph.reshape(graph.node("Transpose", value, perm=[0, 2, 1, 3]), 0, 0, HIDDEN)

    fresh: list[str] = []
    looks: list[str] = []
    down_bias: Floats | None = None
    branch = ""
    past_names = [("past", index) for index in range(BLOCKS)]
    for kind, index in [*past_names, *(("cross", index) for index in range(BLOCKS))]:
        length = "past" if kind == "past" else "frames"
        for part in ("key", "value"):
            graph.input(f"{kind}_{part}_{index}", FLOAT, ["batch", HEADS, length, HEAD_SIZE])
    old_new = graph.node(
        "Concat",
        graph.node("Shape", "past_key_0", start=2, end=3),
        graph.node("Shape", tokens, start=1, end=2),
        axis=0,
    )
    for index, block in enumerate(weights.decoder):
        if index == 0:
            norm = graph.norm(hidden, block.attention_norm)
        else:
            norm, hidden = graph.add_norm(hidden, branch, block.attention_norm, down_bias)
        # Self-attention over the cache and the new tokens; scores are scaled in the queries.
        query = pairs_apart(block.query.scaled(HEAD_SIZE**-0.5))
        wide = graph.product(Rows(norm), Linear.side_by_side([query, pairs_apart(block.key), block.value]))
        both, value = graph.split(heads_first(wide, 3 * HEADS), 1, 2 * HEADS, HEADS)
        turned = graph.node(
            "RotaryEmbedding", both, positions, cosines, sines,
            num_heads=2 * HEADS, rotary_embedding_dim=ROTATED, interleaved=0,
        )  # fmt: skip
        query_name, key = graph.split(turned, 1, HEADS, HEADS)
        fresh += [key, value]
        scores = graph.node(
            "Concat",
            graph.node("FusedMatMul", query_name, f"past_key_{index}", transB=1),
            graph.node("FusedMatMul", query_name, key, transB=1),
            axis=-1,
        )
        chances = graph.node("Softmax", graph.node("Add", scores, self_bias), axis=-1)
        old_chances, new_chances = graph.nodes("Split", [chances, old_new], 2, axis=-1)
        mixed = graph.node(
            "Add",
            graph.node("MatMul", old_chances, f"past_value_{index}"),
            graph.node("MatMul", new_chances, value),
        )
        branch = graph.product(Rows(heads_last(mixed)), block.output)
        norm, hidden = graph.add_norm(hidden, branch, block.cross_norm)
        # Cross-attention.
        asked = heads_first(graph.product(Rows(norm), block.cross_query.scaled(HEAD_SIZE**-0.5)), HEADS)
        scores = graph.node("FusedMatMul", asked, f"cross_key_{index}", transB=1)
        chances = graph.node("Softmax", graph.node("Add", scores, cross_bias), axis=-1)
        looks.append(chances)
        mixed = graph.node("MatMul", chances, f"cross_value_{index}")
        branch = graph.product(Rows(heads_last(mixed)), block.cross_output)
        norm, hidden = graph.add_norm(hidden, branch, block.mlp_norm)
        # Gated MLP.
        up = graph.node("Add", graph.product(Rows(norm), block.up), graph.bias(block.up))
        content, gate = graph.split(up, -1, 4 * HIDDEN, 4 * HIDDEN)
        gated = graph.node("Mul", graph.node("QuickGelu", gate, alpha=1.0), content)
        branch = graph.product(Rows(gated), block.down)
        down_bias = block.down.bias
    final, _ = graph.add_norm(hidden, branch, weights.decoder_norm, down_bias)
    # The vocabulary is half of all arithmetic, so it is asked no more than it has to be.
    asking = graph.node("Gather", graph.reshape(final, -1, HIDDEN), wanted, axis=0)
    scores = graph.node("LogSoftmax", graph.product(Rows(asking), weights.vocabulary), axis=-1)
    best, log_probability = _two_best(graph, scores)
    graph.output(best, "best", INT64, ["wanted", 2])
    graph.output(log_probability, "log_probability", FLOAT, ["wanted", 2])
    taken_scores = graph.node("Gather", scores, watched, axis=-1)
    graph.output(taken_scores, "watched_log_probability", FLOAT, ["wanted", "watched"])
    graph.output(graph.node("Concat", *fresh, axis=1), "fresh", FLOAT, ["batch", 96, "new", HEAD_SIZE])
    taken = [graph.node("Gather", looks[index], graph.ints(head), axis=1) for index, head in _WORD_HEADS]
    graph.output(
        graph.node("Concat", *taken, axis=1), "attention", FLOAT, ["batch", len(_WORD_HEADS), "new", "frames"]
    )
    graph.save(path)


def _two_best(graph: GraphBuilder, scores: str, size: int = 256) -> tuple[str, str]:
    """The two likeliest tokens of each row of (rows, vocabulary) and their log-probabilities, (rows, 2).

    The two best lie in the two blocks with the largest maxima: this avoids a slow search through
    the whole vocabulary.
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
