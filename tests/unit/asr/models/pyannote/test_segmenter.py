"""pyannote's segmentation, with random weights, beside the network written out."""

import numpy as np
import pytest

from support.torch_files import write_torch_zip
from vivavoce.asr.models.pyannote import PyannoteSegmenter
from vivavoce.asr.models.pyannote.graph import shapes
from vivavoce.asr.models.registry import load_segmenter
from vivavoce.asr.speakers import SPEAKER_SETS
from vivavoce.errors import ModelError


def random_weights():
    rng = np.random.default_rng(1)
    weights = {}
    for name, shape in shapes():
        values = rng.normal(0, 1, shape)
        if name.endswith("hz_"):
            values = 2_000 * values  # of either sign, and beyond half the rate
        elif len(shape) > 1:
            values *= np.sqrt(2 / np.prod(shape[1:]))
        weights[name] = values.astype(np.float32)
    return weights


WEIGHTS = random_weights()


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pyannote")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIVAVOCE_HOME", str(folder))
        return PyannoteSegmenter(write_torch_zip(folder / "pytorch_model.bin", WEIGHTS, "state_dict"))


def sound(n, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, n).astype(np.float32)


def weight(name):
    return WEIGHTS[name].astype(np.float64)


def plain_filter(low_hz, high_hz, *, odd):
    """The difference of two low-pass filters, sample by sample."""
    values = []
    for sample in range(-125, 126):
        window = 0.54 + 0.46 * np.cos(2 * np.pi * sample / 250)
        angles = [2 * np.pi * hz * sample / 16_000 for hz in (low_hz, high_hz)]
        if sample == 0:
            values.append(0.0 if odd else 1.0)
        elif odd:
            values.append(window * (np.cos(angles[0]) - np.cos(angles[1])) / (angles[1] - angles[0]))
        else:
            values.append(window * (np.sin(angles[1]) - np.sin(angles[0])) / (angles[1] - angles[0]))
    return values


def plain_filters():
    edges = []
    for low, band in zip(
        weight("sincnet.conv1d.0.filterbank.low_hz_"),
        WEIGHTS["sincnet.conv1d.0.filterbank.band_hz_"],
        strict=True,
    ):
        low_hz = 50 + abs(float(low[0]))
        edges.append((low_hz, min(8_000.0, low_hz + 50 + abs(float(band[0])))))
    return np.array([plain_filter(*each, odd=odd) for odd in (False, True) for each in edges])[:, None]


def convolved(value, kernel, step=1):
    windows = np.lib.stride_tricks.sliding_window_view(value, kernel.shape[-1], axis=1)[:, ::step]
    return np.einsum("cfk,ock->of", windows, kernel, optimize=True)


def normed(value, name):
    value = (value - value.mean(axis=1, keepdims=True)) / np.sqrt(value.var(axis=1, keepdims=True) + 1e-5)
    return value * weight(f"{name}.weight")[:, None] + weight(f"{name}.bias")[:, None]


def leaky(value):
    return np.where(value > 0, value, 0.01 * value)


def one_way(frames, layer, way):
    matrices = [weight(f"lstm.weight_{kind}_l{layer}{way}") for kind in ("ih", "hh")]
    bias = weight(f"lstm.bias_ih_l{layer}{way}") + weight(f"lstm.bias_hh_l{layer}{way}")
    hidden, cell, every = np.zeros(128), np.zeros(128), []
    for frame in frames:
        into, forget, new, out = np.split(matrices[0] @ frame + matrices[1] @ hidden + bias, 4)
        into, forget, out = (1 / (1 + np.exp(-gate)) for gate in (into, forget, out))
        cell = forget * cell + into * np.tanh(new)
        hidden = out * np.tanh(cell)
        every.append(hidden)
    return np.array(every)


def plain(samples):
    """The network, in float64: probabilities (frames, 7)."""
    value = normed(samples.astype(np.float64)[None], "sincnet.wav_norm1d")
    value = np.abs(convolved(value, plain_filters(), 10))
    for layer in range(3):
        if layer:
            kernel, bias = (weight(f"sincnet.conv1d.{layer}.{part}") for part in ("weight", "bias"))
            value = convolved(value, kernel) + bias[:, None]
        value = value[:, : value.shape[1] // 3 * 3].reshape(len(value), -1, 3).max(axis=2)
        value = leaky(normed(value, f"sincnet.norm1d.{layer}"))
    value = value.T
    for layer in range(4):
        back = one_way(value[::-1], layer, "_reverse")[::-1]
        value = np.concatenate([one_way(value, layer, ""), back], axis=1)
    for name in ("linear.0", "linear.1"):
        value = leaky(value @ weight(f"{name}.weight").T + weight(f"{name}.bias"))
    scores = np.exp(value @ weight("classifier.weight").T + weight("classifier.bias"))
    return scores / scores.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n", [2_000, 9_007])
def test_it_is_the_reference(segmenter, n):
    (found,) = segmenter.probabilities([sound(n)])
    assert found.shape == ((n - 991) // 270 + 1, len(SPEAKER_SETS))
    np.testing.assert_allclose(found, plain(sound(n)), atol=2e-5)
    (classes,) = segmenter.classes([sound(n)])
    np.testing.assert_array_equal(classes, found.argmax(axis=1))


def test_audio_is_the_same_beside_other_audio(segmenter):
    audio = [sound(n, seed) for seed, n in enumerate((9_000, 700, 20_000, 9_000, 0))]
    together = segmenter.probabilities(audio)
    assert [len(each) for each in together] == [30, 0, 71, 30, 0]
    for each, samples in zip(together, audio, strict=True):
        np.testing.assert_allclose(each, segmenter.probabilities([samples])[0], atol=1e-6)


def test_ten_seconds_have_589_frames(segmenter):
    (classes,) = segmenter.classes([np.zeros(160_000, np.float32)])
    assert classes.shape == (589,)
    assert segmenter.step_samples * 588 + 2 * segmenter.offset_samples < 160_000


@pytest.mark.parametrize("samples", [np.zeros(16_000, np.float32), np.ones(991, np.float32)])
def test_what_is_no_speech_does_no_harm(segmenter, samples):
    assert np.isfinite(segmenter.probabilities([samples])[0]).all()


def test_no_audio(segmenter):
    assert segmenter.classes([]) == []


def test_other_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    path = write_torch_zip(
        tmp_path / "model.bin", WEIGHTS | {"classifier.bias": np.zeros(4, np.float32)}, "state_dict"
    )
    with pytest.raises(
        ModelError, match=r"no segmentation model: classifier\.bias must be \(7,\), got \(4,\)"
    ):
        load_segmenter(model=path)
    with pytest.raises(ModelError, match="the model family must be one of pyannote, got 'other'"):
        load_segmenter("other")
