"""The forced text that is served to count streams, and how late its words are."""

import numpy as np
import pytest
from benchmarks.random_models import sound, write_model
from benchmarks.streaming_held import ForcedText, spoken_s, word_latency

from support.streaming_models import EVEN
from vivavoce.asr.models import Span, recognise
from vivavoce.bench.records import ShownWord, Trace, TurnMessage


@pytest.fixture(scope="module")
def forced(tmp_path_factory):
    return ForcedText(write_model(tmp_path_factory.mktemp("models") / "even", EVEN))


def test_speech_ends_with_the_last_loud_sample():
    speech = np.concatenate([sound(1.0), np.zeros(8_000, np.float32)])
    assert 0.9 < spoken_s(speech) <= 1.0
    assert spoken_s(np.zeros(16_000, np.float32)) == 0
    assert spoken_s(np.zeros(0, np.float32)) == 0


def test_the_text_grows_with_the_speech(forced):
    samples = sound(4.0)
    memory, before = None, ()
    for end in (8_000, 24_000, 44_000, 64_000):
        is_exact = end == len(samples)
        [found] = recognise(
            forced, [Span(samples[:end], before[:2], before[2:], exact=is_exact, memory=memory)]
        )
        assert found.tokens[: len(before)] == before
        assert len(found.words) == len(found.tokens) == int(spoken_s(samples[:end]) * 3.3)
        times = [edge for word in found.words for edge in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert times[-1] <= end / 16_000
        memory, before = found.memory, found.tokens
    assert memory is not None


def test_silence_has_no_words(forced):
    [found] = recognise(forced, [Span(np.zeros(16_000, np.float32))])
    assert found.words == ()


def test_a_word_counts_when_it_is_first_shown():
    def message(arrival_s, turn, *ends_ms):
        words = tuple(ShownWord("w", end_ms - 100, end_ms) for end_ms in ends_ms)
        return TurnMessage(arrival_s, turn, words)

    trace = Trace((message(1.0, 0, 500), message(1.5, 0, 500, 1_400), message(3.0, 1, 2_000)))
    found = word_latency([trace, trace])
    assert (found.count, found.p50) == (6, pytest.approx(0.5))
    assert word_latency([Trace()]) is None
