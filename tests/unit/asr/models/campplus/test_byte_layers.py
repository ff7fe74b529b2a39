"""Layers of CAM++ in 8 bits, beside those in floats."""

import numpy as np
import pytest
from onnx import TensorProto

from vivavoce.asr.models.campplus.byte_layers import ByteLayers
from vivavoce.asr.models.campplus.float_layers import FloatLayers
from vivavoce.asr.models.campplus.weights import Weights, shapes
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder
from vivavoce.asr.models.onnx.runtime import open_model

NARROW, WIDE = "xvector.block2.tdnnd3", 320


def weights_of(seed=1):
    """Random weights, with gains of every sign and of 0."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes():
        values = rng.normal(0, 1, shape)
        if name.endswith("running_var"):
            values = 0.5 + np.abs(values)
        elif len(shape) > 1:
            values *= np.sqrt(2 / np.prod(shape[1:]))
        elif name.endswith("weight"):  # of a norm
            values = 1 + 0.5 * values
            values[::7] = 0
        found[name] = values.astype(np.float32)
    return found


def run(kind, weights, add, tmp_path, **inputs):
    """What layers of a kind return for some inputs."""
    graph = GraphBuilder("layers")
    names = [graph.input(name, TensorProto.FLOAT, [None] * value.ndim) for name, value in inputs.items()]
    found = add(kind(graph, Weights(weights, "test")), *names)
    graph.output(found, "found", TensorProto.FLOAT, None)
    graph.save(tmp_path / f"{kind.__name__}.onnx")
    return open_model(tmp_path / f"{kind.__name__}.onnx").run(None, inputs)[0]


def both(weights, add, tmp_path, **inputs):
    return [run(kind, weights, add, tmp_path, **inputs) for kind in (FloatLayers, ByteLayers)]


def error(exact, found):
    """Root mean square of the error, of that of the values."""
    assert found.shape == exact.shape
    return np.sqrt(np.mean((found - exact) ** 2) / np.mean((exact - exact.mean()) ** 2))


def values(weights, norm, frames=60, seed=0):
    """Features as the norm has seen them in training, (1, frames, features)."""
    mean, variance = (weights[f"{norm}.running_{part}"] for part in ("mean", "var"))
    rng = np.random.default_rng(seed)
    return (mean + np.sqrt(variance) * rng.normal(0, 1, (1, frames, len(mean)))).astype(np.float32)


def test_a_product_of_rectified_values(tmp_path):
    weights = weights_of()
    norm = "xvector.transit1.nonlinear.batchnorm"
    matrix = weights["xvector.transit1.linear.weight"][:, :, 0].T
    exact, found = both(
        weights,
        lambda layers, value: layers.rectified_product(value, norm, matrix, None),
        tmp_path,
        value=values(weights, norm),
    )
    assert 0 < error(exact, found) < 0.03
    assert np.abs((found - exact).mean(axis=(0, 1))).max() < 0.03 * exact.std()


@pytest.mark.parametrize("frames", [3, 60])
def test_a_layer_sees_its_neighbours(tmp_path, frames):
    weights = weights_of()
    value = values(weights, f"{NARROW}.nonlinear1.batchnorm", frames)

    def add(layers, value):
        return layers.of_three_frames(layers.narrow(value, NARROW)[1], NARROW, 2)

    settled = narrow_of(weights, add, tmp_path)
    exact, found = both(settled, add, tmp_path, value=value)
    assert 0 < error(exact, found) < 0.05


def narrow_of(weights, add, tmp_path):
    """Weights whose second norm knows what it gets."""
    norm = f"{NARROW}.nonlinear2.batchnorm"
    plain = weights | {
        f"{norm}.{part}": np.full(128, value, np.float32)
        for part, value in (("running_mean", 0), ("running_var", 1), ("weight", 1), ("bias", 0))
    }
    value = values(weights, f"{NARROW}.nonlinear1.batchnorm", 2_000)
    found = run(
        FloatLayers,
        plain,
        lambda layers, value: layers.rectified_product(
            value, f"{NARROW}.nonlinear1.batchnorm", plain[f"{NARROW}.linear1.weight"][:, :, 0].T, None
        ),
        tmp_path,
        value=value,
    )
    return weights | {
        f"{norm}.running_mean": found.mean(axis=(0, 1)),
        f"{norm}.running_var": found.var(axis=(0, 1)),
    }


def test_values_in_units_of_their_range(tmp_path):
    weights = weights_of()
    value = values(weights, f"{NARROW}.nonlinear1.batchnorm")

    def add(layers, value):
        graph = layers._graph
        return graph.node("Mul", layers.narrow(value, NARROW)[0], graph.constant(layers.narrow_top(NARROW)))

    assert error(*both(weights, add, tmp_path, value=value)) < 0.03


def front_weights(bands):
    """Weights whose norms of the front know what they get from some filter banks."""
    weights = weights_of()

    def norm(name, value):
        weights[f"{name}.running_mean"] = value.mean(axis=(1, 2)).astype(np.float32)
        weights[f"{name}.running_var"] = value.var(axis=(1, 2)).astype(np.float32)
        affine = Weights(weights, "test").norm(name)
        return value * affine.gain[:, None, None] + affine.shift[:, None, None]

    def convolved(name, value, step=1):
        kernel = weights[f"{name}.weight"]
        pad = kernel.shape[-1] // 2
        padded = np.pad(value, ((0, 0), (pad, pad), (pad, pad)))
        parts = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], axis=(1, 2))[:, ::step]
        return np.einsum("cftij,ocij->oft", parts, kernel, optimize=True)

    value = np.maximum(0, norm("head.bn1", convolved("head.conv1", bands.T[None])))
    for layer in ("head.layer1", "head.layer2"):
        for name, step in ((f"{layer}.0", 2), (f"{layer}.1", 1)):
            inner = np.maximum(0, norm(f"{name}.bn1", convolved(f"{name}.conv1", value, step)))
            inner = norm(f"{name}.bn2", convolved(f"{name}.conv2", inner))
            if step == 2:
                value = norm(f"{name}.shortcut.1", convolved(f"{name}.shortcut.0", value, step))
            value = np.maximum(0, inner + value)
    value = np.maximum(0, norm("head.bn2", convolved("head.conv2", value, 2))).reshape(320, -1)
    padded = np.pad(value, ((0, 0), (2, 2)))
    parts = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=1)[:, ::2]
    norm(
        "xvector.tdnn.nonlinear.batchnorm",
        np.einsum("cfk,ock->of", parts, weights["xvector.tdnn.linear.weight"])[:, None],
    )
    return weights


@pytest.mark.parametrize("frames", [10, 148])
def test_the_front(tmp_path, frames):
    bands = np.random.default_rng(2).normal(0, 3, (148, 80)).astype(np.float32)
    weights = front_weights(bands)
    part = bands[None, :frames]
    exact, found = both(weights, lambda layers, value: layers.front(value), tmp_path, value=part)
    assert 0 < error(exact, found) < 0.2
    assert np.abs((found - exact).mean(axis=(0, 1))).max() < 0.4 * exact.std()


def test_what_is_far_from_the_mean_is_cut_and_not_wrapped(tmp_path):
    weights = weights_of()
    norm = "xvector.transit1.nonlinear.batchnorm"
    matrix = np.eye(512, 4, dtype=np.float32)
    far = values(weights, norm) * 1_000
    exact, found = both(
        weights,
        lambda layers, value: layers.rectified_product(value, norm, matrix, None),
        tmp_path,
        value=far,
    )
    assert (found >= -1e-3).all()
    assert (found[exact > 100] > 1).all()
