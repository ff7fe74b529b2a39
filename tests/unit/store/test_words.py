"""Turns whose text or speakers have changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.store.words import assigned, corrected, labelled, parts, revised
from vivavoce.types import Word


def said(*pairs):
    """Words of 100 ms, each with its speaker: "A one", "B two"."""
    return tuple(
        Word(text, 100 * place, 100 * place + 90, 0.9, True, speaker, None if speaker is None else 0.8)
        for place, (speaker, text) in enumerate(pairs)
    )


def spoken(words):
    return [(word.speaker, word.text) for word in words]


TWO = said(("A", "how"), ("A", "are"), ("A", "you"), ("B", "fine"))


def test_a_turn_has_a_part_for_each_change_of_speaker():
    assert [len(part) for part in parts(TWO)] == [3, 1]
    assert parts(said((None, "a"), (None, "b"))) == [said((None, "a"), (None, "b"))]


def test_words_without_a_speaker_have_that_of_their_turn():
    words = labelled(said((None, "a"), ("B", "b")), "A", 0.5)
    assert [(word.speaker, word.speaker_confidence) for word in words] == [("A", 0.5), ("B", 0.8)]
    assert labelled(TWO, None, None) == TWO


def test_a_part_is_corrected_within_its_time():
    words = corrected(TWO, "who is there today", 0)
    assert spoken(words) == [("A", "who"), ("A", "is"), ("A", "there"), ("A", "today"), ("B", "fine")]
    assert (words[0].start_ms, words[3].end_ms) == (0, 290)
    assert words[4] == TWO[3]


def test_a_whole_turn_keeps_the_speakers_of_its_time():
    assert spoken(corrected(TWO, "how do you do well")) == [
        ("A", "how"), ("A", "do"), ("A", "you"), ("A", "do"), ("B", "well")
    ]  # fmt: skip


def test_what_cannot_be_changed_is_refused():
    for part in (-1, 2):
        assert corrected(TWO, "text", part) is None
        assert assigned(TWO, "C", part) is None
    assert corrected(TWO, "  ", 0) is None


def test_a_part_gets_another_speaker_who_is_certain():
    words = assigned(TWO, "C", 1)
    assert spoken(words)[3] == ("C", "fine")
    assert words[3].speaker_confidence is None
    assert len(parts(assigned(TWO, "A", 1))) == 1
    assert {word.speaker for word in assigned(TWO, "C")} == {"C"}


def test_a_revision_reaches_a_corrected_text_by_its_times():
    words = corrected(TWO, "how do you do I am fine")
    labels = said(("B", "how"), ("B", "are"), ("B", "you"), ("A", "fine"))
    assert [word.speaker for word in revised(words, labels)][:4] == ["B"] * 4
    assert revised(words, labels)[-1].speaker == "A"


words = st.lists(st.tuples(st.sampled_from([None, "A", "B"]), st.sampled_from(["a", "bc"])), min_size=1).map(
    lambda pairs: said(*pairs)
)


@given(words, st.text("xy ", max_size=9), st.none() | st.integers(0, 4))
def test_a_correction_changes_the_words_of_its_part_alone(old, text, part):
    new = corrected(old, text, part)
    if new is None:
        assert not text.split() or not (part is None or part < len(parts(old)))
        return
    before, after = ([], []) if part is None else (parts(old)[:part], parts(old)[part + 1 :])
    before, after = ([word for run in each for word in run] for each in (before, after))
    assert new[: len(before)] == tuple(before)
    assert new[len(new) - len(after) :] == tuple(after)
    assert [word.text for word in new[len(before) : len(new) - len(after)]] == text.split()
    assert (new[0].start_ms, new[-1].end_ms) == (old[0].start_ms, old[-1].end_ms)


@given(words, words)
def test_a_revision_changes_speakers_alone(old, labels):
    new = revised(old, labels)
    assert [(word.text, word.start_ms) for word in new] == [(word.text, word.start_ms) for word in old]
    assert {word.speaker for word in new} <= {word.speaker for word in labels}
