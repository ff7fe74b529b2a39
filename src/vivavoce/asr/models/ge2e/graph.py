"""The voice encoder's graph, written from its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from onnx import TensorProto

from vivavoce.asr.models.ge2e.sizes import BANDS, LAYERS, WIDTH
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder
from vivavoce.asr.models.onnx.recurrent import lstm_layer, lstm_shapes
from vivavoce.asr.models.torch_files import read_tensors
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


__all__ = ["build_encoder"]

_FLOAT: Final = TensorProto.FLOAT


def build_encoder(source: Path, target: Path) -> None:
    """Write the graph.

    Inputs:
        bands: float32 (voices, frames, 40), powers of the mel bands.
        lengths: int32 (voices,), frames of each voice, at most as many as there are.
    Outputs:
        embeddings: float32 (voices, 256), of length 1, no value below 0.

    Args:
        source: The file ``pretrained.pt`` of Resemblyzer.
        target: The file to write.

    Raises:
        ModelError: The file can't be read, or is not such a model.
    """
    weights = read_tensors(source, "model_state")
    for name, shape in _shapes().items():
        if name not in weights or weights[name].shape != shape:
            found = weights[name].shape if name in weights else "nothing"
            raise ModelError(f"{source.name} is no voice encoder: {name} must be {shape}, got {found}")
    graph = GraphBuilder("voices")
    bands = graph.input("bands", _FLOAT, ["voices", "frames", BANDS])
    lengths = graph.input("lengths", TensorProto.INT32, ["voices"])
    value = graph.node("Transpose", bands, perm=[1, 0, 2])
    hidden = ""
    for layer in range(LAYERS):
        every, hidden = lstm_layer(graph, value, weights, layer, lengths=lengths)
        value = graph.node("Squeeze", every, graph.ints(1))
    last = graph.node("Squeeze", hidden, graph.ints(0))
    raw = graph.node(
        "Relu",
        graph.node(
            "Gemm",
            last,
            graph.constant(weights["linear.weight"]),
            graph.constant(weights["linear.bias"]),
            transB=1,
        ),
    )
    length = graph.node("Max", graph.node("ReduceL2", raw, graph.ints(1), keepdims=1), graph.scalar(1e-6))
    graph.output(graph.node("Div", raw, length), "embeddings", _FLOAT, ["voices", WIDTH])
    graph.save(target)


def _shapes() -> dict[str, tuple[int, ...]]:
    linear = {"linear.weight": (WIDTH, WIDTH), "linear.bias": (WIDTH,)}
    return {**linear, **dict(lstm_shapes(LAYERS, BANDS, WIDTH))}
