"""The study of Whisper models: word errors in other languages, and the opening of speech."""

import numpy as np
from benchmarks.whisper_streaming import errors_of, speech_opening

from support.scripted_engine import ScriptedDetector


def test_words_are_compared_without_marks_and_case():
    assert errors_of([("Der Raum wurde genutzt.", "der raum wird genutzt")], "de") == (1, 4)
    assert errors_of([("It was twenty five.", "it was 25")], "en") == (0, 3)
    assert errors_of([("", "nothing")], "de") == (0, 0)


def test_characters_are_compared_where_words_have_no_spaces():
    assert errors_of([("\u5ba2\u89b3\u7684\u5b9f\u5728", "\u5ba2 \u89b3 \u7684 \u5b9f")], "ja") == (1, 5)


def test_the_opening_begins_with_speech():
    detector = ScriptedDetector()
    speech = np.full(16_000 * 6, 0.5, np.float32)
    samples = np.concatenate([np.zeros(16_000, np.float32), speech])
    opening = speech_opening(samples, detector)
    assert len(opening) == 3 * 16_000
    assert np.count_nonzero(opening) > 2.9 * 16_000
    assert len(speech_opening(np.zeros(16_000, np.float32), detector)) == 16_000
