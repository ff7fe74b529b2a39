"""NeMo models by the library onnx-asr, with graphs that need no weights."""

import sys

import numpy as np
import pytest

from support.nemo_models import BLANK, FRAME_S, write_ctc, write_tdt
from vivavoce.asr.models import Span, load_recogniser, recognise, warm_up
from vivavoce.asr.models.onnx_asr.recogniser import OnnxAsrRecogniser
from vivavoce.errors import EngineError, ModelError

AUDIO = np.random.default_rng(1).normal(0, 0.1, 32_000).astype(np.float32)
HELLO, WOR, LD, STOP, FIVE = range(5)
CTC = [BLANK, HELLO, HELLO, BLANK, WOR, LD, STOP, BLANK]
TDT = [(BLANK, 1), (HELLO, 3), (BLANK, 1), (BLANK, 1), (WOR, 1), (LD, 2), (BLANK, 1), (STOP, 1)]


@pytest.fixture(params=["ctc", "tdt", "tdt int8"])
def folder(request, tmp_path):
    path = tmp_path / "parakeet"
    if request.param == "ctc":
        write_ctc(path, CTC)
    else:
        write_tdt(path, TDT, suffix=".int8" if "int8" in request.param else "")
    return path


def one(recogniser, samples=AUDIO, **fields):
    [hypothesis] = recognise(recogniser, [Span(samples, exact=True, **fields)])
    assert sum(word.n_tokens for word in hypothesis.words) == len(hypothesis.tokens)
    return hypothesis


def test_words_have_times_and_confidences(folder):
    hypothesis = one(OnnxAsrRecogniser(folder))
    assert hypothesis.text == "hello world."
    first, second = hypothesis.words
    assert first.start_s == pytest.approx(FRAME_S)
    assert second.start_s == pytest.approx(4 * FRAME_S)
    assert first.end_s == pytest.approx(3 * FRAME_S)
    assert all(0 < word.confidence <= 1 for word in hypothesis.words)
    assert 0 < hypothesis.last_probability <= 1


def test_it_is_a_family(folder):
    recogniser = load_recogniser("onnx-asr", folder, turn_model="none")
    assert recogniser.name == "parakeet"
    warm_up(recogniser)


def test_silence_has_no_words(tmp_path):
    write_ctc(tmp_path / "silent", [])
    assert one(OnnxAsrRecogniser(tmp_path / "silent")).words == ()


@pytest.mark.parametrize("n", [1, 200, 1_600])
def test_a_span_may_be_short(folder, n):
    found = one(OnnxAsrRecogniser(folder), np.zeros(n, np.float32))
    assert all(word.end_s <= n / 16_000 for word in found.words)


def test_several_spans_are_as_each_alone(folder):
    recogniser = OnnxAsrRecogniser(folder)
    spans = [Span(AUDIO[:n], exact=True) for n in (8_000, 32_000, 16_000)]
    together = recognise(recogniser, spans)
    assert together == [recognise(recogniser, [span])[0] for span in spans]


def test_it_continues_no_text(folder):
    with pytest.raises(EngineError, match="parakeet failed: it can't continue a text; use it for"):
        one(OnnxAsrRecogniser(folder), prefix=(1,))


@pytest.mark.parametrize("name", ["vocab.txt", "encoder-model.onnx", "decoder_joint-model.onnx"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_damaged_folder_is_one_error(tmp_path, name, damage):
    write_tdt(tmp_path, TDT)
    path = tmp_path / name
    content = path.read_bytes()
    path.unlink()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2] if name != "vocab.txt" else b"\xff\xfe")
    with pytest.raises(ModelError, match="can't be loaded") as found:
        OnnxAsrRecogniser(tmp_path)
    assert str(tmp_path) in str(found.value)


@pytest.mark.parametrize("config", [None, b"", b"[]", b"{}", b'{"model_type": 5}', b'{"model_type": "x/y"}'])
def test_a_folder_without_a_known_type_is_one_error(tmp_path, config):
    if config is not None:
        (tmp_path / "config.json").write_bytes(config)
    with pytest.raises(ModelError, match=r"must name the `model_type`|can't be loaded"):
        OnnxAsrRecogniser(tmp_path)


def test_without_the_library_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx_asr", None)
    with pytest.raises(ModelError, match=r"pip install \"vivavoce\[onnx-asr\]\""):
        OnnxAsrRecogniser(folder)
