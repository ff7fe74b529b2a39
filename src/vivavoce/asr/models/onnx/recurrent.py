"""LSTMs in ONNX graphs, from weights as torch has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vivavoce.asr.models.onnx.graph_writer import GraphBuilder
    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["lstm_layer", "lstm_shapes"]

_GATES: Final = (0, 3, 1, 2)  # ONNX: input, output, forget, cell; torch: input, forget, cell, output


def lstm_layer(
    graph: GraphBuilder,
    value: str,
    weights: Mapping[str, Floats],
    layer: int,
    *,
    both_ways: bool = False,
    lengths: str = "",
) -> tuple[str, str]:
    """Add a layer of the LSTM that torch calls ``lstm``.

    Args:
        graph: The graph.
        value: The input, float32 (frames, rows, features).
        weights: The weights, by torch's names.
        layer: Number of the layer.
        both_ways: Whether the layer also runs backwards.
        lengths: Frames of each row, int32 (rows,); empty: all.

    Returns:
        The names of the output, float32 (frames, directions, rows, width), and of that at the last frame of
        each direction, (directions, rows, width).
    """
    ways = ("", "_reverse") if both_ways else ("",)
    inputs = [
        graph.constant(np.stack([_gates(weights[f"lstm.weight_{kind}_l{layer}{way}"]) for way in ways]))
        for kind in ("ih", "hh")
    ]
    biases = [
        np.concatenate([_gates(weights[f"lstm.bias_{kind}_l{layer}{way}"]) for kind in ("ih", "hh")])
        for way in ways
    ]
    every, last = graph.nodes(
        "LSTM",
        [value, *inputs, graph.constant(np.stack(biases)), lengths],
        2,
        hidden_size=weights[f"lstm.weight_hh_l{layer}"].shape[1],
        direction="bidirectional" if both_ways else "forward",
    )
    return every, last


def lstm_shapes(
    layers: int, features: int, width: int, *, both_ways: bool = False
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the weights of an LSTM of several layers."""
    ways = ("", "_reverse") if both_ways else ("",)
    for layer in range(layers):
        inputs = features if layer == 0 else width * len(ways)
        for way in ways:
            yield f"lstm.weight_ih_l{layer}{way}", (4 * width, inputs)
            yield f"lstm.weight_hh_l{layer}{way}", (4 * width, width)
            for kind in ("ih", "hh"):
                yield f"lstm.bias_{kind}_l{layer}{way}", (4 * width,)


def _gates(values: Floats) -> Floats:
    """Rows of four gates, from torch's order to that of ONNX."""
    return np.concatenate([np.split(values, 4)[gate] for gate in _GATES])
