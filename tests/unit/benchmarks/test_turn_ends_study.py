"""False cuts and delays: what is counted, and the hesitant speech it is counted on."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from benchmarks.hesitant_speech import hesitant_clips
from benchmarks.turn_ends import EndedTurn, Ending, Endings, count_endings, speech_spans
from benchmarks.turn_ends_table import PRESETS, run_session

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, silence, speech
from support.voices import RATE, tone
from vivavoce.bench.records import Clip, RefWord


def frames_of(*parts):
    """Probabilities: pairs of whether it is speech and how many frames."""
    return [0.9 if is_speech else 0.05 for is_speech, n in parts for _ in range(n)]


def test_speech_is_detected_as_the_session_detects_it():
    probabilities = frames_of((0, 10), (1, 20), (0, 5), (1, 1), (0, 4), (1, 10), (0, 10))
    spans = speech_spans(probabilities, 1.0)
    assert [end for _, end in spans] == [30, 36, 50]
    assert spans[0][0] in range(10, 14)
    assert speech_spans(frames_of((0, 5), (1, 1), (0, 5)), 1.0) == []  # a click


SPANS = [(0.5, 2.0), (2.8, 4.0), (5.5, 7.0)]


@pytest.mark.parametrize(
    ("turns", "written", "cuts", "delay_s"),
    [
        ([(8.0, "It was. Late and dark. Then rain")], "It was late and dark, then rain", 0, 1.0),
        ([(2.5, "It was."), (8.0, "late and dark then rain")], "It was late and dark, then rain.", 1, 1.0),
        ([(2.5, "It was late."), (8.0, "and dark then rain")], "It was late. And dark, then rain.", 0, 1.0),
        ([(2.5, "It was late."), (8.0, "and dark then rain")], None, None, 1.0),
        # The second pause is longer than the maximum.
        ([(5.2, "It was late and dark."), (7.4, "Then rain.")], "It was late and dark, then rain.", 0, 0.4),
        ([(2.5, "It"), (5.2, "was late")], "It was late, then.", 1, None),
        ([], "It was late.", 0, None),
    ],
)
def test_cuts_and_delays(turns, written, cuts, delay_s):
    ending = count_endings([EndedTurn(*turn) for turn in turns], SPANS, written, 1.28)
    assert ending.cuts == cuts
    assert ending.delay_s == (None if delay_s is None else pytest.approx(delay_s))


def test_endings_add_up():
    found = Endings()
    for ending in (Ending(2, 0.5), Ending(0, None), Ending(None, 0.7)):
        found.add(ending, 30.0)
    assert (found.cuts, found.cut_items, found.items) == (2, 1, 2)
    assert found.cuts_per_10_minutes == pytest.approx(20)
    assert found.delays_s == [0.5, 0.7]
    assert Endings().cuts_per_10_minutes is None


def silent_gaps_s(samples):
    """Lengths of the silences inside, in seconds."""
    loud = np.flatnonzero(np.abs(samples) > 1e-4)
    gaps = np.diff(loud)
    return [gap / RATE for gap in gaps if gap > 800]


def test_digits_are_said_slowly():
    audio, gap = tone(200, 0.3), np.zeros(3_200, np.float32)
    clip = Clip("d", "digits", Path("d"), "one two three four", 2.0, RATE)
    slow, groups = hesitant_clips(clip, np.concatenate([audio, gap] * 4))
    assert [it.kind for it in (slow, groups)] == ["digits, one by one", "digits in groups"]
    assert len(silent_gaps_s(slow.samples)) == 3
    assert all(0.3 < gap_s < 1.1 for gap_s in silent_gaps_s(slow.samples))
    assert sum(gap_s > 0.4 for gap_s in silent_gaps_s(groups.samples)) == 1
    assert not list(
        hesitant_clips(clip, np.concatenate([audio, gap] * 3))
    )  # a word with a gap in it, or a lost one


def test_sentences_get_pauses_and_are_the_same_every_time():
    words = tuple(
        RefWord(text, i * 0.3, i * 0.3 + 0.29) for i, text in enumerate(["we", "met", "a", "man", "there"])
    )
    clip = Clip("s", "read", Path("s"), "we met a man there", 1.6, RATE, words, "We met a man there.")
    voice = tone(200, 1.6)
    (made,), (again,) = hesitant_clips(clip, voice), hesitant_clips(clip, voice)
    assert made.kind == "pauses inside sentences"
    assert np.array_equal(made.samples, again.samples)
    assert 1 <= len(silent_gaps_s(made.samples)) <= 2
    assert not list(hesitant_clips(dataclasses.replace(clip, words=()), voice))


def test_letters_are_spelled():
    words = tuple(RefWord(text, i * 0.4, i * 0.4 + 0.3) for i, text in enumerate("abc"))
    clip = Clip("l", "telephone-prompt", Path("l"), "a b c", 1.2, RATE, words)
    made = list(hesitant_clips(clip, tone(200, 1.2)))
    assert {it.kind for it in made} == {"letters"}
    assert all(len(silent_gaps_s(it.samples)) == 2 for it in made)


def test_a_table_is_made_of_sessions():
    aggressive = PRESETS[0]
    audio = np.concatenate([silence(20), speech(0, 1), silence(40), speech(2), silence(40)])
    turns, probabilities = run_session(audio, aggressive, ScriptedRecogniser(), ScriptedDetector())
    assert [turn.text for turn in turns] == ["Alpha bravo.", "Charlie,"]
    spans = speech_spans(probabilities, 0.032)
    assert len(spans) == 2
    ending = count_endings(turns, spans, "Alpha. Bravo. Charlie.", aggressive.max_ms / 1_000)
    assert ending.cuts == 0
    assert ending.delay_s == pytest.approx(0.4, abs=0.04)
