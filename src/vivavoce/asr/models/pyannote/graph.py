"""The graph of the segmentation model, written from its weights.

Band-pass filters of learnt edges over the audio, two convolutions, four LSTMs in both directions and three
layers. Source of the filters: M. Ravanelli and Y. Bengio, "Speaker Recognition from Raw Waveform with
SincNet", 2018; of their odd half: M. Pariente et al., "Filterbank Design for End-to-End Speech Separation",
2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from onnx import TensorProto

from vivavoce.asr.models.onnx.graph_writer import EPSILON, GraphBuilder
from vivavoce.asr.models.onnx.recurrent import lstm_layer, lstm_shapes
from vivavoce.asr.models.pyannote.sizes import (
    CLASSES,
    CONVOLUTION,
    FILTER_SAMPLES,
    FILTER_STEP,
    FILTERS,
    LAYERS,
    NARROW,
    POOLED,
    WIDTH,
)
from vivavoce.asr.models.torch_files import read_tensors
from vivavoce.errors import ModelError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["build_segmenter", "shapes"]

_FLOAT: Final = TensorProto.FLOAT
_LOWEST_HZ: Final = 50.0
_NARROWEST_HZ: Final = 50.0
_LEAK: Final = 0.01
_FILTERBANK: Final = "sincnet.conv1d.0.filterbank"


def build_segmenter(source: Path, target: Path) -> None:
    """Write the graph.

    Inputs:
        samples: float32 (windows, n), 16 kHz; n of 991 or more.
    Outputs:
        probabilities: float32 (windows, frames, 7).

    Args:
        source: The file ``pytorch_model.bin`` of pyannote's segmentation 3.0.
        target: The file to write.

    Raises:
        ModelError: The file can't be read, or is not such a model.
    """
    weights = read_tensors(source, "state_dict")
    for name, shape in shapes():
        if name not in weights or weights[name].shape != shape:
            found = weights[name].shape if name in weights else "nothing"
            raise ModelError(f"{source.name} is no segmentation model: {name} must be {shape}, got {found}")
    graph = GraphBuilder("segmentation")
    samples = graph.input("samples", _FLOAT, ["windows", "n"])
    value = _front(graph, weights, graph.node("Unsqueeze", samples, graph.ints(1)))
    value = graph.node("Transpose", value, perm=[2, 0, 1])  # frames, windows, features
    for layer in range(LAYERS):
        every, _ = lstm_layer(graph, value, weights, layer, both_ways=True)
        value = graph.reshape(graph.node("Transpose", every, perm=[0, 2, 1, 3]), 0, 0, -1)
    value = graph.node("Transpose", value, perm=[1, 0, 2])
    for name in ("linear.0", "linear.1"):
        value = graph.node("LeakyRelu", _product(graph, weights, value, name), alpha=_LEAK)
    value = graph.node("Softmax", _product(graph, weights, value, "classifier"), axis=-1)
    graph.output(value, "probabilities", _FLOAT, ["windows", "frames", CLASSES])
    graph.save(target)


def _front(graph: GraphBuilder, weights: Mapping[str, Floats], value: str) -> str:
    """Features of the audio, float32 (windows, 60, frames), from samples (windows, 1, n)."""
    value = _norm(graph, weights, value, "sincnet.wav_norm1d")
    filters = graph.constant(_filters(weights))
    value = graph.node("Abs", graph.node("Conv", value, filters, strides=[FILTER_STEP]))
    for layer in range(3):
        if layer:
            kernel, bias = (weights[f"sincnet.conv1d.{layer}.{part}"] for part in ("weight", "bias"))
            value = graph.node("Conv", value, graph.constant(kernel), graph.constant(bias))
        value = graph.node("MaxPool", value, kernel_shape=[POOLED], strides=[POOLED])
        value = _norm(graph, weights, value, f"sincnet.norm1d.{layer}")
        value = graph.node("LeakyRelu", value, alpha=_LEAK)
    return value


def _filters(weights: Mapping[str, Floats]) -> Floats:
    """Band-pass filters, float32 (80, 1, 251): the even ones, then the odd ones of the same bands."""
    low = _LOWEST_HZ + np.abs(weights[f"{_FILTERBANK}.low_hz_"].astype(np.float64))
    high = low + _NARROWEST_HZ + np.abs(weights[f"{_FILTERBANK}.band_hz_"])
    high = np.clip(high, _LOWEST_HZ, MODEL_RATE_HZ / 2)
    seconds = (np.arange(FILTER_SAMPLES) - FILTER_SAMPLES // 2) / MODEL_RATE_HZ
    envelope = np.hamming(FILTER_SAMPLES) * np.sinc((high - low) * seconds)
    turns = np.pi * (low + high) * seconds
    filters = np.concatenate([envelope * np.cos(turns), envelope * np.sin(turns)])
    return filters[:, None].astype(np.float32)


def _norm(graph: GraphBuilder, weights: Mapping[str, Floats], value: str, name: str) -> str:
    """Each feature of each window, to the mean and deviation that were learnt."""
    gain, bias = (graph.constant(weights[f"{name}.{part}"]) for part in ("weight", "bias"))
    return graph.node("InstanceNormalization", value, gain, bias, epsilon=EPSILON)


def _product(graph: GraphBuilder, weights: Mapping[str, Floats], value: str, name: str) -> str:
    product = graph.node("MatMul", value, graph.constant(weights[f"{name}.weight"].T))
    return graph.node("Add", product, graph.constant(weights[f"{name}.bias"]))


def shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the weights that the graph is written from."""
    for part in ("low_hz_", "band_hz_"):
        yield f"{_FILTERBANK}.{part}", (FILTERS // 2, 1)
    for layer, inputs in ((1, FILTERS), (2, NARROW)):
        yield f"sincnet.conv1d.{layer}.weight", (NARROW, inputs, CONVOLUTION)
        yield f"sincnet.conv1d.{layer}.bias", (NARROW,)
    for name, features in (
        ("wav_norm1d", 1),
        ("norm1d.0", FILTERS),
        ("norm1d.1", NARROW),
        ("norm1d.2", NARROW),
    ):
        for part in ("weight", "bias"):
            yield f"sincnet.{name}.{part}", (features,)
    yield from lstm_shapes(LAYERS, NARROW, WIDTH, both_ways=True)
    layers = (("linear.0", 2 * WIDTH, WIDTH), ("linear.1", WIDTH, WIDTH), ("classifier", WIDTH, CLASSES))
    for name, inputs, outputs in layers:
        yield f"{name}.weight", (outputs, inputs)
        yield f"{name}.bias", (outputs,)
