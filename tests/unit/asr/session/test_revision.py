"""Finals by a second, better recogniser: what it may change, and what waits for it."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from support.sessions import LIMITS
from vivavoce.asr.engine import Pump
from vivavoce.asr.models import Hypothesis, HypothesisWord, recognise
from vivavoce.asr.session import SessionMachine, Tuning
from vivavoce.asr.session.revision import after_promise
from vivavoce.protocol.events import (
    Audio,
    Configure,
    ForceEndpoint,
    SessionOptions,
    Terminate,
    TurnUpdated,
)
from vivavoce.types import Failure

REVISING = dataclasses.replace(Tuning(), revises=True)


def heard(*texts, starts=None):
    return tuple(
        HypothesisWord(text, 0.3 * at, 0.3 * at + 0.2, 0.9, 1)
        for at, text in zip(starts or range(len(texts)), texts, strict=True)
    )


def texts(words):
    return [word.text for word in words]


def test_without_a_promise_all_words_are_the_better_ones():
    assert texts(after_promise((), heard("a", "b"))) == ["a", "b"]


def test_words_after_the_promise_are_the_better_ones():
    promised = heard("I", "sea", "the")
    assert texts(after_promise(promised, heard("I", "see", "the", "big", "house."))) == ["big", "house."]
    assert texts(after_promise(promised, heard("I", "the", "house.", starts=[0, 2, 3]))) == ["house."]
    assert texts(after_promise(promised, heard("Well,", "I", "see", "the", "house."))) == ["house."]
    assert after_promise(promised, heard("I", "see", "the")) == ()
    assert after_promise(promised, ()) == ()


def test_time_decides_where_the_words_do_not():
    promised = heard("no", "no")
    words = heard("no", "no", "no", "no")
    assert len(after_promise(promised, words)) == 2


WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=8)


@given(WORDS, WORDS)
def test_a_revision_that_agrees_with_the_promise_adds_exactly_the_rest(promised, rest):
    words = heard(*promised, *rest)
    assert after_promise(words[: len(promised)], words) == words[len(promised) :]


class Session:
    """A session whose first and second recogniser a test runs when it wants."""

    def __init__(self, tuning=REVISING, **options):
        self.machine = SessionMachine(
            "id", SessionOptions(16_000, **options), LIMITS, now=0.0, unix_now=0.0, tuning=tuning
        )
        self.pump = Pump(self.machine, ScriptedRecogniser(), ScriptedDetector())
        self.revised = []

    def say(self, *parts):
        for samples in parts:
            for start in range(0, len(samples), 1600):
                self.machine.receive(Audio(pcm(samples[start : start + 1600])), 0.0)
                self.pump.run()
        return self

    def revise(self, better=None):
        """Do the passes of the second recogniser: in capitals, or as given."""
        while (request := self.machine.next_revision()) is not None:
            span = self.machine.begin_revision(request)
            self.revised.append(request)
            assert self.machine.next_revision() is None  # one at a time
            [hypothesis] = recognise(ScriptedRecogniser(), [span])
            words = hypothesis.words if better is None else better
            loud = tuple(dataclasses.replace(word, text=word.text.upper()) for word in words)
            self.machine.apply_revision(request, Hypothesis(words=loud))
            self.pump.run()
        return self

    def turns(self):
        return [event for event in self.machine.take_events() if isinstance(event, TurnUpdated)]

    def finals(self):
        return [turn.text for turn in self.turns() if turn.ended]


def test_a_final_waits_for_the_better_recogniser():
    session = Session().say(speech(0, 1), silence(60))
    assert session.machine.awaited_revisions == (0,)
    assert session.finals() == []
    session.revise()
    assert session.finals() == ["ALPHA BRAVO."]
    assert session.machine.awaited_revisions == ()


def test_the_better_recogniser_begins_before_the_turn_ends():
    session = Session().say(speech(0, 1), silence(16))
    session.revise()
    assert session.finals() == []
    session.say(silence(44))
    assert session.finals() == ["ALPHA BRAVO."]
    assert len(session.revised) == 1


def test_a_revision_of_a_pause_is_no_revision_of_what_follows():
    session = Session().say(speech(0), silence(16)).revise().say(speech(1), silence(60))
    assert session.finals() == []
    session.revise()
    assert session.finals() == ["ALPHA BRAVO."]
    assert len(session.revised) == 2


def test_promised_words_stay():
    session = Session(commit_words=True, format_finals=False, punctuate_finals=False)
    session.say(speech(0, 1, 2, 3, 4, 5, 6), silence(60))
    promised = [turn.final_text for turn in session.turns()][-1].split()
    assert promised
    assert "ALPHA" not in promised
    session.revise()
    (final,) = session.finals()
    assert final.split()[: len(promised)] == promised


def test_a_late_revision_is_done_without():
    session = Session().say(speech(0, 1), silence(60))
    request = session.machine.next_revision()
    session.machine.begin_revision(request)
    assert session.machine.give_up_revision(0)
    assert session.finals() == ["Alpha bravo."]
    session.machine.apply_revision(request, Hypothesis(words=heard("late")))
    assert session.finals() == []
    assert not session.machine.give_up_revision(0)


def test_the_next_turn_waits_for_its_place():
    session = Session().say(speech(0, 1), silence(60), speech(2, 3))
    turns = session.turns()
    assert {turn.turn_order for turn in turns} == {0}
    session.revise()
    final, *partials = session.turns()
    assert (final.turn_order, final.text) == (0, "ALPHA BRAVO.")
    assert partials
    assert {turn.turn_order for turn in partials} == {1}
    session.say(silence(60)).revise()
    assert session.finals() == ["CHARLIE, DELTA"]


def test_a_session_ends_with_revised_words():
    session = Session().say(speech(0, 1))
    session.machine.receive(Terminate(), 0.0)
    session.pump.run()
    assert not session.machine.is_over
    session.revise()
    assert session.finals() == ["ALPHA BRAVO."]
    assert session.machine.is_over
    assert session.machine.next_revision() is None


def test_a_better_recogniser_that_hears_nothing_changes_nothing():
    session = Session().say(speech(0, 1), silence(60)).revise(better=())
    assert session.finals() == ["Alpha bravo."]


def test_silence_and_sessions_without_a_second_recogniser_ask_for_nothing():
    assert Session().say(silence(80)).machine.next_revision() is None
    session = Session(Tuning()).say(speech(0, 1), silence(60))
    assert session.machine.next_revision() is None
    assert session.finals() == ["Alpha bravo."]


@given(st.integers(1, 40), st.lists(st.booleans(), min_size=1, max_size=8), st.booleans())
def test_when_the_better_recogniser_runs_does_not_matter(chunk, runs, reports_pauses):
    session = Session(report_pauses=reports_pauses)
    samples = [*speech(0, 1), *silence(50), *speech(2), *silence(20), *speech(3), *silence(60)]
    said = pcm(samples)
    for at, start in enumerate(range(0, len(said), chunk * 320)):
        session.machine.receive(Audio(said[start : start + chunk * 320]), 0.0)
        session.pump.run()
        if runs[at % len(runs)]:
            session.revise()
    session.revise()
    session.machine.receive(Terminate(), 0.0)
    session.pump.run()
    session.revise()
    assert session.finals() == ["ALPHA BRAVO.", "CHARLIE, DELTA"]


def test_a_pause_in_the_next_turn_belongs_to_the_next_turn():
    session = Session(commit_words=True, report_pauses=True, format_finals=False, punctuate_finals=False)
    session.say(speech(0, 1, 2, 3, 7), silence(60))
    promised = session.turns()[-1].final_text.split()
    session.say(speech(4, 6, 7), silence(18))
    assert session.turns() == []
    session.revise()
    turns = session.turns()
    final = next(turn for turn in turns if turn.ended)
    assert final.turn_order == 0
    assert final.text.split()[: len(promised)] == promised
    assert "hotel" in final.text.lower()
    assert "foxtrot" not in final.text.lower()
    assert {turn.turn_order for turn in turns if not turn.ended} == {1}


def test_a_turn_that_is_done_behind_one_that_waits_stops_nobody():
    session = Session(answer_empty_force=True)
    session.say(speech(0, 1), silence(60))
    session.machine.receive(ForceEndpoint(), 0.0)
    session.say(silence(8), speech(2, 3, 4))
    assert session.machine.awaited_revisions == (0,)
    current = session.machine._segmenter.current
    assert current is not None
    assert current.has_words
    session.revise()
    assert session.finals()[0] == "ALPHA BRAVO."


def test_a_failed_session_waits_for_nothing():
    session = Session().say(speech(0, 1), silence(60))
    session.machine.fail(Failure.IDLE)
    assert session.machine.awaited_revisions == ()
    assert not session.machine.give_up_revision(0)


def test_a_revision_without_the_terms_that_are_expected_now_is_none():
    session = Session().say(speech(0, 1), silence(16)).revise()
    session.machine.receive(Configure(key_terms=("ALPHABET",)), 0.0)
    session.say(silence(44))
    assert session.finals() == []
    session.revise()
    assert len(session.revised) == 2
    assert session.finals() == ["ALPHA BRAVO."]
