"""Latencies against reference words."""

import pytest

from vivavoce.cli.demo_latency import LatencyMeter, ReferenceWord
from vivavoce.cli.transcript_line import TranscriptLine

REFERENCE = [
    ReferenceWord(text, end - 0.2, end)
    for text, end in [("it", 0.6), ("was", 0.9), ("the", 1.2), ("best", 1.8), ("of", 3.0), ("times", 3.4)]
]


def transcript(text, *, final=False):
    return TranscriptLine(text, final)


def test_a_word_counts_from_the_message_after_which_it_never_changed():
    meter = LatencyMeter(REFERENCE)
    meter.start(1000.0)
    meter.add(1000.9, transcript("it"))
    meter.add(1001.3, transcript("it what"))
    meter.add(1001.6, transcript("it was the"))
    meter.add(1002.5, transcript("It was, the best.", final=True))
    summary = meter.summary()
    assert (summary.words, summary.utterances) == (4, 1)
    assert summary.first_word_s == pytest.approx(0.5)  # shown at 0.9, begun at 0.4
    # it 0.9-0.6, was 1.6-0.9, the 1.6-1.2, best 2.5-1.8
    assert summary.word_s == pytest.approx((0.4 + 0.7) / 2)
    assert summary.final_s == pytest.approx(0.7)


def test_a_word_that_flickered_counts_from_its_return():
    meter = LatencyMeter(REFERENCE)
    for at, text in [(0.7, "it"), (0.8, ""), (0.9, "bit"), (1.0, "it")]:
        meter.add(at, transcript(text))
    meter.add(1.5, transcript("It.", final=True))
    assert meter.summary().word_s == pytest.approx(0.4)


def test_wrong_words_have_no_latency_and_later_words_still_match():
    meter = LatencyMeter(REFERENCE)
    meter.add(2.0, transcript("It was a beast.", final=True))
    meter.add(4.4, transcript("Of times!", final=True))
    summary = meter.summary()
    assert (summary.words, summary.utterances) == (6, 2)
    assert summary.final_s == pytest.approx(1.0)  # the last word of the first utterance is wrong
    assert summary.word_s == pytest.approx((1.1 + 1.4) / 2)  # 1.4, 1.1, 1.4, 1.0


def test_without_a_reference_only_words_are_counted():
    meter = LatencyMeter()
    meter.add(1.0, transcript("Two words - no times.", final=True))
    summary = meter.summary()
    assert summary.words == 4
    assert (summary.first_word_s, summary.word_s, summary.final_s) == (None, None, None)


def test_no_transcripts_give_no_words():
    assert LatencyMeter(REFERENCE).summary().words == 0
