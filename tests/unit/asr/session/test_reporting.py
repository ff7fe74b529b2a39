"""What a session reports besides turns: warnings, heartbeats, silence; and how often partials come."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted_engine import silence, speech
from support.sessions import Driver
from vivavoce.asr.session import SessionState
from vivavoce.protocol.events import (
    Configure,
    ForceEndpoint,
    Heartbeat,
    SessionBegan,
    SilenceDetected,
    Warn,
    Warned,
)

UNFORMATTED = {"format_partials": False, "format_finals": False, "punctuate_finals": False}


def of(driver, kind):
    return [event for event in driver.events if isinstance(event, kind)]


def test_warnings_are_reported_right_after_the_beginning():
    driver = Driver(warnings=("one", "two"))
    driver.command(Warn("three"))
    assert isinstance(driver.events[0], SessionBegan)
    assert driver.events[1:] == [Warned("one"), Warned("two"), Warned("three")]


def test_a_heartbeat_every_five_seconds_on_request():
    driver = Driver(heartbeat=True)
    for part in (silence(250), speech(0), silence(250)):
        driver.say(part)
        driver.session.tick(driver.now)
    driver._collect()
    first, second = of(driver, Heartbeat)
    assert first == Heartbeat(audio_ms=8_000, session_ms=8_000, max_speech_probability=pytest.approx(0.01))
    assert second.max_speech_probability > 0.9
    driver.command(Configure(heartbeat=False))
    driver.say(silence(250))
    driver.session.tick(driver.now)
    driver._collect()
    assert len(of(driver, Heartbeat)) == 2


def test_no_heartbeat_without_request():
    driver = Driver()
    driver.now = 100.0
    driver.session.tick(driver.now)
    driver._collect()
    assert not of(driver, Heartbeat)


def test_silence_is_acknowledged_second_by_second_between_turns():
    driver = Driver(acknowledge_silence=True)
    driver.say(silence(100))
    before = of(driver, SilenceDetected)
    assert [event.start_ms for event in before] == [0, *(event.end_ms for event in before[:-1])]
    assert all(1_000 <= event.end_ms - event.start_ms < 1_100 for event in before)
    assert len(before) == 3
    driver.say(speech(0, 1))
    assert of(driver, SilenceDetected) == before
    driver.say(silence(100))
    (final,) = driver.finals
    after = of(driver, SilenceDetected)[3:]
    assert after[0].start_ms >= final.words[-1].end_ms
    driver.command(Configure(acknowledge_silence=False))
    driver.say(silence(100))
    assert of(driver, SilenceDetected)[3:] == after


@pytest.mark.parametrize(("interval_ms", "least", "most"), [(None, 6, 20), (160, 12, 40), (3_000, 1, 2)])
def test_partials_come_at_the_requested_interval(interval_ms, least, most):
    driver = Driver(partials_ms=interval_ms)
    driver.say(speech(*[index % 8 for index in range(10)]), 512)
    assert least <= len(driver.updates) <= most
    if interval_ms == 3_000:
        driver.command(Configure(partials_ms=0))
        driver.say(speech(*[index % 8 for index in range(10)]), 512)
        assert len(driver.updates) > 6


def test_the_first_partial_waits_as_long_as_requested():
    early, late = Driver(), Driver(first_partial_ms=1_256)
    for driver in (early, late):
        driver.say(speech(0, 1, 2, 3, 4), 512)
    assert early.updates[0].end_ms < 700
    assert late.updates[0].end_ms >= 1_256


def test_a_number_is_committed_as_figures_during_the_turn():
    driver = Driver(commit_words=True, format_partials=True)
    driver.say(speech(0, 8, 9, 3, 7, 5, 7, 3, 7, 5, 3, 7), 512)
    transcripts = [update.final_text for update in driver.updates]
    assert any(text.startswith("Alpha 25 delta hotel") for text in transcripts)
    assert not any("twenty" in text for text in transcripts)
    driver.say(silence(60))
    driver.end()
    (final,) = driver.finals
    assert final.text.startswith("Alpha 25 delta hotel")
    assert all(final.text.startswith(text) for text in transcripts)


def test_each_force_is_answered_once_said_something_or_not():
    driver = Driver(answer_empty_force=True)
    driver.command(ForceEndpoint())
    driver.serve()
    assert [(it.turn_order, it.text, it.ended) for it in driver.updates] == [(0, "", True)]
    driver.say(speech(0))
    driver.command(ForceEndpoint())
    driver.command(ForceEndpoint())
    driver.serve()
    assert [(it.turn_order, it.text) for it in driver.finals] == [(0, ""), (1, "Alpha"), (2, "")]
    driver.end()
    assert len(driver.finals) == 3
    assert driver.session.state is SessionState.ENDED


def configured(change, *, chunk=1_600, serve=True, **options):
    """A turn, a change right after its end, a turn across another moment, and one more."""
    driver = Driver(**options)
    driver.say(np.concatenate([speech(0, 8, 9), silence(40)]), chunk, serve=serve)
    driver.command(change)
    driver.say(np.concatenate([speech(8, 9, 3), silence(40)]), chunk, serve=serve)
    return driver.end()


@given(chunk=st.integers(100, 20_000), serve=st.booleans())
@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (Configure(format_turns=True), UNFORMATTED, ["alpha twenty five", "25 delta"]),
        (Configure(format_turns=False), {}, ["Alpha 25", "twenty five delta"]),
        (Configure(key_terms=("Delta",)), {}, ["Alpha 25", "25 Delta"]),
        (Configure(max_silence_ms=20_000, min_silence_ms=20_000), {}, ["Alpha 25", "25 delta"]),
    ],
)
def test_a_change_applies_to_the_audio_after_it_however_busy_the_machine_is(
    change, options, expected, chunk, serve
):
    assert configured(change, chunk=chunk, serve=serve, **options).texts == expected
