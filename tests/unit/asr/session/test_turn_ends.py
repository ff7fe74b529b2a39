"""When a turn is over: words, voice, pauses, and what they are worth together."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.voices import tone
from vivavoce.asr.session.speech import (
    Evidence,
    Pauses,
    Prosody,
    SilencePolicy,
    confidence_after,
    log_odds_after_1_s,
    prosody,
)
from vivavoce.asr.session.speech.last_words import in_a_row, leaves_open
from vivavoce.asr.session.speech.silence import SHORTEST_PAUSE_MS
from vivavoce.errors import ConfigurationError
from vivavoce.server import ServerOptions

# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["I went to the.", "and then, because", "my", "We saw it, um,", "Wait for"])
def test_some_words_leave_a_sentence_open_whatever_mark_follows(text):
    assert leaves_open(text.split())


@pytest.mark.parametrize("text", ["", "Come in.", "Yes, I can.", "Theatre.", "Is that so?"])
def test_most_words_do_not(text):
    assert not leaves_open(text.split())


@pytest.mark.parametrize(
    "text",
    ["Seven.", "My number is five, five", "5 5 1 2.", "It is A. B.", "twenty-three", "Call 555 oh.", "1234."],
)  # fmt: skip
def test_figures_and_letters_may_continue(text):
    assert in_a_row(text.split())


@pytest.mark.parametrize("text", ["", "I need seven.", "The answer is 42.", "Page three is missing.", "Yes."])
def test_a_number_in_a_sentence_does_not(text):
    assert not in_a_row(text.split())


# --- voice ------------------------------------------------------------------------------------


def test_a_falling_voice_is_measured_as_falling():
    level = prosody(np.concatenate([tone(200, 1.2), tone(200, 0.25)]))
    falling = prosody(np.concatenate([tone(200, 1.2), tone(150, 0.25, level=0.06)]))
    rising = prosody(np.concatenate([tone(200, 1.2), tone(260, 0.25)]))
    assert level.fall_db == pytest.approx(0, abs=1)
    assert level.fall_semitones == pytest.approx(0, abs=0.5)
    assert falling.fall_db > 8
    assert falling.fall_semitones == pytest.approx(12 * math.log2(200 / 150), abs=0.7)
    assert rising.fall_semitones < -3


@pytest.mark.parametrize("samples", [np.zeros(40_000), np.zeros(10), np.ones(40_000), np.zeros(0)])
def test_no_voice_has_no_fall(samples):
    found = prosody(samples.astype(np.float32))
    assert found.fall_db == pytest.approx(0)
    assert found.fall_semitones == 0


@given(st.integers(0, 40_000), st.integers(0, 2**32 - 1))
def test_any_audio_has_a_finite_prosody(n, seed):
    samples = np.random.default_rng(seed).normal(0, 0.1, n).astype(np.float32)
    assert all(map(math.isfinite, prosody(samples)))


# --- pauses -----------------------------------------------------------------------------------


def test_the_usual_pause_is_learnt_from_pauses_after_which_speech_continued():
    pauses = Pauses()
    assert pauses.usual_ms == 400
    for pause_ms in (100, 1_280, 5_000):  # too short to say anything, and ends
        pauses.note(pause_ms)
    assert pauses.usual_ms == 400
    pauses.note(900)
    assert 400 < pauses.usual_ms < 900
    for _ in range(20):
        pauses.note(900)
    assert 700 < pauses.usual_ms < 900
    for _ in range(8):  # people change
        pauses.note(350)
    assert pauses.usual_ms < 400


# --- together ---------------------------------------------------------------------------------

WHOLE = Evidence(("We", "will", "meet", "again", "tomorrow", "morning."), 0.98, 2_500, Prosody(20, 3))


def sureness(pause_ms=1_000, **changes):
    return confidence_after(pause_ms, log_odds_after_1_s(dataclasses.replace(WHOLE, **changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"words": ("We", "will", "meet", "again", "tomorrow")},
        {"words": ("We", "will", "meet", "again", "tomorrow", "and.")},
        {"words": ("We", "will", "meet", "at", "five,", "six.")},
        {"mark_probability": 0.5},
        {"spoken_ms": 500},
        {"prosody": Prosody(5, 3)},
        {"prosody": Prosody(20, -3)},
        {"usual_pause_ms": 800},
    ],
)
def test_what_speaks_against_an_end(changes):
    assert sureness(**changes) < sureness()


def test_an_audio_model_of_turn_ends_counts():
    assert sureness(end_probability=0.01) < sureness(end_probability=0.5) < sureness(end_probability=0.99)


def test_silence_makes_it_surer():
    grades = [sureness(pause_ms) for pause_ms in (0, 32, 400, 800, 1_280, 3_600)]
    assert grades == sorted(grades)
    assert grades[0] == 0
    assert grades[-1] > 0.99
    assert len(set(grades)) == len(grades)


def test_the_usual_thresholds_are_reached_between_the_usual_silences():
    def ends_at(threshold, **changes):
        return next(ms for ms in range(0, 5_000, 10) if sureness(ms, **changes) >= threshold)

    assert 400 < ends_at(0.4) < 1_280
    assert 800 < ends_at(0.7) < 3_600
    assert ends_at(0.4) < ends_at(0.7)
    assert ends_at(0.4, words=("Five,", "six."), spoken_ms=600) > 1_280


@given(
    st.lists(st.text(max_size=8), max_size=4),
    st.floats(0, 1),
    st.floats(0, 20_000),
    st.floats(-80, 80),
    st.floats(-60, 60),
    st.none() | st.floats(0, 1),
    st.floats(0, 60_000),
)
def test_any_evidence_gives_a_confidence(words, mark, spoken_ms, fall_db, semitones, end, pause_ms):
    evidence = Evidence(tuple(words), mark, spoken_ms, Prosody(fall_db, semitones), 400, end)
    assert 0 <= confidence_after(pause_ms, log_odds_after_1_s(evidence)) <= 1


# --- the policy -------------------------------------------------------------------------------


def test_the_silence_that_was_not_named_gives_way():
    policy = SilencePolicy(400, 1_280, 0.4)
    assert policy.changed(None, None, None) == policy
    assert policy.changed(2_000, None, None) == SilencePolicy(2_000, 2_000, 0.4)
    assert policy.changed(None, 300, None) == SilencePolicy(300, 300, 0.4)
    assert policy.changed(100, 900, 0.7) == SilencePolicy(100, 900, 0.7)


@pytest.mark.parametrize(("shortest", "longest"), [(0, 0), (100, 100), (50, 300)])
@pytest.mark.parametrize("threshold", [0.0, 0.4, 1.0])
def test_a_gap_between_words_ends_no_turn_whatever_a_client_asks_for(shortest, longest, threshold):
    policy = SilencePolicy(shortest, longest, threshold)
    assert not policy.is_over(SHORTEST_PAUSE_MS - 1, 1.0)
    assert policy.is_over(SHORTEST_PAUSE_MS, 0.0)
    assert policy.earliest_ms == SHORTEST_PAUSE_MS


def test_with_a_single_silence_confidence_decides_nothing():
    assert not SilencePolicy(700, 700, 0.4).tells_confidence
    assert SilencePolicy(400, 1_280, 1.0).tells_confidence
    assert not SilencePolicy(400, 1_280, 1.0).asks_for_confidence
    assert SilencePolicy(400, 1_280, 0.4).asks_for_confidence


# --- audio models of turn ends ------------------------------------------------------------------


def test_a_missing_turn_model_is_an_error_at_start(tmp_path):
    model = tmp_path / "turns.onnx"
    model.touch()
    for turn_model in ("auto", "none", str(model)):
        ServerOptions(turn_model=turn_model).check()
    with pytest.raises(
        ConfigurationError, match="--turn-model must be auto, none or an existing file, got /nowhere"
    ):
        ServerOptions(turn_model="/nowhere").check()


@given(
    st.lists(st.sampled_from(["Yes.", "the", "seven", "B", "Really?", "and"]), max_size=4).map(tuple),
    st.floats(0, 1),
    st.floats(0, 60_000),
    st.floats(-60, 60),
    st.floats(-24, 24),
    st.lists(st.floats(100, 2_000), max_size=9),
    st.none() | st.floats(0, 1),
    st.floats(0.01, 0.99),
)
def test_no_turn_is_over_before_the_earliest_moment(
    words, mark, spoken_ms, fall_db, fall_semitones, pauses_ms, end, threshold
):
    pauses = Pauses()
    for pause_ms in pauses_ms:
        pauses.note(pause_ms)
    voice = Prosody(fall_db, fall_semitones)
    found = log_odds_after_1_s(Evidence(words, mark, spoken_ms, voice, pauses.usual_ms, end))
    before_ms = SilencePolicy(0, 60_000, threshold).earliest_ms - 1
    assert confidence_after(before_ms, found) < threshold


@pytest.mark.parametrize(
    ("policy", "earliest_ms"),
    [((400, 1_280, 0.4), 728), ((160, 400, 0.4), 400), ((800, 3_600, 0.4), 800), ((700, 700, 0.0), 700)],
)
def test_the_earliest_end_of_a_turn(policy, earliest_ms):
    assert round(SilencePolicy(*policy).earliest_ms) == earliest_ms
    assert SilencePolicy(400, 1_280, 1.0).earliest_ms == 1_280
    assert SilencePolicy(400, 1_280, 0.0).earliest_ms == 400
