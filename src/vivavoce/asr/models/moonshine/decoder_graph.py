"""The decoder's graph: one graph for prompts, for drafts that are verified, and for single steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.asr.models.moonshine.rotary import FLOAT, INT64, pairs_apart, rotation
from vivavoce.asr.models.moonshine.sizes import TINY_DECODER, WORD_HEADS
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder, Products, Rows
from vivavoce.asr.models.onnx.quantised import Dense, quantise, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vivavoce.asr.models.moonshine.sizes import DecoderSizes
    from vivavoce.asr.models.moonshine.weights import DecoderBlock, Weights
    from vivavoce.asr.models.onnx.quantised import Floats, Matrix

__all__ = ["DecoderPart", "build_decoder", "embed_tokens", "write_decoder"]

_MAX_TOKENS: Final = 1024


@dataclass(frozen=True, slots=True)
class DecoderPart:
    """What a decoder's graph is written from.

    Attributes:
        sizes: Its sizes.
        blocks: Its blocks; their cross-attention keys and values are not used here.
        norm: Gain of the last norm, float32 (hidden,).
        vocabulary: The projection to the vocabulary, (hidden, tokens).
        frequencies: Rotary angle per position of each pair of dimensions, float32 (pairs,).
        embed: Appends the nodes that embed tokens, int64 (batch, new) to float32 (batch, new, hidden).
        word_heads: Cross-attention heads (block, head) from which word times are read, one for each of the
            word rows; empty: one row is read, the mean of all heads of the upper half of the blocks.
    """

    sizes: DecoderSizes
    blocks: Sequence[DecoderBlock]
    norm: Floats
    vocabulary: Matrix
    frequencies: Floats
    embed: Callable[[GraphBuilder, str], str]
    word_heads: tuple[tuple[int, int], ...]


def build_decoder(weights: Weights, path: Path, products: Products = "rows") -> None:
    """Write the decoder of Moonshine tiny; see `write_decoder`."""

    def embed(graph: GraphBuilder, tokens: str) -> str:
        codes = graph.node("Gather", graph.constant(weights.embedding), tokens, axis=0)
        return graph.node(
            "DequantizeLinear", codes, graph.constant(weights.vocabulary.scale[0]),
            graph.constant(weights.vocabulary.zero_point[0]),
        )  # fmt: skip

    part = DecoderPart(
        sizes=TINY_DECODER,
        blocks=weights.decoder,
        norm=weights.decoder_norm,
        vocabulary=weights.vocabulary,
        frequencies=weights.encoder.frequencies,
        embed=embed,
        word_heads=WORD_HEADS,
    )
    write_decoder(part, path, products)


def embed_tokens(graph: GraphBuilder, embedding: Floats, tokens: str, *, quantised: bool) -> str:
    """Look tokens up, in a table of floats or in one of bytes with a scale for each token.

    Args:
        graph: The graph.
        embedding: Float32 (tokens, width).
        tokens: Name of the tokens, int64 (batch, new).
        quantised: Whether the table is of bytes.

    Returns:
        Name of the embedded tokens, float32 (batch, new, width).
    """
    if not quantised:
        return graph.node("Gather", graph.constant(embedding), tokens, axis=0)
    table = quantise(Dense(embedding.T))
    codes = graph.node("Gather", graph.constant(table.quantised.T), tokens, axis=0)
    scale = graph.node("Gather", graph.constant(table.scale[:, None]), tokens, axis=0)
    around_zero = graph.node(
        "Sub", graph.node("Cast", codes, to=FLOAT), graph.scalar(float(table.zero_point[0]))
    )
    return graph.node("Mul", around_zero, scale)


def write_decoder(part: DecoderPart, path: Path, products: Products = "rows") -> None:
    """Write a decoder: it takes some new tokens per row, and the cached states of all tokens before them.

    Inputs:
        tokens: int64 (batch, new).
        positions: int64 (batch, new).
        wanted: int64 (wanted,), indices of the tokens, of batch * new, whose next tokens are computed.
        self_bias: float32 (batch, 1, new, past + new), 0 where a token may attend, else very negative.
        cross_bias: float32 (batch, 1, 1, frames), the same for the encoder's frames.
        past_key_N, past_value_N: float32 (batch, heads, past, head_size) for the blocks N = 0, 1, …
        cross_key_N, cross_value_N: float32 (batch, heads, frames, head_size), from the encoder.
        watched: int64 (watched,), tokens whose log-probabilities are computed too; mostly none.
    Outputs:
        best: int64 (wanted, 2), the two most probable tokens after each wanted one.
        log_probability: float32 (wanted, 2), of these two.
        watched_log_probability: float32 (wanted, watched), of the watched tokens.
        fresh: float32 (batch, states * heads, new, head_size), keys and values to append to the cache; the
            second axis is (block, key or value, head).
        attention: float32 (batch, word_rows, new, frames), the cross-attention that gives word times.
    """
    graph = GraphBuilder("decoder", products)
    sizes = part.sizes
    given, hidden = _inputs(graph, part)
    fresh: list[str] = []
    looks: list[str] = []
    down_bias: Floats | None = None
    branch = ""
    for index, block in enumerate(part.blocks):
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
    final, _ = graph.add_norm(hidden, branch, part.norm, down_bias)
    # The vocabulary takes half of all arithmetic, so it is computed for no more tokens than necessary.
    chosen = graph.node("Gather", graph.reshape(final, -1, part.vocabulary.inputs), given.wanted, axis=0)
    scores = graph.node("LogSoftmax", graph.product(Rows(chosen), part.vocabulary), axis=-1)
    best, log_probability = _two_best(graph, scores, part.vocabulary.outputs)
    graph.output(best, "best", INT64, ["wanted", 2])
    graph.output(log_probability, "log_probability", FLOAT, ["wanted", 2])
    watched_scores = graph.node("Gather", scores, given.watched, axis=-1)
    graph.output(watched_scores, "watched_log_probability", FLOAT, ["wanted", "watched"])
    shape: list[int | str] = ["batch", sizes.states * sizes.heads, "new", sizes.head_size]
    graph.output(graph.node("Concat", *fresh, axis=1), "fresh", FLOAT, shape)
    attention = _word_attention(graph, looks, part.word_heads)
    graph.output(attention, "attention", FLOAT, ["batch", sizes.word_rows, "new", "frames"])
    graph.save(path)


class _Inputs(NamedTuple):
    """Names of values that every block or the end of the graph uses.

    Attributes:
        positions, wanted, self_bias, cross_bias, watched: Inputs of the graph.
        cosines, sines: Tables of the rotary positions.
        lengths: Lengths of the cache and of the new tokens, int64 (2,).
        sizes: Of the decoder.
        rotated: How many of a head's dimensions are rotated.
    """

    positions: str
    wanted: str
    self_bias: str
    cross_bias: str
    watched: str
    cosines: str
    sines: str
    lengths: str
    sizes: DecoderSizes
    rotated: int


def _inputs(graph: GraphBuilder, part: DecoderPart) -> tuple[_Inputs, str]:
    """Declare the inputs; returns them and the embedded tokens."""
    sizes = part.sizes
    tokens = graph.input("tokens", INT64, ["batch", "new"])
    positions = graph.input("positions", INT64, ["batch", "new"])
    wanted = graph.input("wanted", INT64, ["wanted"])
    self_bias = graph.input("self_bias", FLOAT, ["batch", 1, "new", "total"])
    cross_bias = graph.input("cross_bias", FLOAT, ["batch", 1, 1, "frames"])
    watched = graph.input("watched", INT64, ["watched"])
    cosines, sines = (graph.constant(table) for table in rotation(part.frequencies, _MAX_TOKENS))
    hidden = part.embed(graph, tokens)
    for kind, length in (("past", "past"), ("cross", "frames")):
        for index in range(sizes.blocks):
            for name in ("key", "value"):
                graph.input(f"{kind}_{name}_{index}", FLOAT, ["batch", sizes.heads, length, sizes.head_size])
    lengths = graph.node(
        "Concat",
        graph.node("Shape", "past_key_0", start=2, end=3),
        graph.node("Shape", tokens, start=1, end=2),
        axis=0,
    )
    given = _Inputs(
        positions,
        wanted,
        self_bias,
        cross_bias,
        watched,
        cosines,
        sines,
        lengths,
        sizes,
        2 * len(part.frequencies),
    )
    return given, hidden


def _self_attention(
    graph: GraphBuilder, given: _Inputs, index: int, block: DecoderBlock, norm: str
) -> tuple[str, list[str]]:
    """Attention to the cached and the new tokens; returns also the new tokens' keys and values."""
    # Scores are scaled in the queries.
    heads, head_size = given.sizes.heads, given.sizes.head_size
    query, key_matrix = (
        pairs_apart(matrix, heads, head_size, given.rotated)
        for matrix in (block.query.scaled(head_size**-0.5), block.key)
    )
    wide = graph.product(Rows(norm), side_by_side([query, key_matrix, block.value]))
    both, value = graph.split(_heads_first(graph, wide, 3 * heads, head_size), 1, 2 * heads, heads)
    rotated = graph.node(
        "RotaryEmbedding", both, given.positions, given.cosines, given.sines,
        num_heads=2 * heads, rotary_embedding_dim=given.rotated, interleaved=0,
    )  # fmt: skip
    query_name, key = graph.split(rotated, 1, heads, heads)
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
    return graph.product(Rows(_heads_last(graph, mixed, given.sizes)), block.output), [key, value]


def _cross_attention(
    graph: GraphBuilder, given: _Inputs, index: int, block: DecoderBlock, norm: str
) -> tuple[str, str]:
    """Attention to the encoder's frames; returns also its weights, (batch, heads, new, frames)."""
    query = graph.product(Rows(norm), block.cross_query.scaled(given.sizes.head_size**-0.5))
    first = _heads_first(graph, query, given.sizes.heads, given.sizes.head_size)
    scores = graph.node("FusedMatMul", first, f"cross_key_{index}", transB=1)
    chances = graph.node("Softmax", graph.node("Add", scores, given.cross_bias), axis=-1)
    mixed = graph.node("MatMul", chances, f"cross_value_{index}")
    return graph.product(Rows(_heads_last(graph, mixed, given.sizes)), block.cross_output), chances


def _gated_mlp(graph: GraphBuilder, block: DecoderBlock, norm: str) -> str:
    up = graph.node("Add", graph.product(Rows(norm), block.up), graph.bias(block.up))
    content, gate = graph.split(up, -1, block.down.inputs, block.down.inputs)
    gated = graph.node("Mul", graph.node("QuickGelu", gate, alpha=1.0), content)
    return graph.product(Rows(gated), block.down)


def _word_attention(graph: GraphBuilder, looks: Sequence[str], heads: Sequence[tuple[int, int]]) -> str:
    """The attention that gives word times, (batch, word_rows, new, frames)."""
    if heads:
        taken = [graph.node("Gather", looks[index], graph.ints(head), axis=1) for index, head in heads]
        return graph.node("Concat", *taken, axis=1)
    upper = [graph.node("ReduceMean", look, graph.ints(1), keepdims=1) for look in looks[len(looks) // 2 :]]
    return graph.node("Mean", *upper)


def _heads_first(graph: GraphBuilder, value: str, count: int, head_size: int) -> str:
    """From (batch, new, count * head_size) to (batch, count, new, head_size)."""
    return graph.node("Transpose", graph.reshape(value, 0, 0, count, head_size), perm=[0, 2, 1, 3])


def _heads_last(graph: GraphBuilder, value: str, sizes: DecoderSizes) -> str:
    """From (batch, heads, new, head_size) to (batch, new, heads * head_size)."""
    width = sizes.heads * sizes.head_size
    return graph.reshape(graph.node("Transpose", value, perm=[0, 2, 1, 3]), 0, 0, width)


def _two_best(graph: GraphBuilder, scores: str, vocabulary: int) -> tuple[str, str]:
    """The two most probable tokens of each row and their log-probabilities, both (rows, 2).

    The two best lie in the two blocks with the largest maxima: this avoids a slow search through
    the whole vocabulary.

    Args:
        graph: The graph.
        scores: Of shape (rows, vocabulary).
        vocabulary: Number of tokens, at least 2.
    """
    size = next(size for size in (256, 64, 16, 4, 2, 1) if vocabulary % size == 0 and vocabulary >= 2 * size)
    blocks = graph.reshape(scores, 0, vocabulary // size, size)
    peaks = graph.node("ReduceMax", blocks, graph.ints(-1), keepdims=0)
    _, chosen = graph.nodes("TopK", [peaks, graph.ints(2)], 2, axis=-1)
    rows = graph.node("GatherND", blocks, graph.node("Unsqueeze", chosen, graph.ints(-1)), batch_dims=1)
    values, places = graph.nodes("TopK", [graph.reshape(rows, 0, 2 * size), graph.ints(2)], 2, axis=-1)
    width = graph.ints(size)
    block = graph.node("GatherElements", chosen, graph.node("Div", places, width), axis=-1)
    best = graph.node("Add", graph.node("Mul", block, width), graph.node("Mod", places, width))
    return best, values
