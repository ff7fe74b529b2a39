"""The text of an utterance at a pause that may end its turn, for clients that prepare their answer early."""

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted_engine import silence, speech
from support.sessions import Driver
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.events import Redaction

SILENCES = {"min_silence_ms": 400, "max_silence_ms": 2_000, "end_of_turn_threshold": 0.99}
ASKED = {"commit_words": True, "format_partials": True, "report_pauses": True, **SILENCES}


def utterances(driver):
    """Text and position of each message that has an utterance."""
    return [(update.utterance, update.ended) for update in driver.updates if update.utterance]


def talk(*pauses, chunk=1_600, **options):
    """Two words before each pause, in frames of 32 ms."""
    driver = Driver(**{**ASKED, **options})
    for n, frames in enumerate(pauses):
        driver.say(speech(2 * n, 2 * n + 1), chunk)
        driver.say(silence(frames), chunk)
    return driver.end()


def test_an_utterance_is_reported_at_the_pause_before_its_turn_ends():
    driver = talk(80)
    assert utterances(driver) == [("Alpha bravo.", False)]
    pause, final = driver.updates[-2:]
    assert pause.utterance == final.text
    assert (final.ended, final.utterance) == (True, "")
    assert pause.text == final.text
    assert pause.end_of_turn_confidence < SILENCES["end_of_turn_threshold"]


def test_after_a_pause_the_next_utterance_of_the_turn_begins():
    driver = talk(20, 20, 80)
    assert utterances(driver) == [
        ("Alpha bravo.", False),
        ("Charlie, delta", False),
        ("echo? Foxtrot", False),
    ]
    assert driver.texts == ["Alpha bravo. Charlie, delta echo? Foxtrot"]


def test_a_turn_that_ends_without_a_pause_has_its_rest():
    driver = talk(20, 4)
    assert utterances(driver) == [("Alpha bravo.", False), ("Charlie, delta", True)]


def test_a_pause_that_is_too_short_is_not_reported():
    assert utterances(talk(10, 80)) == [("Alpha bravo. Charlie, delta", False)]


@pytest.mark.parametrize(
    "options",
    [
        {"report_pauses": False},
        {"partials": False},
        {"min_silence_ms": 2_000},  # then there is no pause before the end
        {"redaction": Redaction(("phone_number",))},
    ],
)
def test_without_need_the_utterance_comes_with_the_end(options):
    driver = talk(80, **options)
    [(text, ended)] = utterances(driver)
    assert (text.lower(), ended) == (driver.texts[0].lower(), True)


def test_unformatted_turns_have_unformatted_utterances():
    driver = talk(80, format_partials=False, format_finals=False, punctuate_finals=False)
    assert utterances(driver) == [("alpha bravo", False)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.integers(200, 4_000))
def test_utterances_do_not_depend_on_chunks_and_make_up_the_turns(pauses, chunk):
    driver = talk(*pauses, chunk=chunk)
    assert utterances(driver) == utterances(talk(*pauses))
    assert " ".join(text for text, _ in utterances(driver)) == " ".join(driver.texts)


@pytest.mark.parametrize(
    ("model", "expected"),
    [("universal-streaming-english", ["Alpha bravo.", ""]), ("universal-3-6-pro", ["", "Alpha bravo."])],
)
def test_with_universal_3_only_the_end_has_an_utterance(model, expected):
    query = f"speech_model={model}&format_turns=true&min_turn_silence=400&max_turn_silence=2000"
    dialect = V3Factory().open(parse_qsl(query))
    asked = {"report_pauses": dialect.options.report_pauses, "commit_words": dialect.options.commit_words}
    driver = Driver(format_partials=True, **asked, **SILENCES)
    driver.say(speech(0, 1))
    driver.say(silence(80))
    messages = [json.loads(frame) for update in driver.updates for frame in dialect.encode(update, 0)]
    assert [message["utterance"] for message in messages][-2:] == expected
    assert [message["end_of_turn"] for message in messages][-2:] == [False, True]
