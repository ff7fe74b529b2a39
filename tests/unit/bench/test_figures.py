"""Every figure over traces made by hand, with the expected value worked out beside it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.bench_traces import RULE, THREE, clip, message, script, trace
from vivavoce.bench.figures import figures, hypothesis, is_held, percentile, reference, spread, word_errors
from vivavoce.bench.records import Clip, SilenceRule


class TestPercentiles:
    def test_between_values(self):
        assert percentile([4.0, 1.0, 2.0, 3.0], 50) == 2.5
        assert percentile([1.0, 2.0], 95) == pytest.approx(1.95)

    def test_one_value_and_none(self):
        assert percentile([7.0], 95) == 7.0
        assert spread([]) is None
        with pytest.raises(ValueError, match="no values"):
            percentile([], 50)

    @given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 100))
    def test_as_numpy(self, values, percent):
        assert percentile(values, percent) == pytest.approx(np.percentile(values, percent), abs=1e-6)


class TestWordErrors:
    def test_pooled(self):
        # 1 substitution of 3 words, 1 deletion of 2, 1 insertion to 1: 3 errors of 6 words.
        pairs = [("the black cat", "The block cat."), ("good day", "good"), ("yes", "yes, sir")]
        assert word_errors(pairs) == (3, 6)
        assert word_errors(pairs).percent == 50

    def test_both_sides_are_normalised(self):
        assert word_errors([("mister smith has twenty five", "Mr. Smith has 25.")]).errors == 0

    def test_empty_hypothesis_and_empty_reference(self):
        assert word_errors([("a b", "")]) == (2, 2)
        assert word_errors([("", "a b")]) == (2, 0)
        assert word_errors([("", "a b")]).percent is None
        assert word_errors([]) == (0, 0)

    def test_hypothesis_is_the_last_end_of_each_turn_without_unfinished_ones(self):
        received = trace(
            message(1.0, "hello there", ended=True),
            message(1.1, "Hello, there.", ended=True),
            message(2.0, "and", turn=1),
        )
        assert hypothesis(received) == "Hello, there."

    def test_reference_of_unknown_text_is_unknown(self):
        unknown = Clip("u", "command-keywords", Path("u"), None, 1.0, 16_000)
        assert reference(script(unknown)) is None
        assert reference(script(clip(""))) == ""
        assert reference(script(THREE, (clip("good day"), 4.2))) == "the black cat good day"


class TestFigures:
    def test_nothing(self):
        measured = figures([], RULE)
        assert measured.wer_percent is measured.upwr is measured.emission_s is None
        assert measured.sessions == measured.changed_finals == 0
        assert not is_held(measured)

    def test_a_set(self):
        good = trace(
            message(1.0, "the", finals=1), message(2.2, "The black cat.", ended=True, confidence=0.9)
        )
        noise = clip("", kind="non-speech", duration_s=36.0)
        invented = trace(message(3.0, "thank you"), message(4.0, "You", ended=True))
        unknown = Clip("u", "command-keywords", Path("u"), None, 2.0, 16_000)
        measured = figures(
            [
                (script(THREE), good),
                (script(noise), invented),
                (script(unknown), trace(message(2.0, "a latte", ended=True))),
                (script(THREE), trace(message(1.0, "nonsense", ended=True), error="lost")),
            ],
            SilenceRule(400, 400),
        )
        assert (measured.sessions, measured.dropped) == (4, 1)
        assert (measured.wer_percent, measured.wer_words) == (0, 3)
        # thank and you were taken back; positions: 3 + 2 + 2
        assert (measured.words_unstable, measured.words_first_shown) == (2, 7)
        assert measured.upwr == pytest.approx(2 / 7)
        # 36 s are a hundredth of an hour: two words shown, one stayed.
        assert measured.non_speech_words_per_hour == pytest.approx(200)
        assert measured.non_speech_final_words_per_hour == pytest.approx(100)
        assert measured.final_s.p50 == pytest.approx(0.6)
        assert measured.overhead_s.p50 == pytest.approx(0.2)
        assert measured.false_cuts_per_minute == 0
        assert not is_held(measured)  # one was dropped

    def test_streams_are_held(self):
        good = trace(message(1.0, "the"), message(2.2, "The black cat.", ended=True, confidence=0.9))
        assert is_held(figures([(script(THREE), good)], SilenceRule(400, 400)))

    def test_where_confidence_ended_turns_the_longest_silence_counts(self):
        for arrival_s, expected in ((3.0, True), (3.5, False)):
            one = trace(message(1.0, "the"), message(arrival_s, "The black cat.", ended=True, confidence=0.9))
            measured = figures([(script(THREE), one)], RULE)
            assert measured.overhead_s is None
            assert is_held(measured) is expected

    @pytest.mark.parametrize(
        "bad",
        [
            trace(message(2.6, "The black cat.", ended=True, confidence=0.9)),  # overhead 0.6 s
            trace(message(2.2, "The black cat.", ended=True, confidence=0.9), lag_s=1.0),
            trace(message(2.2, "The black cat.", ended=True, confidence=0.9), speed=2.0),  # says nothing
            trace(),
        ],
    )
    def test_streams_are_not_held(self, bad):
        assert not is_held(figures([(script(THREE), bad)], SilenceRule(400, 400)))

    def test_unfinished_utterances_are_counted(self):
        assert figures([(script(THREE), trace(message(1.0, "the")))], RULE).unfinished == 1
