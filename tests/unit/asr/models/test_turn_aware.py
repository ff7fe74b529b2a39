"""A recogniser with a turn detector."""

import numpy as np
import pytest

from support.scripted_engine import ScriptedRecogniser, speech
from vivavoce.asr.models import Span, TurnAwareRecogniser, recognise
from vivavoce.errors import EngineError


class Scripted:
    """A turn detector for which loud turns are over."""

    name = "scripted turns"

    def __init__(self, error=None):
        self.turns = []
        self.error = error

    def end_probabilities(self, turns):
        if self.error:
            raise self.error
        self.turns += turns
        return [float(np.abs(turn).max()) for turn in turns]


def test_only_spans_that_ask_for_it_have_an_end_probability():
    turns = Scripted()
    recogniser = TurnAwareRecogniser(ScriptedRecogniser(), turns)
    spans = [Span(speech(0)), Span(speech(1), asks_for_end=True), Span(speech(2), asks_for_end=True)]
    hypotheses = recognise(recogniser, spans)
    assert [it.end_probability for it in hypotheses] == [None, pytest.approx(0.1), pytest.approx(0.15)]
    assert [it.text for it in hypotheses] == [it.text for it in ScriptedRecogniser().recognise(spans)]
    assert len(turns.turns) == 2
    assert "scripted turns" in recogniser.name
    assert recogniser.max_batch == ScriptedRecogniser().max_batch
    assert recogniser.joins_running is ScriptedRecogniser().joins_running
    assert recogniser.step_samples == ScriptedRecogniser().step_samples


def test_the_error_of_a_turn_detector_has_its_name():
    recogniser = TurnAwareRecogniser(ScriptedRecogniser(), Scripted(ValueError("shape")))
    assert recognise(recogniser, [Span(speech(0))])
    with pytest.raises(EngineError, match="scripted turns failed: shape"):
        recognise(recogniser, [Span(speech(0), asks_for_end=True)])
