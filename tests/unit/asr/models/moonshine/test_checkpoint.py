"""A Moonshine checkpoint is recognised as the packaged model is: a final depends on its audio alone."""

import numpy as np
import pytest
from benchmarks.random_models import sound, write_model

from support.moonshine_models import ODD, PLAIN
from vivavoce.asr.models import Span
from vivavoce.asr.models.batches import recognise
from vivavoce.asr.models.moonshine import MoonshineRecogniser
from vivavoce.asr.models.moonshine.texts import token_limit
from vivavoce.asr.models.terms import Strength
from vivavoce.errors import EngineError

ZEROS = 3_584
MODELS = {"plain": (PLAIN, 3), "odd": (ODD, 2)}
"""Configurations, and seeds with which the texts are not one loop."""


@pytest.fixture(scope="module", params=MODELS)
def recogniser(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("moonshine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIVAVOCE_HOME", str(folder / "home"))
        return MoonshineRecogniser(write_model(folder / "model", *MODELS[request.param]))


def one(recogniser, samples, **fields):
    (found,) = recognise(recogniser, [Span(samples, **fields)])
    return found


def passes(recogniser, samples, ends):
    """Recognise growing spans, each with the draft and the memory of the one before; returns the last."""
    draft, memory = (), None
    for end in ends:
        found = one(recogniser, samples[:end], draft=draft, memory=memory)
        draft, memory = found.tokens, found.memory
    return found


@pytest.mark.parametrize("seed", range(4))
def test_an_exact_hypothesis_does_not_depend_on_memory_draft_or_batch(recogniser, seed):
    samples = sound(1 + 0.9 * seed, seed)
    alone = one(recogniser, samples, exact=True, zeros=ZEROS)
    assert alone.tokens
    dice = np.random.default_rng(seed)
    last = passes(recogniser, samples, [*sorted(dice.integers(1, len(samples), 6).tolist()), len(samples)])
    others = [Span(sound(length, 9), exact=True, zeros=ZEROS) for length in (0.7, 2.2)]
    drafted = Span(samples, draft=last.tokens, memory=last.memory, exact=True, zeros=ZEROS)
    wrong = Span(samples, draft=(5, 6, *alone.tokens[1:]), memory=last.memory, exact=True, zeros=ZEROS)
    for found in recognise(recogniser, [others[0], drafted, others[1], wrong])[1::2]:
        assert found == alone
    for spans in ([others[0]], [others[1], others[0]]):
        assert recognise(recogniser, spans)[0] == one(recogniser, spans[0].samples, exact=True, zeros=ZEROS)


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_the_front_end_are_reused_to_the_last_bit(recogniser, seed):
    encoder, samples = recogniser.runtime.encoder, sound(3.0, seed)
    _, memory = encoder.encode(samples[: 16_000 + 500 * seed])
    start = 384 * seed
    _, grown = encoder.encode(samples[start:], start, memory)
    _, fresh = encoder.encode(samples[start:], start)
    np.testing.assert_array_equal(grown.front.rows, fresh.front.rows)
    np.testing.assert_array_equal(grown.front.norm, fresh.front.norm)


@pytest.mark.parametrize("n", [0, 100, 600, 894])
def test_what_was_padded_is_not_reused(recogniser, n):
    samples = sound(1.0)
    memory = one(recogniser, samples[:n]).memory
    assert one(recogniser, samples, memory=memory, exact=True) == one(recogniser, samples, exact=True)


def test_a_partial_pass_keeps_the_states_of_old_frames(recogniser):
    encoder, samples = recogniser.runtime.encoder, sound(4.0)
    first, memory = encoder.encode(samples[:48_000])
    grown, later = encoder.encode(samples[:53_120], 0, memory)
    assert (memory.past.reuses, later.past.reuses) == (0, 1)
    whole, _ = encoder.encode(samples[:53_120], exact=True)
    kept = first.shape[2] - 33
    assert grown.shape == whole.shape
    np.testing.assert_array_equal(grown[:, :, :kept], first[:, :, :kept])


def test_quantised_frames_are_near_those_in_floats(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    folder, samples = write_model(tmp_path / "model", ODD), sound(2.0)
    floats, quantised = (
        MoonshineRecogniser(folder, quantised=each).runtime.encoder for each in (False, True)
    )
    (ours, encoded), (theirs, in_floats) = (each.encode(samples, exact=True) for each in (quantised, floats))
    # The convolutions hardly differ, since their products have about 15 bits.
    scale = np.abs(in_floats.front.rows).max()
    np.testing.assert_allclose(encoded.front.rows, in_floats.front.rows, rtol=0, atol=1e-3 * scale)
    assert np.abs(ours - theirs).mean() < 0.03 * np.abs(theirs).mean()


def test_words_have_times_and_the_prefix_is_kept(recogniser):
    prefix = (300, 310, 320)
    found = one(recogniser, sound(1.0), prefix=prefix, exact=True)
    assert found.tokens[:3] == prefix
    assert len(found.tokens) <= 10
    assert sum(word.n_tokens for word in found.words) == len(found.tokens)
    assert all(0 <= word.start_s <= word.end_s <= 1.01 for word in found.words)


def test_other_languages_may_have_more_tokens(recogniser):
    samples = sound(1.0)
    english = one(recogniser, samples, exact=True, language="en")
    assert english == one(recogniser, samples, exact=True)
    assert len(english.tokens) == 10
    assert len(one(recogniser, samples, exact=True, language="ja").tokens) == 17


def test_no_text_is_longer_than_the_decoder_has_positions_for(recogniser):
    text = tuple(300 + 7 * index % 101 for index in range(1_000))
    samples = sound(80.0)
    assert len(one(recogniser, samples, draft=text, exact=True, language="ja").tokens) <= 960
    assert token_limit(Span(samples, language="ja")) == 960


def test_the_shortest_span_and_silence(recogniser):
    for n in (0, 1, 894, 895, 896, 1279, 1280):
        assert one(recogniser, np.zeros(n, np.float32), exact=True).memory is not None


def test_its_own_end_of_a_text_is_obeyed(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    samples = sound(1.5)
    config, seed = MODELS["plain"]
    usual = MoonshineRecogniser(write_model(tmp_path / "usual", config, seed))
    tokens = one(usual, samples, exact=True).tokens
    place = next(at for at in range(1, len(tokens)) if tokens[at] not in tokens[:at])
    other = write_model(tmp_path / "other", config | {"eos_token_id": tokens[place]}, seed)
    assert one(MoonshineRecogniser(other), samples, exact=True).tokens == tokens[:place]


def test_terms_are_favoured(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    folder = write_model(tmp_path / "model", *MODELS["odd"])
    recogniser = MoonshineRecogniser(folder, strength=Strength(first=100, later=100))
    samples = sound(2.0)
    plain = one(recogniser, samples, exact=True)
    assert "ab" not in plain.text.lower()
    found = one(recogniser, samples, exact=True, terms=("ab", "cd"))
    assert "ab" in found.text.lower()
    assert found == one(recogniser, samples, exact=True, terms=("ab", "cd"), draft=plain.tokens)


def test_graphs_are_written_once(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    folder = write_model(tmp_path / "model", PLAIN)
    first = MoonshineRecogniser(folder)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "home").rglob("*.onnx")}
    assert len(written) == 3
    second = MoonshineRecogniser(folder)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "home").rglob("*.onnx")} == written
    assert one(first, sound(1.0), exact=True) == one(second, sound(1.0), exact=True)


def test_what_it_says_about_itself(recogniser):
    assert recogniser.name in {"moonshine-32", "moonshine-40"}
    assert recogniser.step_samples == 384


def test_a_failure_names_the_model(recogniser):
    with pytest.raises(EngineError, match=r"moonshine-(32|40) failed"):
        one(recogniser, np.zeros((3, 3), np.float32))
