"""The language of a session: told by the client, or heard by the recogniser."""

import dataclasses

import pytest

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from support.sessions import LIMITS
from vivavoce.asr.engine import Pump
from vivavoce.asr.models import BatchAtOnce
from vivavoce.asr.session import SessionMachine
from vivavoce.protocol.events import Audio, Configure, SessionOptions, Terminate, TurnUpdated


class Polyglot(ScriptedRecogniser):
    """Hears a language, and notes what it is told."""

    def __init__(self, heard, probability=0.9):
        super().__init__()
        self.heard = heard
        self.probability = probability
        self.told = []

    def open_batch(self):
        return BatchAtOnce(self._hear)

    def _hear(self, spans):
        self.told += [(span.exact, span.language) for span in spans]
        return [
            dataclasses.replace(
                hypothesis,
                language=None if span.language else self.heard,
                language_probability=None if span.language else self.probability,
            )
            for span, hypothesis in zip(spans, self.recognise(spans), strict=True)
        ]


def turns(recogniser, *changes, **options):
    session = SessionMachine("id", SessionOptions(16_000, **options), LIMITS, now=0.0, unix_now=0.0)
    pump = Pump(session, recogniser, ScriptedDetector())
    for change in changes:
        session.receive(change, 0.0)
    for samples in (speech(0, 8, 9), silence(60)):
        for start in range(0, len(samples), 1600):
            session.receive(Audio(pcm(samples[start : start + 1600])), 0.0)
            pump.run()
    session.receive(Terminate(), 0.0)
    pump.run()
    return [event for event in session.take_events() if isinstance(event, TurnUpdated)]


def test_a_language_that_was_told_reaches_every_span():
    recogniser = Polyglot("de")
    turns(recogniser, languages=("fr",))
    assert {language for _, language in recogniser.told} == {"fr"}


def test_a_final_listens_again():
    recogniser = Polyglot("de")
    turns(recogniser, languages=())
    assert {language for exact, language in recogniser.told if exact} == {None}
    partial = [language for exact, language in recogniser.told if not exact]
    assert partial[0] is None
    assert set(partial[1:]) == {"de"}


def test_partials_keep_no_language_that_is_uncertain():
    recogniser = Polyglot("de", probability=0.4)
    turns(recogniser, languages=())
    assert {language for _, language in recogniser.told} == {None}


@pytest.mark.parametrize(("heard", "text"), [("en", "Alpha 25"), ("de", "Alpha twenty five")])
def test_numbers_are_written_by_the_rules_of_the_language_that_was_heard(heard, text):
    last = turns(Polyglot(heard), languages=(), detects_language=True)[-1]
    assert last.text == text
    assert (last.language, last.language_probability) == (heard, 0.9)


@pytest.mark.parametrize("languages", [(), ("de",)])
def test_a_translation_is_written_by_the_rules_of_english(languages):
    recogniser = Polyglot("de")
    last = turns(recogniser, languages=languages, translates=True, detects_language=True)[-1]
    assert last.text == "Alpha 25"
    assert last.language == "de"
    assert {span.translates for call in recogniser.calls for span in call} == {True}
    assert {span.exact for call in recogniser.calls for span in call} == {True, False}


def test_a_translation_stays_english_when_the_spoken_language_changes():
    recogniser = Polyglot("de")
    change = Configure(languages=("fr",))
    last = turns(recogniser, change, languages=("de",), translates=True, filter_profanity=True)[-1]
    assert last.text == "Alpha 25"
    assert {language for _, language in recogniser.told} == {"fr"}


def test_a_language_is_reported_on_request_only():
    assert turns(Polyglot("de"), languages=())[-1].language is None
    told = turns(Polyglot("de"), languages=("fr",), detects_language=True)[-1]
    assert (told.language, told.language_probability) == ("fr", 1.0)


def test_the_language_can_change():
    recogniser = Polyglot("de")
    last = turns(recogniser, Configure(languages=("en",)), languages=("fr",))[-1]
    assert last.text == "Alpha 25"
    assert {language for _, language in recogniser.told} == {"en"}


def test_another_change_leaves_the_language_that_was_heard():
    recogniser = Polyglot("de")
    session = SessionMachine(
        "id", SessionOptions(16_000, languages=(), commit_words=True), LIMITS, now=0.0, unix_now=0.0
    )
    pump = Pump(session, recogniser, ScriptedDetector())
    said = pcm([*speech(0, 1, 2, 3, 8, 9, 4), *silence(60)])
    for place, start in enumerate(range(0, len(said), 3200)):
        session.receive(Audio(said[start : start + 3200]), 0.0)
        pump.run()
        if place == 20:
            session.receive(Configure(filter_profanity=True), 0.0)
    final = [event for event in session.take_events() if isinstance(event, TurnUpdated)][-1]
    assert "twenty five" in final.text
