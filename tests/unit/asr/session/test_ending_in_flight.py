"""A final never depends on the pass that was in flight when its utterance was ended."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.scripted_engine import FRAME, ScriptedRecogniser, silence, speech
from support.sessions import Driver
from vivavoce.asr.session import Tuning
from vivavoce.protocol.events import Audio, Configure, ForceEndpoint, Terminate

WORDS = tuple(index % 8 for index in range(24))
TUNING = Tuning(window_ms=2_000, window_slack_ms=500, max_utterance_ms=30_000)
PROTOCOLS = {
    "v2": {},
    "v3": {
        "commit_words": True,
        "min_silence_ms": 400,
        "max_silence_ms": 1_280,
        "end_of_turn_threshold": 0.4,
    },
}
ENDS = {
    "terminate": [Terminate()],
    "force": [ForceEndpoint(), Terminate()],
    "force twice": [ForceEndpoint(), ForceEndpoint(), Terminate()],
    "other terms": [Configure(key_terms=("golf",)), Terminate()],
}


def play(protocol, frames, end, begin_at):
    """Speak some frames and end the session while a pass, due at one frame, is in flight.

    Returns:
        The finals, and whether a pass was in flight. A committed word of v3 keeps the punctuation of its
        partial, so only letters are compared there.
    """
    driver = Driver(recogniser=ScriptedRecogniser(), tuning=TUNING, **PROTOCOLS[protocol])
    samples = speech(*WORDS)[: frames * FRAME]
    driver.say(samples[: begin_at * FRAME], chunk=FRAME)
    in_flight = None
    for at in range(begin_at, frames):
        driver.say(samples[at * FRAME : (at + 1) * FRAME], chunk=FRAME, serve=False)
        while driver.detect():
            pass
        request = driver.session.next_pass()
        if request is not None and in_flight is None:
            in_flight = request, driver.session.begin_pass(request)
    for command in ENDS[end]:
        driver.command(command)
    while driver.detect():
        pass
    if in_flight is not None:
        request, span = in_flight
        driver.session.apply_hypothesis(request, driver.recogniser.recognise([span])[0])
    driver.serve()
    assert driver.session.is_over
    finals = [(final.text, final.start_ms, final.end_ms) for final in driver.finals]
    if protocol == "v3":
        finals = [(plain_words(text), start_ms, end_ms) for text, start_ms, end_ms in finals]
    return finals, in_flight is not None


def plain_words(text):
    return text.lower().translate(str.maketrans("", "", ".,?!"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("end", ENDS)
def test_every_frame_at_which_a_pass_can_be_in_flight(protocol, end):
    """Sessions end on each of the last frames, with a pass begun at each of the frames before."""
    n_in_flight = 0
    total = len(speech(*WORDS)) // FRAME
    for frames in range(total - 6, total + 1):
        expected, _ = play(protocol, frames, end, begin_at=frames)
        for begin_at in range(frames - 12, frames, 2):
            finals, was_in_flight = play(protocol, frames, end, begin_at)
            assert finals == expected, (frames, begin_at)
            n_in_flight += was_in_flight
    assert n_in_flight > 10


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(PROTOCOLS)),
    st.sampled_from(sorted(ENDS)),
    st.integers(4, 260),
    st.integers(0, 30),
)
def test_any_length_with_any_pass_in_flight(protocol, end, frames, before):
    frames = min(frames, len(speech(*WORDS)) // FRAME)
    expected, _ = play(protocol, frames, end, begin_at=frames)
    finals, _ = play(protocol, frames, end, begin_at=max(0, frames - before))
    assert finals == expected


def test_a_pass_in_flight_over_a_pause_that_ends_the_turn():
    driver = Driver(tuning=TUNING, min_silence_ms=400, max_silence_ms=400)
    driver.say(speech(0, 1), chunk=FRAME)
    driver.say(silence(8), chunk=FRAME, serve=False)
    while driver.detect():
        pass
    request = driver.session.next_pass()
    assert request.is_whole
    span = driver.session.begin_pass(request)
    driver.command(Audio(b"\0\0" * FRAME * 20))
    while driver.detect():
        pass
    driver.session.apply_hypothesis(request, driver.recogniser.recognise([span])[0])
    driver.serve()
    assert driver.texts == ["Alpha bravo."]
