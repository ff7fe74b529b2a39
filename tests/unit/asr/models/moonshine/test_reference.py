"""Every stage of a Moonshine checkpoint agrees with the reference, whose numbers for random weights are kept.

tests/reference/moonshine.py makes these numbers.
"""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.random_models import BASE, sound, write_model

from reference.moonshine import (
    CONFIGS,
    CROSS_EVERY,
    SCORES_EVERY,
    SPANS,
    STAGED_S,
    Reference,
    limit,
    span,
)
from support.moonshine_models import stages
from vivavoce.asr.models import Span
from vivavoce.asr.models.batches import recognise
from vivavoce.asr.models.guards import cut_loop
from vivavoce.asr.models.moonshine import MoonshineRecogniser
from vivavoce.asr.models.moonshine.config import MoonshineConfig
from vivavoce.asr.models.moonshine.decoder import Batch
from vivavoce.asr.models.moonshine.files import cached_checkpoint
from vivavoce.asr.models.tensor_files import ModelFolder

KEPT = Path(__file__).parents[4] / "data" / "moonshine.npz"
CLOSE = {"rtol": 0, "atol": 1e-4}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))


def our_stages(folder, samples):
    config = MoonshineConfig.load(folder / "config.json")
    graphs = cached_checkpoint(ModelFolder(folder), config, quantised=False)
    return stages(graphs, folder / "staged.onnx", config, samples)


def our_cross(recogniser, samples):
    """Return the decoder's keys and values, (states, frames, features), as the reference has them."""
    cross, _ = recogniser.runtime.encoder.encode(samples, exact=True)
    cross = cross.swapaxes(1, 2)
    return cross.reshape(*cross.shape[:2], -1)


def our_scores(recogniser, samples, tokens):
    cross, _ = recogniser.runtime.encoder.encode(samples, exact=True)
    batch = Batch.of([cross], np.arange(len(recogniser.vocabulary)))
    return recogniser.runtime.decoder.prompt(batch, [tokens], in_blocks=False).watched


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
    recogniser = MoonshineRecogniser(folder, quantised=False)
    samples = sound(STAGED_S)
    front, encoded = our_stages(folder, samples)
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
    pytest.importorskip("transformers", "4.48")
    folder = write_model(tmp_path / "model", BASE)
    reference, recogniser = Reference(folder), MoonshineRecogniser(folder, quantised=False)
    samples = sound(3.21)
    front, encoded, cross = reference.stages(samples)
    ours = our_stages(folder, samples)
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
