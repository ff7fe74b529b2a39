"""Whisper with real weights, where the packages that carry them are installed."""

import dataclasses
import difflib

import numpy as np
import pytest
import soxr

from support.sessions import Driver, plain
from support.whisper_models import NAMES, model_folder, needed_model
from vivavoce.asr.models import Span, load_detector, recognise
from vivavoce.asr.models.log_mel import log_mel
from vivavoce.bench.audio import load_pcm, to_model_rate
from vivavoce.bench.corpus import find_eval, read_manifest

BEGINNING = "it was the best of times it was the worst of times it was the age of wisdom"


@pytest.fixture(scope="module", params=NAMES)
def whisper(request):
    folder = needed_model(request.param)
    from vivavoce.asr.models.whisper.recogniser import WhisperRecogniser

    return WhisperRecogniser(folder)


@pytest.fixture(scope="module")
def samples(two_cities):
    recorded, rate = two_cities
    return soxr.resample(recorded[: 12 * rate], rate, 16_000).astype(np.float32)


def transcribe(whisper, samples, *, chunk=1_600, serve_every=1, **options):
    driver = Driver(
        recogniser=whisper, detector=load_detector(), cadence_ms=whisper.partial_cadence_ms, **options
    )
    return driver.stream(samples, chunk, serve_every=serve_every)


def test_the_words_of_a_session_are_right(whisper, samples):
    driver = transcribe(whisper, samples)
    assert plain(" ".join(driver.texts)).startswith(BEGINNING[:60])
    finals = [final.text for final in driver.finals]
    assert finals
    other = transcribe(whisper, samples, chunk=487, serve_every=20)
    assert [final.text for final in other.finals] == finals


def test_words_have_times_in_their_order(whisper, samples):
    [hypothesis] = recognise(whisper, [Span(samples, exact=True)])
    assert plain(hypothesis.text).startswith(BEGINNING)
    assert sum(word.n_tokens for word in hypothesis.words) == len(hypothesis.tokens)
    starts = [word.start_s for word in hypothesis.words]
    assert starts == sorted(starts)
    assert all(word.start_s <= word.end_s <= len(samples) / 16_000 for word in hypothesis.words)
    assert sum(word.confidence for word in hypothesis.words) > 0.6 * len(hypothesis.words)
    assert hypothesis.language == ("en" if whisper.runtime.is_multilingual else None)


def test_an_exact_span_depends_on_its_audio_and_prefix_only(whisper, samples):
    [whole] = recognise(whisper, [Span(samples[: 5 * 16_000], exact=True)])
    span = Span(samples[: 4 * 16_000], whole.tokens[:3], exact=True)
    others = [dataclasses.replace(span, draft=draft) for draft in ((), whole.tokens[3:], (1, 2, 3))]
    [alone] = recognise(whisper, [span])
    assert recognise(whisper, [*others, Span(samples)])[:3] == [alone] * 3
    assert alone.tokens[:3] == whole.tokens[:3]


def test_silence_and_noise_have_no_words_in_a_session(whisper):
    noise = np.random.default_rng(7).normal(0, 0.02, 16_000 * 10).astype(np.float32)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000 * 5) / 16_000).astype(np.float32)
    for audio in (np.zeros(16_000 * 10, np.float32), noise, tone):
        assert transcribe(whisper, audio).texts == []


@pytest.mark.eval
def test_music_and_noise_have_no_words_in_a_session(whisper):
    folder = find_eval()
    if folder is None:
        pytest.skip("needs the evaluation recordings: set VIVAVOCE_EVAL")
    clips = [clip for clip in read_manifest(folder) if clip.kind == "non-speech"]
    assert clips
    for clip in clips:
        assert transcribe(whisper, to_model_rate(load_pcm(clip), clip.sample_rate)).texts == []


@pytest.mark.parametrize("n", [0, 1, 200, 5_000])
def test_spans_of_any_length_are_recognised(whisper, n):
    [hypothesis] = recognise(whisper, [Span(np.zeros(n, np.float32))])
    assert len(hypothesis.tokens) < 20


def test_expected_terms_are_heard_and_do_no_harm(whisper, samples):
    [hypothesis] = recognise(whisper, [Span(samples, exact=True, terms=("Vivavoce", "Dickens"))])
    assert plain(hypothesis.text).startswith(BEGINNING[:60])


@pytest.mark.parametrize("prompt", ["A tale of two cities, by Charles Dickens.", "Hello. " * 250])
def test_a_prompt_is_not_written(whisper, samples, prompt):
    [hypothesis] = recognise(whisper, [Span(samples, exact=True, prompt=prompt)])
    assert plain(hypothesis.text).startswith(BEGINNING[:60])
    noise = np.random.default_rng(7).normal(0, 0.02, 16_000 * 5).astype(np.float32)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000 * 5) / 16_000).astype(np.float32)
    for audio in (np.zeros(16_000 * 5, np.float32), noise, tone):
        assert transcribe(whisper, audio, prompt=prompt).texts == []


def test_spans_with_other_prompts_change_nothing(whisper, samples):
    spans = [Span(samples[: 4 * 16_000], exact=True, prompt=prompt) for prompt in ("", "The times.", "Ada!")]
    alone = [recognise(whisper, [span])[0] for span in spans]
    assert recognise(whisper, spans) == alone


def test_english_is_not_translated(whisper, samples):
    span = Span(samples, exact=True)
    assert recognise(whisper, [dataclasses.replace(span, translates=True)]) == recognise(whisper, [span])


@pytest.mark.parametrize("n_tokens", [24, 32, 40])
def test_a_decoder_with_less_room_loses_no_words(whisper, samples, monkeypatch, n_tokens):
    from vivavoce.asr.models.whisper import pieces, runtime

    [whole] = recognise(whisper, [Span(samples, exact=True)])
    monkeypatch.setattr(runtime, "_MAX_LENGTH", 2 * n_tokens)
    monkeypatch.setattr(runtime, "MOST_TOKENS", n_tokens)
    monkeypatch.setattr(pieces, "_SHORTEST_S", 1.0)
    [hypothesis] = recognise(whisper, [Span(samples, exact=True)])
    expected, found = plain(whole.text).split(), plain(hypothesis.text).split()
    assert len(whole.tokens) > n_tokens
    matching = difflib.SequenceMatcher(None, expected, found, autojunk=False).get_matching_blocks()
    assert sum(block.size for block in matching) >= len(expected) - 4
    assert abs(len(found) - len(expected)) <= 4


def test_text_is_tokenised_as_by_hugging_face(whisper):
    tokenizers = pytest.importorskip("tokenizers", reason="needs tokenizers: pip install tokenizers")
    path = model_folder("base" if whisper.runtime.is_multilingual else "tiny.en") / "tokenizer.json"
    theirs = tokenizers.Tokenizer.from_file(str(path))
    for text in (
        " Quilter, Gr\u00f6\u00dfe 12!",
        "Caf\u00e9",
        " \u5ba2\u89b3\u7684",
        " \u0440\u043e\u0441\u0441\u0438\u044f",
        " foo-bar",
    ):
        assert (
            list(whisper.runtime.vocabulary.encode(text)) == theirs.encode(text, add_special_tokens=False).ids
        )


@pytest.mark.parametrize("n_bands", [80, 128])
def test_features_are_those_of_faster_whisper(samples, n_bands):
    reason = "needs faster-whisper: pip install faster-whisper"
    theirs = pytest.importorskip("faster_whisper.feature_extractor", reason=reason)
    expected = theirs.FeatureExtractor(feature_size=n_bands)(samples, padding=0)
    ours = log_mel(samples, n_bands)
    assert np.abs(ours - expected[:, : ours.shape[1]]).max() < 1e-3
