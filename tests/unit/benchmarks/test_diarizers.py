"""How conversations are laid together, and how what is heard in them is scored."""

import itertools
import wave

import numpy as np
import pytest
from benchmarks.diarization_error import Spoken
from benchmarks.diarizers import Heard, Laid, Marks, heard_words, laid, main, mark, whole_words
from benchmarks.speakers import Said

from support.scripted_engine import speech
from vivavoce.client.events import Word
from vivavoce.errors import ConfigurationError

WORD = len(speech(0))


def said(word, n, first=0):
    """N words, the first of which is no whole one if `first` is 1."""
    return Said(speech(*[word] * n), tuple((at * WORD, at * WORD + WORD) for at in range(first, n)))


TURNS = [(0, said(1, 6)), (1, said(2, 5)), (0, said(3, 4))]


def lay(form, seed=0):
    return laid("a talk", TURNS, form, np.random.default_rng(seed))


def test_turns_are_cut_to_whole_words_and_speakers_alternate():
    drawn = [
        (0, said(1, 9, 1)),
        (1, said(2, 9, 8)),
        (1, Said(speech(2), ())),
        (0, said(3, 9)),
        (1, said(2, 8)),
    ]
    found = whole_words(drawn)
    assert [who for who, _ in found] == [0, 1]
    assert [len(each.samples) for _, each in found] == [8 * WORD, 8 * WORD]
    assert found[0][1].words[0] == (0, WORD)


def test_turns_begin_and_end_with_a_word_and_lie_where_they_are_heard():
    for form in ("pauses", "joined"):
        found = lay(form)
        assert [each.speaker for each in found.turns] == ["speaker0", "speaker1", "speaker0"]
        for turn, word in zip(found.turns, (1, 2, 3), strict=True):
            first, last = round(turn.start_s * 16_000), round(turn.end_s * 16_000)
            n = (last - first) // WORD
            assert np.array_equal(found.samples[first:last], speech(*[word] * n))
        edges = {each.start_s for each in found.turns} | {each.end_s for each in found.turns}
        assert edges <= {each.start_s for each in found.words} | {each.end_s for each in found.words}


def test_pauses_are_those_of_conversation_or_none():
    for seed in range(20):
        turns = lay("pauses", seed).turns
        gaps = [after.start_s - before.end_s for before, after in itertools.pairwise(turns)]
        assert all(0.29 <= gap <= 1.5 for gap in gaps)
    turns = lay("joined").turns
    assert [one.end_s for one in turns[:-1]] == [one.start_s for one in turns[1:]]


def test_a_conversation_is_written_with_its_reference(tmp_path):
    found = lay("joined")
    path = found.write(tmp_path)
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.getnframes() == len(found.samples)
    lines = (tmp_path / "a talk.rttm").read_text().splitlines()
    assert len(lines) == 3
    assert f" 1 0.500 {6 * WORD / 16_000:.3f} <NA> <NA> speaker0 <NA> <NA>" in lines[0]


REFERENCE = Laid(
    "a talk",
    np.zeros(160_000, np.float32),
    (Spoken(0, 4, "speaker0"), Spoken(4, 8, "speaker1")),
    (Spoken(0, 2, "speaker0"), Spoken(2, 4, "speaker0"), Spoken(4, 7, "speaker1"), Spoken(7, 8, "speaker1")),
)


def test_a_turn_and_a_word_have_the_speaker_who_is_heard_most_during_them():
    marks = Marks()
    mark(marks, REFERENCE, Heard([Spoken(0, 3.5, "A"), Spoken(3.5, 6.8, "B"), Spoken(6.8, 8, "A")], 0.5))
    assert marks.turns == [True, True]
    assert marks.words == [True, True, True, False]
    assert marks.counted == [True]
    assert marks.error.confused_s == pytest.approx(0.25 + 0.95)  # within the collar it does not count
    assert (marks.audio_s, marks.cpu_s) == (10, 0.5)
    assert marks.row().split(" | ")[4:] == ["100.0", "75.0", "1 of 1", "180"]


def test_silence_between_stretches_of_one_speaker_is_part_of_the_turn():
    marks = Marks()
    mark(
        marks, REFERENCE, Heard([Spoken(0, 1, "A"), Spoken(2, 4, "A"), Spoken(4, 5, "B"), Spoken(7, 8, "B")])
    )
    assert marks.error.rate == 0
    assert marks.cpu_s is None


def test_nothing_heard_is_wrong_everywhere():
    marks = Marks()
    mark(marks, REFERENCE, Heard([]))
    assert not any([*marks.turns, *marks.words, *marks.counted])
    assert marks.error.rate == 1


def test_words_without_a_speaker_are_nobodys():
    words = [
        Word(start=0, end=500, text="one", confidence=1.0, speaker="A"),
        Word(start=500, end=900, text="two", confidence=1.0),
    ]
    words.append(Word(start=900, end=990, text="three", confidence=1.0, speaker="PENDING"))
    assert heard_words(words) == [Spoken(0, 0.5, "A")]


def test_no_sessions_are_an_error():
    with pytest.raises(ConfigurationError, match="--sessions must be at least 1, got 0"):
        main(["--sessions", "0"])
