"""Every stage of Moonshine streaming agrees with the reference, whose numbers for random weights are kept.

tests/reference/moonshine_streaming.py makes these numbers.
"""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.random_models import TINY, sound, write_model

from reference.moonshine_streaming import (
    CONFIGS,
    CROSS_EVERY,
    SCORES_EVERY,
    SPANS,
    STAGED_S,
    Reference,
    limit,
    span,
)
from support.streaming_models import staged, stages
from vivavoce.asr.models import Span
from vivavoce.asr.models.batches import recognise
from vivavoce.asr.models.guards import cut_loop
from vivavoce.asr.models.moonshine.decoder import Batch
from vivavoce.asr.models.moonshine_streaming import MoonshineStreamingRecogniser
from vivavoce.asr.models.moonshine_streaming.files import cached_graphs
from vivavoce.asr.models.tensor_files import ModelFolder

KEPT = Path(__file__).parents[4] / "data" / "moonshine_streaming.npz"
CLOSE = {"rtol": 0, "atol": 1e-4}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))


def our_stages(folder, recogniser, samples):
    graphs = cached_graphs(ModelFolder(folder), recogniser.config, quantised=False, word_heads=())
    session = staged(graphs / "encoder.onnx", folder / "staged.onnx")
    return stages(session, recogniser, samples)


def our_cross(recogniser, samples):
    """Return the decoder's keys and values, (states, frames, features), as the reference has them."""
    encoded = recogniser.encoder.encode(samples)
    cross = encoded.cross[:, :, : encoded.n_frames].swapaxes(1, 2)
    return cross.reshape(*cross.shape[:2], -1)


def our_scores(recogniser, samples, tokens):
    encoded = recogniser.encoder.encode(samples)
    batch = Batch.alone(encoded.cross, encoded.n_frames, np.arange(recogniser.config.vocabulary))
    return recogniser.decoder.prompt(batch, [tokens], in_blocks=False).watched


def without_loop(tokens):
    """Return the tokens at which our recogniser stops, which ends loops."""
    for n in range(1, len(tokens) + 1):
        loop = cut_loop(tokens[:n])
        if loop is not None:
            return tokens[:loop]
    return tokens


@pytest.mark.parametrize("name", CONFIGS)
def test_each_stage_is_that_of_the_reference(name, tmp_path, cache):
    kept = np.load(KEPT)
    config, seed = CONFIGS[name]
    folder = write_model(tmp_path / "model", config, seed)
    recogniser = MoonshineStreamingRecogniser(folder, quantised=False)
    samples = sound(STAGED_S)
    front, encoded = our_stages(folder, recogniser, samples)
    np.testing.assert_allclose(front, kept[f"{name}_front"], **CLOSE)
    np.testing.assert_allclose(encoded, kept[f"{name}_encoded"], **CLOSE)
    np.testing.assert_allclose(
        our_cross(recogniser, samples)[:, ::CROSS_EVERY], kept[f"{name}_cross"], **CLOSE
    )
    tokens = kept[f"{name}_staged_tokens"].tolist()
    scores = our_scores(recogniser, samples, tokens)[:, ::SCORES_EVERY]
    np.testing.assert_allclose(scores, kept[f"{name}_scores"], **CLOSE)

    ends = np.cumsum(kept[f"{name}_lengths"])
    tokens = [each.tolist() for each in np.split(kept[f"{name}_tokens"], ends)[:SPANS]]
    assert len(set(map(tuple, tokens))) > SPANS // 2  # they depend on the audio
    found = recognise(recogniser, [Span(span(number), exact=True) for number in range(SPANS)])
    assert [list(each.tokens) for each in found] == [without_loop(each) for each in tokens]


def test_the_released_sizes_against_the_reference_itself(tmp_path, cache):
    pytest.importorskip("torch")
    pytest.importorskip("transformers", "5.2")
    folder = write_model(tmp_path / "model", TINY)
    reference, recogniser = Reference(folder), MoonshineStreamingRecogniser(folder, quantised=False)
    samples = sound(3.21)
    front, encoded, cross = reference.stages(samples)
    ours = our_stages(folder, recogniser, samples)
    np.testing.assert_allclose(ours[0], front, **CLOSE)
    np.testing.assert_allclose(ours[1], encoded, **CLOSE)
    np.testing.assert_allclose(our_cross(recogniser, samples), cross, **CLOSE)
    tokens = reference.greedy(samples, limit(samples))
    scores = our_scores(recogniser, samples, tokens)
    np.testing.assert_allclose(scores, reference.scores(samples, tokens), **CLOSE)
    found = recognise(recogniser, [Span(span(number), exact=True) for number in range(SPANS)])
    for number, hypothesis in enumerate(found):
        tokens = reference.greedy(span(number), limit(span(number)))
        assert list(hypothesis.tokens) == without_loop(tokens)
