"""Voices are told apart while a session runs, and again at its end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.speakers import VoiceBook

WIDTH = 32
NOBODY = np.zeros((0, WIDTH), np.float32)


def voices(n):
    """Voices that are as unlike as those of different people."""
    return np.linalg.qr(np.random.default_rng(0).normal(size=(WIDTH, n)))[0].T


def windows(voice, n, seed=0, spread=0.1):
    """Embeddings of some windows of one voice; the cosine of two of them is near 0.75."""
    noise = np.random.default_rng(seed).normal(0, spread, (n, WIDTH))
    found = voice + noise
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_each_voice_gets_a_label_and_keeps_it():
    book, spoken = VoiceBook(), [0, 1, 0, 2, 1, 1, 2, 0, 3]
    found = [book.hear(turn, windows(voices(4)[voice], 4, turn)) for turn, voice in enumerate(spoken)]
    assert found == spoken
    assert book.revised() == book.shown == dict(enumerate(spoken))


def test_a_turn_without_speech_has_no_label():
    book = VoiceBook()
    assert book.hear(0, NOBODY) is None
    assert book.hear(1, windows(voices(1)[0], 2)) == 0
    assert book.revised() == {1: 0}
    assert VoiceBook().revised() == {}


def test_there_are_never_more_voices_than_allowed():
    book = VoiceBook(max_voices=2)
    found = [book.hear(turn, windows(voices(6)[turn % 6], 3, turn)) for turn in range(30)]
    assert set(found) == {0, 1}
    assert set(book.revised().values()) <= {0, 1}


def test_a_label_of_two_voices_is_put_right_at_the_end():
    first, second = voices(2)
    between = (first + second) / np.linalg.norm(first + second)
    book = VoiceBook()
    assert book.hear(0, windows(between, 1, 0, 0.01)) == 0  # as one window of an unsure start may be
    shown = [book.hear(turn, windows((first, second)[turn % 2], 4, turn)) for turn in range(1, 9)]
    revised = book.revised()
    assert len({revised[turn] for turn in range(1, 9, 2)}) == 1
    assert len({revised[turn] for turn in range(2, 9, 2)}) == 1
    assert revised[1] != revised[2]
    assert book.shown == {0: 0} | dict(enumerate(shown, 1))


def test_a_lone_voice_is_never_two():
    book = VoiceBook()
    lengths = np.random.default_rng(3).integers(1, 6, 400)
    assert {book.hear(turn, windows(voices(1)[0], n, turn)) for turn, n in enumerate(lengths)} == {0}
    assert set(book.revised().values()) == {0}


def test_many_turns_are_revised_in_a_moment():
    book = VoiceBook()
    for turn in range(700):
        book.hear(turn, windows(voices(3)[turn % 3], 1 + turn % 4, turn))
    assert book.revised() == {turn: turn % 3 for turn in range(700)}


@pytest.mark.parametrize("most", [None, 1, 3])
@given(turns=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=30))
def test_labels_are_in_order_and_final(most, turns):
    book, told = VoiceBook(most), {}
    for turn, (voice, n) in enumerate(turns):
        label = book.hear(turn, windows(voices(6)[voice], n, turn, 0.15))
        assert (label is None) == (n == 0)
        if label is not None:
            assert 0 <= label <= max(told.values(), default=-1) + 1
            assert most is None or label < most
            told[turn] = label
        assert book.shown == told
    revised = book.revised()
    assert set(revised) == set(told)
    assert most is None or all(label < most for label in revised.values())
    again = VoiceBook(most)
    for turn, (voice, n) in enumerate(turns):
        again.hear(turn, windows(voices(6)[voice], n, turn, 0.15))
    assert (again.shown, again.revised()) == (book.shown, revised)
