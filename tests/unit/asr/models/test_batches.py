"""Batches of spans, and models without steps."""

import pytest

from support.scripted_engine import ScriptedRecogniser, speech
from vivavoce.asr.models import BatchAtOnce, Hypothesis, Span, recognise, recognise_in


def test_spans_are_recognised_in_their_order_whoever_is_done_first():
    recogniser = ScriptedRecogniser()
    spans = [Span(speech(0)), Span(speech(1, 2)), Span(speech(3))]
    assert [it.text for it in recognise(recogniser, spans)] == ["Alpha", "bravo. Charlie,", "delta"]
    assert recognise(recogniser, []) == []


def test_a_batch_of_a_model_without_steps_is_done_at_once_and_can_be_used_again():
    calls = []

    def model(spans):
        calls.append(len(spans))
        return [Hypothesis((len(span.samples),)) for span in spans]

    batch = BatchAtOnce(model)
    assert batch.step() == []
    first, second = batch.add(Span(speech(0))), batch.add(Span(speech(0, 1)))
    assert len(batch) == 2
    assert {key: it.tokens for key, it in batch.step()} == {
        first: (len(speech(0)),),
        second: (len(speech(0, 1)),),
    }
    assert len(batch) == 0
    assert recognise_in(batch, [Span(speech(2))])[0].tokens == (len(speech(2)),)
    assert calls == [2, 1], "the model is not called for nothing"


def test_spans_of_a_model_that_failed_are_not_tried_again():
    def model(spans):
        raise ValueError("no")

    batch = BatchAtOnce(model)
    batch.add(Span(speech(0)))
    with pytest.raises(ValueError, match="no"):
        batch.step()
    assert batch.step() == []
