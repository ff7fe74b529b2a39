"""Every figure over traces made by hand, with the expected value worked out beside it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.bench.align import align, normalise, tokens
from vivavoce.bench.figures import figures, hypothesis, is_held, percentile, reference, spread, word_errors
from vivavoce.bench.records import Clip, Placed, RefWord, Script, ShownWord, SilenceRule, Trace, TurnMessage
from vivavoce.bench.timing import sentence_ends, timings
from vivavoce.bench.turns import Changes, Flicker, changed_finals, flicker, stable_since, utterances

RULE = SilenceRule(min_ms=400, max_ms=1280, threshold=0.4)


def clip(text, *times, kind="read", duration_s=3.0, text_written=None, name="a"):
    words = tuple(
        RefWord(word, start, end) for word, (start, end) in zip(text.split(), times, strict=bool(times))
    )
    return Clip(name, kind, Path("a.flac"), text, duration_s, 16_000, words if times else (), text_written)


def script(*placed):
    pairs = [item if isinstance(item, tuple) else (item, 0.0) for item in placed]
    end_s = max(at + one.duration_s for one, at in pairs)
    return Script(tuple(Placed(one, at) for one, at in pairs), 16_000, end_s)


def message(arrival_s, text, *, turn=0, ended=False, confidence=None, finals=0, starts=()):
    words = [
        ShownWord(word, starts[i] if starts else None, None, ended or i < finals)
        for i, word in enumerate(text.split())
    ]
    return TurnMessage(arrival_s, turn, tuple(words), ended, confidence)


def trace(*messages, **fields):
    return Trace(messages=messages, sent_s=4.5, **fields)


def only(*messages):
    (found,) = utterances(trace(*messages))
    return found


THREE = clip("the black cat", (0.5, 0.7), (0.7, 1.1), (1.1, 1.6))


class TestNormalising:
    def test_case_punctuation_contractions_and_hesitations(self):
        assert normalise("Mr. Smith's, um, here - I'm sure...") == "mister smith is here i am sure"

    def test_a_word_alone_keeps_its_position(self):
        assert [tokens(word) for word in ("Cat,", "twenty-five", "I'm", "um", "-", "...", "one", "1")] == [
            ("cat",), ("25",), ("i", "am"), (), (), (), ("1",), ("1",),
        ]  # fmt: skip


class TestAlignment:
    def test_equal(self):
        assert align("abc", "abc") == [(0, 0), (1, 1), (2, 2)]

    def test_substitution_is_a_pair(self):
        assert align("abc", "axc") == [(0, 0), (1, 1), (2, 2)]

    def test_matches_are_preferred_to_two_substitutions(self):
        assert align("abc", "bcd") == [(1, 0), (2, 1)]

    def test_nothing(self):
        assert align("", "") == align("a", "") == align("", "a") == []

    @given(st.text("ab", max_size=8), st.text("ab", max_size=8))
    def test_pairs_ascend_and_stay_inside(self, said, hypothesis):
        pairs = align(said, hypothesis)
        assert all(i < len(said) and j < len(hypothesis) for i, j in pairs)
        assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(pairs))

    @given(st.text("abc", max_size=10))
    def test_equal_sequences_are_paired_completely(self, said):
        assert align(said, said) == [(i, i) for i in range(len(said))]


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


class TestFlicker:
    def test_steady(self):
        assert flicker(only(message(1, "a"), message(2, "a b"), message(3, "A b.", ended=True))) == (0, 2)

    def test_replaced(self):
        # "cap" was taken back; positions shown: the, cat, sat.
        shown = only(message(1, "the cap"), message(2, "the cat"), message(3, "the cat sat", ended=True))
        assert flicker(shown) == (1, 3)

    def test_an_early_word_shifts_all_after_it(self):
        # b, c, d all hold another word in the second message: 3; positions: 4.
        shown = only(message(1, "bird can do"), message(2, "a bird can do", ended=True))
        assert flicker(shown) == Flicker(3, 4)

    def test_removed_and_shown_again(self):
        # b goes (1), then nothing was shown at its position: c takes none back. Positions: 2.
        assert flicker(only(message(1, "a b"), message(2, "a"), message(3, "a c", ended=True))) == (1, 2)

    def test_an_empty_message_takes_back_everything(self):
        assert flicker(only(message(1, "you"), message(2, ""))) == (1, 1)

    def test_the_final_counts_too(self):
        assert flicker(only(message(1, "good die"), message(2, "Good day.", ended=True))) == (1, 2)

    def test_nothing(self):
        assert utterances(trace(message(1, ""), message(2, "", ended=True))) == []

    @given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=6))
    def test_growing_text_is_steady_and_counts_are_sane(self, texts):
        messages = [message(i, " ".join(words)) for i, words in enumerate(texts)]
        for shown in utterances(trace(*messages)):
            counts = flicker(shown)
            assert counts.first_shown == max(map(len, texts))
            assert 0 <= counts.unstable <= sum(map(len, texts))
        whole = [word for words in texts for word in words]
        growing = [message(i, " ".join(whole[:i])) for i in range(1, len(whole) + 1)]
        for shown in utterances(trace(*growing)):
            assert flicker(shown) == (0, len(whole))


class TestImmutability:
    def test_kept(self):
        assert changed_finals(only(message(1, "a b", finals=1), message(2, "a c", ended=True))) == (0, 0)

    def test_changed_once_though_it_changed_twice(self):
        shown = only(message(1, "a", finals=1), message(2, "b", finals=1), message(3, "c", ended=True))
        assert changed_finals(shown) == Changes(words=1, spellings=1)

    def test_a_removed_word(self):
        assert changed_finals(only(message(1, "a b", finals=2), message(2, "a", ended=True))).words == 1

    def test_changes_of_case_are_counted_apart(self):
        shown = only(message(1, "hello", finals=1), message(2, "Hello.", ended=True))
        assert changed_finals(shown) == (0, 1)

    def test_a_final_that_changes_after_the_end(self):
        shown = only(message(1, "a b", ended=True), message(2, "a c", ended=True))
        assert changed_finals(shown) == (1, 1)


class TestEmission:
    def test_stable_since(self):
        shown = only(
            message(1.0, "the"),
            message(1.5, "a blue"),
            message(2.0, "the blue"),
            message(2.5, "The black cat.", ended=True),
        )
        assert [(position.tokens, at) for position, at in stable_since(shown)] == [
            (("the",), 2.0), (("black",), 2.5), (("cat",), 2.5),
        ]  # fmt: skip

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
