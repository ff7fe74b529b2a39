"""A prompt on its way from the client to the recogniser."""

import numpy as np

from support.scripted_engine import ScriptedRecogniser, silence, speech
from support.sessions import Driver
from vivavoce.asr.session import Tuning
from vivavoce.protocol.events import Configure

TURN = np.concatenate([speech(0, 1), silence(40)])


def prompts(driver):
    """The prompts of all passes so far, each as often as it was given in succession once."""
    found = [span.prompt for call in driver.recogniser.calls for span in call]
    return [prompt for place, prompt in enumerate(found) if not place or found[place - 1] != prompt]


def test_every_pass_gets_the_prompt():
    driver = Driver(prompt="Petrova.")
    driver.say(TURN)
    driver.end()
    spans = [span for call in driver.recogniser.calls for span in call]
    assert {span.prompt for span in spans} == {"Petrova."}
    assert {span.exact for span in spans} == {True, False}
    assert driver.texts == ["Alpha bravo."]


def test_a_change_applies_from_the_next_utterance_on():
    driver = Driver(prompt="one")
    driver.say(speech(0, 1))
    driver.command(Configure(prompt="two"))
    driver.say(speech(2))
    driver.say(silence(40))
    assert prompts(driver) == ["one"]
    driver.say(TURN)
    driver.command(Configure(prompt=""))
    driver.say(TURN)
    driver.command(Configure(partials_ms=500))  # leaves it as it is
    driver.say(TURN)
    driver.end()
    assert prompts(driver) == ["one", "two", ""]


def test_an_utterance_keeps_its_prompt_however_late_it_is_decoded():
    driver = Driver(prompt="one", partials=False)
    driver.say(TURN, serve=False)
    driver.command(Configure(prompt="two"))
    driver.say(TURN, serve=False)
    driver.end()
    assert prompts(driver) == ["one", "two"]


def test_the_passes_around_a_cut_and_of_a_better_model_have_it_too():
    tuning = Tuning(max_utterance_ms=4_000, revises=True)
    driver = Driver(prompt="one", tuning=tuning)
    better = ScriptedRecogniser()
    driver.say(np.concatenate([speech(*range(8)), *[speech(*range(8))] * 2]), serve=False)
    driver.say(silence(60), serve=False)
    session = driver.session
    while driver.detect() or driver.decode() or session.next_revision() is not None:
        request = session.next_revision()
        if request is not None:
            session.apply_revision(request, better.recognise([session.begin_revision(request)])[0])
    joints = [span for call in driver.recogniser.calls for span in call if span.exact and not span.zeros]
    assert joints
    assert better.calls
    assert {span.prompt for call in (joints, *better.calls) for span in call} == {"one"}
    assert prompts(driver) == ["one"]
