"""A final depends on its audio alone, and no frame is encoded more often than it must be."""

import numpy as np
import pytest
from benchmarks.random_models import changed, sound, tensors, write_model

from support.streaming_models import EVEN, UNEVEN
from vivavoce.asr.models import Span
from vivavoce.asr.models.batches import recognise
from vivavoce.asr.models.moonshine_streaming import MoonshineStreamingRecogniser
from vivavoce.asr.models.moonshine_streaming.encoder import BLOCK_FRAMES
from vivavoce.asr.models.terms import Strength
from vivavoce.errors import EngineError

RATE = 16_000


@pytest.fixture(scope="module", params=["even", "uneven", "float"])
def recogniser(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("streaming")
    config = UNEVEN if request.param == "uneven" else EVEN
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIVAVOCE_HOME", str(folder / "home"))
        return MoonshineStreamingRecogniser(
            write_model(folder / "model", config), quantised=request.param != "float"
        )


def one(recogniser, samples, **fields):
    (found,) = recognise(recogniser, [Span(samples, **fields)])
    return found


def passes(recogniser, samples, ends, **fields):
    """Recognise growing spans, each with the draft and the memory of the one before; yields all."""
    draft, memory = (), None
    for end in ends:
        found = one(recogniser, samples[:end], draft=draft, memory=memory, **fields)
        yield found
        draft, memory = found.tokens, found.memory


def ends(n_samples, seed):
    dice = np.random.default_rng(seed)
    return [*sorted(dice.integers(1, n_samples, 6).tolist()), n_samples]


def whole_cross(recogniser, samples, zeros=0):
    encoded = recogniser.encoder.encode(samples, zeros=zeros)
    return encoded.cross[:, :, : encoded.n_frames]


@pytest.mark.parametrize("seed", range(8))
def test_chunks_are_encoded_as_the_whole_to_the_last_bit(recogniser, seed):
    samples = sound(0.1 + 0.6 * seed, seed)
    heard = None
    for end in ends(len(samples), seed):
        encoded = recogniser.encoder.encode(samples[:end], 0, heard, zeros=seed % 2 * 3584)
        heard = encoded.heard
        cross = encoded.cross[:, :, : encoded.n_frames]
        np.testing.assert_array_equal(cross, whole_cross(recogniser, samples[:end], seed % 2 * 3584))


def test_quantised_frames_are_near_those_in_floats(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    folder, samples = write_model(tmp_path / "model", UNEVEN), sound(2.0)
    both = [MoonshineStreamingRecogniser(folder, quantised=quantised) for quantised in (False, True)]
    # The front end hardly differs, since its products have about 15 bits.
    fronts = [each.encoder.encode(samples).heard.front.state["steps"] for each in both]
    np.testing.assert_allclose(fronts[1], fronts[0], rtol=0, atol=1e-3)
    crosses = [whole_cross(each, samples) for each in both]
    assert np.abs(crosses[1] - crosses[0]).mean() < 0.02 * np.abs(crosses[0]).mean()


@pytest.mark.parametrize("seed", range(4))
def test_an_exact_hypothesis_does_not_depend_on_memory_draft_or_batch(recogniser, seed):
    samples = sound(1 + 0.9 * seed, seed)
    alone = one(recogniser, samples, exact=True, zeros=3584)
    assert alone.tokens
    *_, last = passes(recogniser, samples, ends(len(samples), seed))
    others = [Span(sound(length, 9), exact=True, zeros=3584) for length in (0.7, 2.2)]
    drafted = Span(samples, draft=last.tokens, memory=last.memory, exact=True, zeros=3584)
    wrong = Span(samples, draft=(5, 6, *alone.tokens[1:]), memory=last.memory, exact=True, zeros=3584)
    for found in recognise(recogniser, [others[0], drafted, others[1], wrong])[1::2]:
        assert found == alone
    for spans in ([others[0]], [others[1], others[0]]):
        assert recognise(recogniser, spans)[0] == one(recogniser, spans[0].samples, exact=True, zeros=3584)


def test_a_memory_may_be_used_again(recogniser):
    samples, other = sound(3.0), np.concatenate([sound(1.5), sound(1.5, 5)])
    first = one(recogniser, samples[:24_000])
    expected = [one(recogniser, each, exact=True) for each in (samples, other)]
    spans = [Span(each, memory=first.memory, exact=True) for each in (samples, other, samples)]
    assert recognise(recogniser, spans) == [*expected, expected[0]]
    assert one(recogniser, samples[:24_000], memory=first.memory, exact=True) == one(
        recogniser, samples[:24_000], exact=True
    )


def test_a_memory_of_another_place_is_ignored(recogniser):
    samples = sound(2.0)
    memory = one(recogniser, samples, start=0).memory
    assert one(recogniser, sound(2.0, 7), start=320, memory=memory) == one(recogniser, sound(2.0, 7))
    assert one(recogniser, sound(2.0, 7), memory="of another model") == one(recogniser, sound(2.0, 7))
    longer = one(recogniser, sound(0.4), memory=memory)
    assert longer == one(recogniser, sound(0.4))


def test_frames_are_encoded_a_bounded_number_of_times(recogniser, monkeypatch):
    runs = []
    run = recogniser.encoder.run_encoder

    def counted(frames, block, final, states, array):
        runs.append((final, frames.shape[1] - final))
        return run(frames, block, final, states, array)

    monkeypatch.setattr(recogniser.encoder, "run_encoder", counted)
    samples = sound(8.0)
    n_passes = sum(1 for _ in passes(recogniser, samples, range(5_120, len(samples) + 1, 5_120)))
    assert sum(final for final, _ in runs) == len(samples) // 5_120 * BLOCK_FRAMES
    assert sum(final == 0 for final, _ in runs) <= n_passes
    assert all(rest < BLOCK_FRAMES for _, rest in runs)
    assert sum(rest for _, rest in runs) <= (BLOCK_FRAMES - 1) * n_passes


def test_settled_tokens_are_not_decoded_again(recogniser):
    samples, prefix = sound(6.0), (300, 310, 320)
    given, memory = [], None
    prompt = recogniser.decoder.prompt

    def counted(batch, lines, *, in_blocks, past=None):
        given.append((len(lines[0]), 0 if past is None else past.shape[3]))
        return prompt(batch, lines, in_blocks=in_blocks, past=past)

    recogniser.decoder.prompt = counted
    try:
        for end in range(16_000, len(samples) + 1, 5_120):
            memory = one(recogniser, samples[:end], prefix=prefix, memory=memory, fresh_s=0.32).memory
        pasts = [past for _, past in given]
        assert pasts[:5] == [0] * 5  # 0.8 s of finished frames, and what is not finished
        assert pasts[-1] == len(prefix)
        exact = one(recogniser, samples, prefix=prefix, memory=memory, exact=True)
        assert given[-1][1] == 0
        assert exact == one(recogniser, samples, prefix=prefix, exact=True)
        given.clear()
        one(recogniser, samples, prefix=prefix, memory=memory, terms=("ab",))
        assert given[0][1] == 0  # other terms may change any token
    finally:
        recogniser.decoder.prompt = prompt


def test_a_shorter_span_keeps_no_tokens(recogniser):
    samples, prefix = sound(6.0), (300, 310, 320)
    memory = None
    for end in range(16_000, len(samples) + 1, 5_120):
        memory = one(recogniser, samples[:end], prefix=prefix, memory=memory, fresh_s=0.32).memory
    assert memory.written.kept is not None
    grown, _ = recogniser.begin(Span(samples, prefix, memory=memory))
    assert grown.kept is not None
    shorter = Span(samples[:16_000], prefix, memory=memory)
    assert recogniser.begin(shorter)[0].kept is None
    [found] = recognise(recogniser, [shorter])
    fresh = one(recogniser, samples[:16_000], prefix=prefix)
    assert found == fresh
    assert found.memory.written.seen == fresh.memory.written.seen


def test_prefix_and_limit_are_kept(recogniser):
    samples = sound(1.0)
    prefix = (40, 50, 60)
    found = one(recogniser, samples, prefix=prefix, exact=True)
    assert found.tokens[:3] == prefix
    assert len(found.tokens) <= 10
    assert sum(word.n_tokens for word in found.words) == len(found.tokens)
    assert all(0 <= word.start_s <= word.end_s <= 1.0 for word in found.words)


def test_the_shortest_span_and_silence(recogniser):
    for n in (0, 1, 79, 80, 81, 320):
        assert one(recogniser, np.zeros(n, np.float32), exact=True).memory is not None


def test_terms_are_favoured(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    folder = write_model(tmp_path / "model", UNEVEN)
    recogniser = MoonshineStreamingRecogniser(folder, strength=Strength(first=100, later=100))
    samples = sound(2.0)
    plain = one(recogniser, samples, exact=True)
    assert "ab" not in plain.text.lower()
    found = one(recogniser, samples, exact=True, terms=("ab", "cd"))
    assert "ab" in found.text.lower()
    assert found == one(recogniser, samples, exact=True, terms=("ab", "cd"), draft=plain.tokens)


def test_what_it_says_about_itself(recogniser):
    assert recogniser.name.startswith("moonshine-streaming-")
    assert recogniser.step_samples == 320
    assert recogniser.max_samples == 256 * 320


def test_a_span_beyond_the_last_position_still_has_words(recogniser):
    samples = sound(5.5)
    found = one(recogniser, samples, exact=True)
    assert found.memory.heard.blocks == 17


def test_a_failure_names_the_model(recogniser):
    with pytest.raises(EngineError, match=r"moonshine-streaming-.* failed"):
        one(recogniser, np.zeros((3, 3), np.float32))


def test_word_heads_may_be_chosen_and_embeddings_tied(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    weights = tensors(EVEN)
    del weights["proj_out.weight"]
    folder = write_model(tmp_path / "model", changed(EVEN, tie_word_embeddings=True), weights=weights)
    recogniser = MoonshineStreamingRecogniser(folder, word_heads=((1, 0), (0, 1)))
    found = one(recogniser, sound(1.5), prefix=(300, 310), exact=True)
    assert found.tokens
