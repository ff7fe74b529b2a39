"""A sentence that was cut where its utterance had become too long, or was ended by force, reads as one."""

import dataclasses

import pytest

from support import scripted_engine
from support.scripted_engine import FRAME, LEXICON, ScriptedRecogniser, silence, speech
from support.sessions import Driver
from vivavoce.asr.models import Hypothesis, HypothesisWord
from vivavoce.asr.session import Tuning
from vivavoce.asr.session.joints import Joint
from vivavoce.protocol.events import ForceEndpoint

SHORT = Tuning(max_utterance_ms=3_000, cut_window_ms=1_500, joint_ms=1_500)


class Sentences(ScriptedRecogniser):
    """Takes each span for whole sentences, as the model does: capital first, full stop last."""

    def recognise(self, spans):
        return [
            dataclasses.replace(it, words=_as_sentence(it.words)) if it.words else it
            for it in super().recognise(spans)
        ]


def _as_sentence(words):
    texts = [word.text.lower() for word in words]
    texts[0] = texts[0].capitalize()
    if not texts[-1].endswith("."):
        texts[-1] = texts[-1].rstrip(",?!") + "."
    return tuple(dataclasses.replace(word, text=text) for word, text in zip(words, texts, strict=True))


LONG = [0, 3, 7, 0, 3, 7, 0, 3, 0, 7, 3, 7]  # words without a mark of their own; 4.2 s


@pytest.mark.parametrize("commits", [False, True])
def test_a_sentence_that_was_cut_reads_as_one(commits):
    driver = Driver(recogniser=Sentences(), tuning=SHORT, commit_words=commits, format_partials=commits)
    driver.say(speech(*LONG))
    driver.say(silence(60))
    text = " ".join(driver.texts)
    words = text.split()
    assert [word.lower().strip(".") for word in words] == [LEXICON[index].lower() for index in LONG]
    assert [word for word in words if word.endswith(".")] == words[-1:]
    assert [word for word in words if word[0].isupper()] == words[:1]
    assert len(driver.finals) == (1 if commits else 2)


def test_a_sentence_that_ends_at_the_cut_keeps_its_stop():
    driver = Driver(tuning=SHORT)
    stops = [0, 1] * 6  # "Alpha bravo. Alpha bravo."
    driver.say(speech(*stops))
    driver.say(silence(60))
    assert len(driver.finals) > 1
    assert " ".join(driver.texts) == " ".join(["Alpha bravo."] * 6)


def test_partials_after_the_cut_read_as_the_final_does():
    driver = Driver(recogniser=Sentences(), tuning=SHORT, format_partials=True)
    driver.say(speech(*LONG), FRAME)
    driver.say(silence(60))
    second = [update.text for update in driver.updates if update.turn_order == 1]
    assert len(second) > 2
    assert all(text[0].islower() for text in second)


def test_a_turn_ended_by_force_in_mid_sentence(monkeypatch):
    monkeypatch.setattr(scripted_engine, "LEXICON", [*LEXICON[:7], "The", *LEXICON[8:]])
    driver = Driver()
    driver.say(speech(0, 3))
    driver.command(ForceEndpoint())
    driver.say(speech(7, 3))
    driver.say(silence(60))
    assert driver.texts == ["Alpha delta", "the delta"]
    driver.say(speech(7, 3))  # after silence a sentence begins
    driver.say(silence(60))
    assert driver.texts[2] == "The delta"


def hypothesis(*words):
    return Hypothesis(
        (), tuple(HypothesisWord(text, index, index + 0.8, 1.0, 1) for index, text in enumerate(words))
    )


@pytest.mark.parametrize(
    ("around", "sides", "joined"),
    [
        (("said", "he", "went", "home."), ("he.", "Went"), "he went"),
        (("said", "he.", "Went", "home."), ("he", "went"), "he. Went"),
        (("said", "he,", "went", "home."), ("he.", "Went"), "he, went"),
        (("said", "he?", '"Went', "home."), ("he.", "Went"), "he? Went"),
        (("said", "to", "Paris", "home."), ("to.", "Paris"), "to Paris"),
        (("said", "to", "paris", "home."), ("to.", "I'm"), "to I'm"),
        (("said", "to", "NASA", "home."), ("to.", "NASA"), "to NASA"),
        (("said", "to"), ("to.", "Went"), "to. Went"),  # nothing is known
        (("said", "to"), ("to", "The"), "to the"),
        ((), ("to", "Then"), "to then"),
        ((), ("to", "Paris"), "to Paris"),  # perhaps a name
        (("said", "he", "went", "home."), ('he."', "'Went"), "he\" 'went"),
    ],
)
def test_marks_and_capitals_are_those_of_the_audio_around_the_cut(around, sides, joined):
    joint = Joint(at=2 * 16_000 - 1_600, start=0, end=4 * 16_000)
    joint.take(hypothesis(*around))
    before = joint.before(sides[0])
    joint.last = before
    assert f"{before} {joint.after(sides[1])}" == joined


def test_without_words_before_the_cut_a_sentence_begins_after_it():
    joint = Joint(at=0, start=0, end=0, is_known=True)
    assert joint.after("Went") == "Went"
