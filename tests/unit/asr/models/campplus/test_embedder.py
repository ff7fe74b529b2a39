"""CAM++, with random weights, beside the network written out."""

import numpy as np
import pytest

from support.torch_files import write_torch_zip
from vivavoce.asr.models.campplus import CampplusEmbedder
from vivavoce.asr.models.campplus.embedder import _bands
from vivavoce.asr.models.campplus.graph import build_encoder
from vivavoce.asr.models.campplus.weights import shapes
from vivavoce.asr.models.onnx.runtime import open_model
from vivavoce.asr.models.registry import load_embedder
from vivavoce.errors import ModelError


def random_weights():
    """Weights of every sign, and gains that are 0, as a trained network rarely has them."""
    rng = np.random.default_rng(1)
    weights = {}
    for name, shape in shapes():
        values = rng.normal(0, 1, shape)
        if name.endswith("running_var"):
            values = 0.5 + np.abs(values)
        elif len(shape) > 1:
            values *= np.sqrt(2 / np.prod(shape[1:]))
        elif name.endswith("norm.weight"):
            values = 1 + 0.5 * values
            values[::7] = 0
        else:
            values *= 0.3
        weights[name] = values.astype(np.float32)
    return weights


WEIGHTS = random_weights()


@pytest.fixture(scope="module")
def in_floats(tmp_path_factory):
    """The network without 8 bits: what returns embeddings of filter banks."""
    folder = tmp_path_factory.mktemp("floats")
    source = write_torch_zip(folder / "voices.pt", WEIGHTS)
    build_encoder(source, folder / "voices.onnx", in_floats=True)
    session = open_model(folder / "voices.onnx")
    return lambda bands: session.run(None, {"bands": bands})[0]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campplus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIVAVOCE_HOME", str(folder))
        return CampplusEmbedder(write_torch_zip(folder / "voices.pt", WEIGHTS))


def voice(n=24_000, seed=0):
    return (np.random.default_rng(seed).normal(0, 0.1, n) * np.hanning(n)).astype(np.float32)


class Plain:
    """The network as the paper draws it, in float64; features are the first axis, frames the last."""

    def __init__(self, weights):
        self.weights = weights

    def weight(self, name):
        return self.weights[name].astype(np.float64)

    def norm(self, name, value):
        mean, var = self.weight(f"{name}.running_mean"), self.weight(f"{name}.running_var")
        axes = (slice(None), *[None] * (value.ndim - 1))
        found = (value - mean[axes]) / np.sqrt(var + 1e-5)[axes]
        if f"{name}.weight" in self.weights:
            found = found * self.weight(f"{name}.weight")[axes] + self.weight(f"{name}.bias")[axes]
        return found

    def over_both(self, name, value, step=1):
        """A convolution over frequency and time."""
        kernel = self.weight(f"{name}.weight")
        pad = kernel.shape[-1] // 2
        value = np.pad(value, ((0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(value, kernel.shape[2:], axis=(1, 2))
        return np.einsum("cftij,ocij->oft", windows[:, ::step], kernel, optimize=True)

    def over_time(self, name, value, step=1, distance=1):
        kernel = self.weight(f"{name}.weight")
        reach = (kernel.shape[-1] - 1) * distance
        value = np.pad(value, ((0, 0), (reach // 2, reach // 2)))
        windows = np.lib.stride_tricks.sliding_window_view(value, reach + 1, axis=1)[:, ::step, ::distance]
        found = np.einsum("cfk,ock->of", windows, kernel, optimize=True)
        return found + self.weight(f"{name}.bias")[:, None] if f"{name}.bias" in self.weights else found

    def front(self, bands):
        value = np.maximum(0, self.norm("head.bn1", self.over_both("head.conv1", bands.T[None])))
        for layer in ("head.layer1", "head.layer2"):
            for name, step in ((f"{layer}.0", 2), (f"{layer}.1", 1)):
                inner = np.maximum(0, self.norm(f"{name}.bn1", self.over_both(f"{name}.conv1", value, step)))
                inner = self.norm(f"{name}.bn2", self.over_both(f"{name}.conv2", inner))
                if step == 2:
                    value = self.norm(f"{name}.shortcut.1", self.over_both(f"{name}.shortcut.0", value, step))
                value = np.maximum(0, inner + value)
        value = np.maximum(0, self.norm("head.bn2", self.over_both("head.conv2", value, 2)))
        return value.reshape(320, -1)

    def layer(self, name, value, distance):
        narrow = np.maximum(0, self.norm(f"{name}.nonlinear1.batchnorm", value))
        narrow = self.over_time(f"{name}.linear1", narrow)
        narrow = np.maximum(0, self.norm(f"{name}.nonlinear2.batchnorm", narrow))
        around = np.empty_like(narrow)
        for at in range(0, narrow.shape[1], 100):
            part = slice(at, at + 100)
            around[:, part] = (narrow[:, part].mean(axis=1) + narrow.mean(axis=1))[:, None]
        hidden = np.maximum(0, self.over_time(f"{name}.cam_layer.linear1", around))
        mask = 1 / (1 + np.exp(-self.over_time(f"{name}.cam_layer.linear2", hidden)))
        return mask * self.over_time(f"{name}.cam_layer.linear_local", narrow, distance=distance)

    def embed(self, bands):
        value = self.over_time("xvector.tdnn.linear", self.front(bands), step=2)
        value = np.maximum(0, self.norm("xvector.tdnn.nonlinear.batchnorm", value))
        for block, layers, distance in ((1, 12, 1), (2, 24, 2), (3, 16, 2)):
            for layer in range(1, layers + 1):
                name = f"xvector.block{block}.tdnnd{layer}"
                value = np.concatenate([value, self.layer(name, value, distance)])
            name = f"xvector.transit{block}"
            value = np.maximum(0, self.norm(f"{name}.nonlinear.batchnorm", value))
            value = self.over_time(f"{name}.linear", value)
        value = np.maximum(0, self.norm("xvector.out_nonlinear.batchnorm", value))
        value = np.concatenate([value.mean(axis=1), value.std(axis=1, ddof=1)])[:, None]
        raw = self.norm("xvector.dense.nonlinear.batchnorm", self.over_time("xvector.dense.linear", value))
        return raw[:, 0] / np.linalg.norm(raw)


LENGTHS = [2_000, 8_123, 24_000, 40_000]  # the last has more frames than a segment


@pytest.mark.parametrize("n", LENGTHS)
def test_in_floats_it_is_the_reference(in_floats, n):
    bands = _bands(voice(n))
    found = in_floats(bands[None])[0]
    np.testing.assert_allclose(found, Plain(WEIGHTS).embed(bands.astype(np.float64)), atol=1e-5)


def test_a_voice_is_the_same_beside_others(embedder):
    voices = [voice(n, seed) for seed, n in enumerate((24_000, 9_000, 24_000, 16_000, 9_001))]
    together = embedder.embed(voices)
    assert together.shape == (5, embedder.width)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed([each]) for each in voices])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("samples", [np.zeros(16_000, np.float32), np.zeros(0, np.float32), voice(100)])
def test_what_is_no_speech_does_no_harm(embedder, samples):
    assert np.isfinite(embedder.embed([samples])).all()


def test_no_voices(embedder):
    assert embedder.embed([]).shape == (0, 192)


def test_other_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    wrong = WEIGHTS | {"xvector.transit1.linear.weight": np.zeros((9, 2), np.float32)}
    path = write_torch_zip(tmp_path / "voices.pt", wrong)
    with pytest.raises(ModelError, match=r"transit1\.linear\.weight must be \(256, 512, 1\), got \(9, 2\)"):
        load_embedder("campplus", path)
    write_torch_zip(path, {"linear.weight": np.zeros(3, np.float32)})
    with pytest.raises(ModelError, match=r"head\.conv1\.weight must be \(32, 1, 3, 3\), got nothing"):
        load_embedder("campplus", path)
