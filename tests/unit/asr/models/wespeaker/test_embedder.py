"""Voice encoders in ONNX files: small ones with random weights, in the form of WeSpeaker's."""

import numpy as np
import pytest
from onnx import TensorProto

from vivavoce.asr.models.filter_banks import filter_banks
from vivavoce.asr.models.onnx.graph_writer import GraphBuilder
from vivavoce.asr.models.registry import load_embedder
from vivavoce.asr.models.wespeaker import WespeakerEmbedder
from vivavoce.errors import ModelError

WIDTH = 24
WEIGHTS = np.random.default_rng(1).normal(0, 1, (80, WIDTH)).astype(np.float32)


def write(path, batch="B", bands=80, *, pooled=True):
    """Mean over time of the rectified filter banks, times a matrix."""
    graph = GraphBuilder("voices")
    value = graph.node("Relu", graph.input("feats", TensorProto.FLOAT, [batch, "T", bands]))
    if pooled:
        value = graph.node("ReduceMean", value, graph.ints(1), keepdims=0)
    value = graph.node("MatMul", value, graph.constant(WEIGHTS[:bands]))
    graph.output(value, "embs", TensorProto.FLOAT, [batch, WIDTH] if pooled else [batch, "T", WIDTH])
    graph.save(path)
    return path


def voice(n=24_000, seed=0):
    return (np.random.default_rng(seed).normal(0, 0.1, n) * np.hanning(n)).astype(np.float32)


@pytest.fixture(params=["B", 1])
def embedder(request, tmp_path):
    """One that takes several voices in a run, or only one."""
    return load_embedder(str(write(tmp_path / "voices.onnx", request.param)))


def test_a_file_is_recognised_and_run(embedder):
    assert isinstance(embedder, WespeakerEmbedder)
    assert embedder.width == WIDTH
    bands = filter_banks(voice() * np.float32(32_768), "hamming")
    raw = np.maximum(0, bands).mean(axis=0) @ WEIGHTS
    np.testing.assert_allclose(embedder.embed([voice()])[0], raw / np.linalg.norm(raw), atol=1e-5)


def test_a_voice_is_the_same_beside_others(embedder):
    voices = [voice(n, seed) for seed, n in enumerate((24_000, 9_000, 24_000, 24_001, 100))]
    together = embedder.embed(voices)
    assert together.shape == (5, WIDTH)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed([each]) for each in voices])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("samples", [np.zeros(16_000, np.float32), np.zeros(0, np.float32)])
def test_what_is_no_speech_does_no_harm(embedder, samples):
    assert np.isfinite(embedder.embed([samples])).all()


def test_two_files_have_two_names(tmp_path):
    """An embedding that is kept must not be compared with those of another file."""
    names = {load_embedder(str(write(tmp_path / "voices.onnx", batch))).name for batch in ("B", "B", 1)}
    assert len(names) == 2
    assert all(name.startswith("wespeaker-") for name in names)


def test_no_voices(embedder):
    assert embedder.embed([]).shape == (0, WIDTH)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"bands": 40}, r"voices\.onnx is no voice encoder that takes filter banks: .*Got: 80 Expected: 40"),
        ({"batch": 16}, r"voices\.onnx is no voice encoder that takes filter banks: .*Got: 1 Expected: 16"),
        ({"pooled": False}, r"its output must be \(voices, width\), got \(1, 148, 24\)"),
    ],
)
def test_other_graphs_are_refused_in_one_line(tmp_path, form, message):
    with pytest.raises(ModelError, match=message) as raised:
        load_embedder(str(write(tmp_path / "voices.onnx", **form)))
    assert "\n" not in str(raised.value)


def test_a_file_is_needed(tmp_path):
    with pytest.raises(ModelError, match="no package carries a model of WeSpeaker: name its ONNX file"):
        load_embedder("wespeaker")
    (tmp_path / "voices.onnx").write_bytes(b"\x08 and no more")
    with pytest.raises(ModelError, match=r"voices\.onnx can't be loaded"):
        load_embedder(str(tmp_path / "voices.onnx"))
