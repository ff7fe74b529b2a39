"""Latencies, word times and false cuts over traces made by hand, with the expected value beside each."""

from pathlib import Path

import pytest

from support.bench_traces import RULE, THREE, clip, message, script, trace
from vivavoce.bench.records import Clip, Placed, RefWord, Script, ShownWord, SilenceRule, Trace, TurnMessage
from vivavoce.bench.timing import emissions, sentence_ends, timings, typical_final_s


class TestEmission:
    def test_latency_is_after_the_spoken_end(self):
        received = trace(
            message(1.0, "the"), message(1.5, "the black"), message(2.2, "The black cat.", ended=True)
        )
        # the: 1.0 - 0.7, black: 1.5 - 1.1, cat: 2.2 - 1.6
        assert timings(script(THREE), received, RULE).emission_s == pytest.approx((0.3, 0.4, 0.6))

    def test_wrong_words_give_none(self):
        received = trace(message(1.0, "the"), message(2.2, "The block cat.", ended=True))
        assert timings(script(THREE), received, RULE).emission_s == pytest.approx((0.3, 0.6))

    def test_a_missed_word_does_not_shift_the_times(self):
        received = trace(message(2.2, "The cat.", ended=True))
        assert timings(script(THREE), received, RULE).emission_s == pytest.approx((1.5, 0.6))

    def test_no_times_no_figures(self):
        received = trace(message(2.2, "The black cat.", ended=True, starts=(1, 2, 3)))
        measured = timings(script(clip("the black cat")), received, RULE)
        assert measured.emission_s == measured.final_s == measured.word_start_error_s == ()
        assert measured.timed_s == 0


class TestEnds:
    def test_first_word(self):
        received = trace(message(0.1, ""), message(1.0, "uh"), message(2.2, "The black cat.", ended=True))
        # Any word on the screen counts as the first, right or wrong: 1.0 - 0.5.
        assert timings(script(THREE), received, RULE).first_word_s == pytest.approx((0.5,))

    @pytest.mark.parametrize("confidence", [0.39, None])
    def test_final_and_overhead(self, confidence):
        received = trace(message(3.0, "The black cat.", ended=True, confidence=confidence))
        measured = timings(script(THREE), received, RULE)
        assert measured.final_s == pytest.approx((1.4,))
        assert measured.overhead_s == pytest.approx((1.4 - 1.28,))

    def test_the_silence_in_force_is_unknown_where_confidence_ended_the_turn(self):
        received = trace(message(3.0, "The black cat.", ended=True, confidence=0.4))
        assert timings(script(THREE), received, RULE).overhead_s == ()
        one_silence = timings(script(THREE), received, SilenceRule(700, 700))
        assert one_silence.overhead_s == pytest.approx((1.4 - 0.7,))

    def test_a_missed_last_word_was_spoken_all_the_same(self):
        received = trace(message(2.0, "The black", ended=True))
        assert timings(script(THREE), received, RULE).final_s == pytest.approx((0.4,))

    def test_the_first_end_counts(self):
        received = trace(
            message(2.0, "the black cat", ended=True), message(2.5, "The black cat.", ended=True)
        )
        assert timings(script(THREE), received, RULE).final_s == pytest.approx((0.4,))

    def test_after_terminate(self):
        received = trace(message(5.0, "The black cat.", ended=True), terminated_s=4.5)
        assert timings(script(THREE), received, RULE).after_terminate == 1

    def test_word_start_error(self):
        received = trace(message(2.2, "The block cat.", ended=True, starts=(450, 0, 1200)))
        # the: |0.45 - 0.5|, cat: |1.2 - 1.1|
        assert timings(script(THREE), received, RULE).word_start_error_s == pytest.approx((0.05, 0.1))

    def test_two_recordings_in_a_session(self):
        other = clip("good day", (0.2, 0.4), (0.4, 0.8), name="b")
        received = trace(
            message(1.0, "the"),
            message(2.0, "The black cat.", ended=True),
            message(4.9, "good", turn=1),
            message(5.5, "Good day.", turn=1, ended=True, starts=(4400, 4600)),
        )
        measured = timings(script(THREE, (other, 4.2)), received, RULE)
        # The second begins at 4.2: good 4.4-4.6, day 4.6-5.0.
        assert measured.first_word_s == pytest.approx((0.5, 0.5))
        assert measured.final_s == pytest.approx((0.4, 0.5))
        assert measured.emission_s == pytest.approx((0.3, 0.9, 0.4, 0.3, 0.5))
        assert measured.word_start_error_s == pytest.approx((0.0, 0.0))

    def test_an_utterance_over_two_recordings_has_one_first_word(self):
        other = clip("good day", (0.2, 0.4), (0.4, 0.8), name="b")
        received = trace(message(1.0, "the"), message(5.5, "The black cat, good day.", ended=True))
        measured = timings(script(THREE, (other, 4.2)), received, RULE)
        assert measured.first_word_s == pytest.approx((0.5,))
        assert measured.final_s == pytest.approx((0.5,))


class TestFalseCuts:
    WORDS = ((0.0, 0.5), (0.5, 1.0), (1.6, 2.0), (2.0, 2.5))  # pauses: 0, 0.6, 0

    def cuts(self, *ends, rule=RULE, text_written=None, times=WORDS):
        said = clip("one day he left", *times, duration_s=3.0, text_written=text_written)
        received = [message(3.0 + i, text, turn=i, ended=True) for i, text in enumerate(ends)]
        return timings(script(said), trace(*received), rule).false_cuts

    def test_one_utterance(self):
        assert self.cuts("one day he left") == 0

    def test_cut_in_a_short_pause(self):
        assert self.cuts("one day", "he left") == 1
        assert self.cuts("one", "day", "he left") == 2

    def test_cut_in_a_long_pause(self):
        assert self.cuts("one day", "he left", rule=SilenceRule(400, 600)) == 0

    def test_a_missed_word_leaves_the_place_open(self):
        # "day" is in neither: the cut may have fallen into the long pause.
        assert self.cuts("one", "he left", rule=SilenceRule(400, 600)) == 0

    def test_between_sentences(self):
        assert self.cuts("one day", "he left", text_written="One day. He left!") == 0
        assert self.cuts("one", "day he left", text_written="One day. He left!") == 1

    def test_between_recordings(self):
        other = clip("good day", (0.2, 0.4), (0.4, 0.8), name="b")
        received = trace(
            message(2.0, "the black cat", ended=True), message(5.5, "good day", turn=1, ended=True)
        )
        assert timings(script(THREE, (other, 3.1)), received, RULE).false_cuts == 0

    def test_sentence_ends_survive_figures(self):
        said = clip("press five now wait", *self.WORDS, text_written='Press 5 now. "Wait!"')
        assert sentence_ends(said) == {2, 3}


def test_emissions_know_when_the_word_was_spoken():
    words = (RefWord("the", 0.5, 0.7), RefWord("cat", 0.7, 1.1))
    clip = Clip("a", "read", Path("a"), "the cat", 2.0, 16_000, words)
    script = Script((Placed(clip, 10.0),), 16_000, 12.0)
    final = (ShownWord("The", is_final=True), ShownWord("cat.", is_final=True))
    trace = Trace(
        (
            TurnMessage(11.0, 0, (ShownWord("the"),)),
            TurnMessage(12.0, 0, final, ended=True),
        )
    )
    found = emissions(script, trace)
    assert [at for at, _ in found] == pytest.approx([10.7, 11.1])
    assert [latency for _, latency in found] == pytest.approx([0.3, 0.9])
    assert typical_final_s([(script, trace), (script, Trace())]) == pytest.approx(0.9)
    assert typical_final_s([]) is None
