"""Expected terms on their way from the client to the engine."""

import numpy as np

from support.scripted_engine import ScriptedRecogniser, silence, speech
from support.sessions import Driver
from vivavoce.protocol.events import Configure

ALPHA = ("ALPHA",)


def joined(*pieces):
    return np.concatenate(pieces)


def spans(driver):
    return [span for call in driver.recogniser.calls for span in call]


def test_every_pass_expects_the_terms():
    driver = Driver(key_terms=ALPHA)
    driver.say(joined(speech(0, 1), silence(40)))
    driver.end()
    assert {span.terms for span in spans(driver)} == {ALPHA}
    assert {span.exact for span in spans(driver)} == {True, False}
    assert driver.texts == ["ALPHA bravo."]


def test_terms_are_changed_and_cleared_from_the_place_where_that_is_asked_for():
    driver = Driver()
    for terms in ((), ALPHA, None, ()):
        if terms is not None:
            driver.command(Configure(key_terms=terms))
        driver.say(joined(speech(0, 1), silence(40)))
    driver.end()
    assert driver.texts == ["Alpha bravo.", "ALPHA bravo.", "ALPHA bravo.", "Alpha bravo."]


def test_an_open_turn_expects_new_terms_at_once():
    driver = Driver()
    driver.say(speech(0, 1))
    driver.command(Configure(key_terms=ALPHA))
    driver.say(silence(40))
    driver.end()
    assert driver.texts == ["ALPHA bravo."]


def test_a_turn_that_is_over_keeps_its_own_however_late_it_is_decoded():
    driver = Driver(key_terms=ALPHA)
    driver.say(joined(speech(0, 1), silence(40)), serve=False)
    driver.command(Configure(key_terms=()))
    driver.say(joined(speech(0), silence(40)), serve=False)
    driver.end()
    assert driver.texts == ["ALPHA bravo.", "Alpha"]


def test_a_pause_that_was_decoded_without_the_new_terms_is_decoded_again():
    driver = Driver(partials=False)
    driver.say(joined(speech(0, 1), silence(14)))
    before = len(spans(driver))
    driver.command(Configure(key_terms=ALPHA))
    driver.say(silence(40))
    driver.end()
    assert before > 0
    assert spans(driver)[before - 1].terms == ()
    assert driver.texts == ["ALPHA bravo."]


def test_a_pass_that_was_under_way_when_the_terms_changed_does_not_count():
    driver = Driver(partials=False, recogniser=ScriptedRecogniser())
    driver.say(joined(speech(0, 1), silence(14)), serve=False)
    while driver.detect():
        pass
    session = driver.session
    request = session.next_pass()
    span = session.begin_pass(request)
    driver.command(Configure(key_terms=ALPHA))
    driver.say(silence(40), serve=False)
    while driver.detect():
        pass
    session.apply_hypothesis(request, driver.recogniser.recognise([span])[0])
    driver.end()
    assert driver.texts == ["ALPHA bravo."]
