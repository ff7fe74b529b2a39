"""A lean graph of Silero's speech detector, written from the shipped weights.

The shipped graph takes one frame per run, and chooses by branches between sample rates. Ours takes any number
of frames of any number of sessions. Only its LSTM depends on earlier frames, and its convolutions over the
four steps of a frame are matrix products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from vivavoce.asr.models.onnx.graph_writer import GraphBuilder
from vivavoce.asr.models.silero.sizes import CONTEXT_SAMPLES, FRAME_SAMPLES, HIDDEN
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["build_detector"]

Floats: TypeAlias = npt.NDArray[np.float32]

_WINDOW: Final = 256
_HOP: Final = 128
_STEPS: Final = 4
_BINS: Final = _WINDOW // 2 + 1
_SHAPES: Final = {
    "stft.forward_basis_buffer": (2 * _BINS, 1, _WINDOW),
    "encoder.0.reparam_conv.weight": (128, _BINS, 3),
    "encoder.0.reparam_conv.bias": (128,),
    "encoder.1.reparam_conv.weight": (64, 128, 3),
    "encoder.1.reparam_conv.bias": (64,),
    "encoder.2.reparam_conv.weight": (64, 64, 3),
    "encoder.2.reparam_conv.bias": (64,),
    "encoder.3.reparam_conv.weight": (HIDDEN, 64, 3),
    "encoder.3.reparam_conv.bias": (HIDDEN,),
    "decoder.rnn.weight_ih": (4 * HIDDEN, HIDDEN),
    "decoder.rnn.weight_hh": (4 * HIDDEN, HIDDEN),
    "decoder.rnn.bias_ih": (4 * HIDDEN,),
    "decoder.rnn.bias_hh": (4 * HIDDEN,),
    "decoder.decoder.2.weight": (1, HIDDEN, 1),
    "decoder.decoder.2.bias": (1,),
}
_FLOAT: Final = onnx.TensorProto.FLOAT


def build_detector(source: Path, target: Path) -> None:
    """Write the graph.

    Inputs:
        frames: float32 (sessions, n, 576): 64 samples from before each frame, then its 512; 16 kHz.
        lengths: int32 (sessions,), number of frames of each session, at most n.
        hidden, cell: float32 (1, sessions, 128), the recurrent state.
    Outputs:
        probabilities: float32 (sessions, n), of speech; undefined after a session's last frame.
        hidden_after, cell_after: the new state.

    Args:
        source: The shipped ``silero_vad.onnx``, version 5 or 6.
        target: The file to write.

    Raises:
        ModelError: The file is not such a model.
    """
    weights = _load(source)
    graph = GraphBuilder("detector", "float")
    frames = graph.input("frames", _FLOAT, ["sessions", "n", CONTEXT_SAMPLES + FRAME_SAMPLES])
    lengths = graph.input("lengths", onnx.TensorProto.INT32, ["sessions"])
    hidden = graph.input("hidden", _FLOAT, [1, "sessions", HIDDEN])
    cell = graph.input("cell", _FLOAT, [1, "sessions", HIDDEN])

    windows = graph.node(
        "Gather", graph.reshape(frames, -1, CONTEXT_SAMPLES + FRAME_SAMPLES), _windows(graph), axis=1
    )
    basis = weights["stft.forward_basis_buffer"][:, 0].T
    real, imaginary = graph.split(graph.node("MatMul", windows, graph.constant(basis)), -1, _BINS, _BINS)
    squares = [graph.node("Mul", part, part) for part in (real, imaginary)]
    value = graph.node("Sqrt", graph.node("Add", *squares))

    value = _convolution(graph, weights, 0, graph.node("Concat", *_taps(graph, value, _STEPS, 1), axis=-1))
    value = _convolution(graph, weights, 1, graph.node("Concat", *_taps(graph, value, _STEPS, 2), axis=-1))
    value = graph.reshape(value, -1, 2 * 64)  # the first of the third one's taps is in the padding
    value = _convolution(graph, weights, 2, value, taps=(1, 2))
    value = _convolution(graph, weights, 3, value, taps=(1,))

    shape = graph.node("Concat", graph.node("Shape", frames, start=0, end=2), graph.ints(HIDDEN), axis=0)
    sequence = graph.node("Transpose", graph.node("Reshape", value, shape), perm=[1, 0, 2])
    inward, recurrent, *biases = (
        _gates(weights[f"decoder.rnn.{part}"]) for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    lstm = [graph.constant(part[None]) for part in (inward, recurrent, np.concatenate(biases))]
    every, hidden_after, cell_after = graph.nodes(
        "LSTM", [sequence, *lstm, lengths, hidden, cell], 3, hidden_size=HIDDEN
    )
    last = graph.node("Relu", graph.node("Transpose", graph.reshape(every, 0, -1, HIDDEN), perm=[1, 0, 2]))
    scores = graph.node("MatMul", last, graph.constant(weights["decoder.decoder.2.weight"][0]))
    scores = graph.node("Add", scores, graph.constant(weights["decoder.decoder.2.bias"]))
    found = graph.node("Squeeze", graph.node("Sigmoid", scores), graph.ints(2))
    graph.output(found, "probabilities", _FLOAT, ["sessions", "n"])
    graph.output(hidden_after, "hidden_after", _FLOAT, [1, "sessions", HIDDEN])
    graph.output(cell_after, "cell_after", _FLOAT, [1, "sessions", HIDDEN])
    graph.save(target)


def _windows(graph: GraphBuilder) -> str:
    """Indices of the samples of each step of a frame, (4, 256); after the last sample they are mirrored."""
    places = np.arange(_STEPS)[:, None] * _HOP + np.arange(_WINDOW)
    last = CONTEXT_SAMPLES + FRAME_SAMPLES - 1
    return graph.constant(np.where(places > last, 2 * last - places, places))


def _taps(graph: GraphBuilder, value: str, steps: int, stride: int) -> list[str]:
    """The three inputs of each step of a convolution of width 3 with a zero on both sides."""
    padded = graph.node("Pad", value, graph.ints(0, 1, 0, 0, 1, 0))
    return [
        graph.node(
            "Slice", padded, graph.ints(tap), graph.ints(tap + steps), graph.ints(1), graph.ints(stride)
        )
        for tap in range(3)
    ]


def _convolution(
    graph: GraphBuilder, weights: dict[str, Floats], index: int, value: str, taps: tuple[int, ...] = (0, 1, 2)
) -> str:
    kernel = weights[f"encoder.{index}.reparam_conv.weight"][:, :, taps].transpose(2, 1, 0)
    product = graph.node("MatMul", value, graph.constant(kernel.reshape(-1, kernel.shape[2])))
    bias = graph.constant(weights[f"encoder.{index}.reparam_conv.bias"])
    return graph.node("Relu", graph.node("Add", product, bias))


def _gates(matrix: Floats) -> Floats:
    """Reorder the gates from in, forget, cell, out, as trained, to in, out, forget, cell, as in ONNX."""
    gate_in, forget, cell, out = np.split(matrix, 4)
    return np.concatenate([gate_in, out, forget, cell])


def _load(source: Path) -> dict[str, Floats]:
    """The weights for 16 kHz, by their names in the model; those for 8 kHz are in another branch.

    Raises:
        ModelError: The file is not such a model.
    """
    try:
        model = onnx.load(str(source))
    except Exception as error:  # protobuf raises types of its own
        raise ModelError(f"{source.name} can't be read: {error}") from error
    for branch in _branches(model.graph):
        found = {
            wanted: np.asarray(numpy_helper.to_array(tensor), np.float32)
            for name, tensor in _tensors(branch)
            for wanted, shape in _SHAPES.items()
            if name.endswith(wanted) and tuple(tensor.dims) == shape
        }
        if found.keys() == _SHAPES.keys():
            return found
    raise ModelError(f"{source.name} must be a Silero speech detector for 16 kHz, and is not")


def _branches(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield attribute.g


def _tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Initialisers and constants."""
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.type == onnx.AttributeProto.TENSOR:
                yield node.output[0], attribute.t
