"""The voice encoder, with random weights, beside a plain LSTM."""

import numpy as np
import pytest

from support.torch_files import write_torch_file
from vivavoce.asr.models.ge2e import Ge2eEmbedder
from vivavoce.asr.models.ge2e.embedder import _bands
from vivavoce.asr.models.ge2e.graph import _shapes
from vivavoce.asr.models.registry import load_embedder
from vivavoce.errors import ModelError

RNG = np.random.default_rng(1)
WEIGHTS = {name: RNG.normal(0, 0.15, shape).astype(np.float32) for name, shape in _shapes().items()}


@pytest.fixture(scope="module")
def embedder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ge2e")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIVAVOCE_HOME", str(folder))
        return Ge2eEmbedder(write_torch_file(folder / "pretrained.pt", WEIGHTS))


def voice(n=25_840, seed=0):
    return (np.random.default_rng(seed).normal(0, 0.1, n) * np.hanning(n)).astype(np.float32)


def plain_lstm(frames):
    """The same network, one frame after another; gates in torch's order."""

    def sigmoid(value):
        return 1 / (1 + np.exp(-value))

    for layer in range(3):
        matrices = [WEIGHTS[f"lstm.weight_{kind}_l{layer}"].astype(np.float64) for kind in ("ih", "hh")]
        bias = WEIGHTS[f"lstm.bias_ih_l{layer}"] + WEIGHTS[f"lstm.bias_hh_l{layer}"].astype(np.float64)
        hidden, cell, every = np.zeros(256), np.zeros(256), []
        for frame in frames:
            into, forget, new, out = np.split(matrices[0] @ frame + matrices[1] @ hidden + bias, 4)
            cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(new)
            hidden = sigmoid(out) * np.tanh(cell)
            every.append(hidden)
        frames = every
    raw = np.maximum(0, WEIGHTS["linear.weight"] @ hidden + WEIGHTS["linear.bias"])
    return raw / np.linalg.norm(raw)


@pytest.mark.parametrize("n", [8_000, 16_123, 25_840])
def test_it_is_the_reference(embedder, n):
    samples = voice(n)
    np.testing.assert_allclose(embedder.embed([samples])[0], plain_lstm(_bands(samples)), atol=2e-6)


def test_a_voice_is_the_same_beside_others(embedder):
    voices = [voice(n, seed) for seed, n in enumerate((25_840, 9_000, 16_000))]
    together = embedder.embed(voices)
    assert together.shape == (3, embedder.width)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed([each]) for each in voices])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_quiet_speech_is_as_loud_speech(embedder):
    quiet, quieter = embedder.embed([voice() * 0.01, voice() * 0.001])
    np.testing.assert_allclose(quiet, quieter, atol=1e-4)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(16_000, np.float32), np.full(16_000, 1e-30, np.float32), np.zeros(0, np.float32), voice(100)],
)
def test_what_is_no_speech_does_no_harm(embedder, samples):
    assert np.isfinite(embedder.embed([samples])).all()


def test_no_voices(embedder):
    assert embedder.embed([]).shape == (0, 256)


def test_other_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    path = write_torch_file(tmp_path / "pretrained.pt", WEIGHTS | {"linear.bias": np.zeros(9, np.float32)})
    with pytest.raises(ModelError, match=r"linear\.bias must be \(256,\), got \(9,\)"):
        load_embedder(model=path)
    with pytest.raises(ModelError, match="the voice encoder must be one of campplus, ge2e"):
        load_embedder("gmm")
