"""Which words of a growing hypothesis are shown, locked and committed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.text import Stability, Thresholds

THRESHOLDS = (
    Thresholds(0, show=0.7, lock=0.95, commit=2.0),
    Thresholds(300, show=0.4, lock=0.8, commit=0.9),
    Thresholds(600, show=0.0, lock=0.5, commit=0.7),
)


def counts(stability):
    return stability.shown, stability.locked, stability.committed


def test_a_sure_word_is_shown_at_once_and_an_unsure_one_later():
    stability = Stability(THRESHOLDS)
    stability.update(["it", "was"], [0.9, 0.5], 0)
    assert counts(stability) == (1, 0, 0)
    stability.update(["it", "was"], [0.9, 0.5], 320)
    assert counts(stability) == (2, 1, 1)


def test_no_word_after_a_hidden_one_is_shown():
    stability = Stability(THRESHOLDS)
    stability.update(["a", "b", "c"], [0.9, 0.1, 0.99], 0)
    assert stability.shown == 1


def test_a_locked_word_that_the_model_contradicts_is_unlocked():
    stability = Stability(THRESHOLDS)
    stability.update(["the", "best", "of", "all"], [0.99, 0.96, 0.96, 0.6], 0)
    assert counts(stability) == (3, 3, 0)
    stability.update(["the", "best", "of", "all"], [0.99, 0.01, 0.96, 0.6], 160)
    assert counts(stability) == (3, 1, 0)  # still shown, until a better word replaces it


def test_a_committed_word_stays_at_any_confidence():
    stability = Stability(THRESHOLDS)
    for at_ms in (0, 320):
        stability.update(["the", "best", "of"], [0.99, 0.96, 0.96], at_ms)
    assert counts(stability) == (3, 2, 2)
    stability.update(["the", "best", "of"], [0.01, 0.01, 0.01], 640)
    assert stability.locked == stability.committed == 2


def test_three_sure_words_in_a_row_show_the_unsure_word_before_them():
    stability = Stability(THRESHOLDS)
    stability.update(["a", "b", "c", "d"], [0.9, 0.1, 0.95, 0.95], 0)
    assert stability.shown == 1
    stability.update(["a", "b", "c", "d", "e", "f"], [0.9, 0.1, 0.95, 0.95, 0.92, 0.3], 10)
    assert counts(stability) == (5, 0, 0)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["x", "b", "c", "d", "e"], 4),  # the first word changed: the others stay
        (["x", "y", "z", "d", "e"], 4),
        (["x", "b", "y", "z"], 2),
        (["x", "y", "b", "c", "d", "e"], 5),  # one word became two
        (["b", "c", "d", "e"], 3),
        (["x", "y", "z", "b", "c", "d"], 6),
        (["x", "y", "z", "w", "b", "c"], 0),  # moved too far
        (["d", "x", "y"], 0),  # may be another "d"
        (["x", "y", "z"], 0),
    ],
)
def test_a_doubt_about_a_word_does_not_hide_the_words_after_it(words, shown):
    stability = Stability(THRESHOLDS)
    stability.update(["a", "b", "c", "d"], [0.8] * 4, 0)
    stability.update(words, [0.3] * len(words), 160)
    assert counts(stability) == (shown, 0, 0)


def test_the_last_word_is_never_locked():
    stability = Stability(THRESHOLDS)
    for at_ms in range(0, 3_000, 320):
        stability.update(["only"], [1.0], at_ms)
    assert counts(stability) == (1, 0, 0)


def test_a_changed_word_and_all_words_after_it_start_at_age_zero():
    stability = Stability(THRESHOLDS)
    stability.update(["a", "b", "c", "d"], [0.75] * 4, 0)
    stability.update(["a", "x", "c", "d"], [0.75] * 4, 320)
    stability.update(["a", "x", "c", "d"], [0.75] * 4, 640)
    assert stability.locked == 1
    stability.update(["a", "x", "c", "d"], [0.75] * 4, 960)
    assert stability.locked == 3


def test_case_and_punctuation_are_no_change():
    stability = Stability(THRESHOLDS)
    stability.update(["It", "was,", "so"], [0.85] * 3, 0)
    stability.update(["it", "was", "so"], [0.85] * 3, 320)
    assert stability.locked == 2


def test_a_hypothesis_of_the_whole_utterance_unlocks_what_it_contradicts():
    stability = Stability(THRESHOLDS)
    for at_ms in (0, 320, 640):
        stability.update(["a", "b", "c", "d"], [0.85] * 4, at_ms)
    assert stability.locked == 3
    stability.replace(["a", "x", "c"], 900, committed=1)
    assert counts(stability) == (3, 1, 1)


def test_leading_words_can_be_dropped():
    stability = Stability(THRESHOLDS)
    for at_ms in (0, 320, 640):
        stability.update(["a", "b", "c", "d"], [0.85] * 4, at_ms)
    stability.drop(2)
    assert counts(stability) == (2, 1, 1)
    stability.update(["c", "d", "e"], [0.85] * 3, 960)
    assert stability.locked == 2


hypotheses = st.lists(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1)), max_size=6), min_size=1, max_size=12
)


@given(hypotheses, st.integers(1, 700))
def test_locked_words_stay_as_long_as_the_recogniser_keeps_them(endings, step_ms):
    stability = Stability(THRESHOLDS)
    words = []
    for turn, ending in enumerate(endings):
        words = words[: stability.locked] + [word for word, _ in ending]
        confidences = [1.0] * stability.locked + [confidence for _, confidence in ending]
        before = counts(stability)
        stability.update(words, confidences, turn * step_ms)
        shown, locked, committed = counts(stability)
        assert locked >= before[1]
        assert committed >= before[2]
        assert committed <= locked <= shown <= len(words)
        assert locked <= max(before[1], len(words) - 1)
