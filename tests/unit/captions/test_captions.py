"""Captions: no word lost, limits kept wherever they can be, read by independent parsers."""

from __future__ import annotations

from itertools import pairwise

import pytest
import webvtt
from hypothesis import example, given
from hypothesis import strategies as st

import vivavoce
from support.caption_rules import check_parsers
from vivavoce.captions import Captioner, Cue, Style, captions, to_srt, to_vtt
from vivavoce.types import Word
from vivavoce.word_joining import is_unspaced, join_words

STYLE = Style()


def spoken(text, *, ms_per_letter=60, gap_ms=30, start_ms=0, pauses=None):
    """A turn at an even pace; `pauses` gives the pause after a mark, in milliseconds."""
    pauses = {".": 300, ",": 100} if pauses is None else pauses
    words, at = [], start_ms
    for part in text.split():
        end = at + 40 + ms_per_letter * len(part)
        words.append(Word(part, at, end, 0.9))
        at = end + gap_ms + pauses.get(part[-1], 0)
    return words


def lines(text, **options):
    return [cue.lines for cue in captions([spoken(text, **options)])]


# --- by example -------------------------------------------------------------------------------


def test_a_short_turn_is_one_line_for_the_shortest_time():
    assert captions([spoken("Good morning.")]) == [Cue(0, 1_000, ("Good morning.",))]


def test_no_words_make_no_cues():
    assert captions([]) == captions([[]]) == captions([[Word("", 0, 1, 1.0), Word(" ", 1, 2, 1.0)]]) == []
    assert to_srt([]) == ""
    assert to_vtt([]) == "WEBVTT\n\n"


def test_words_of_the_sdk_and_of_the_server_make_the_same_captions():
    words = spoken("We had everything before us, and no one had asked for it.")
    expected = captions([words])
    v3 = [vivavoce.Word(text=w.text, start=w.start_ms, end=w.end_ms, confidence=0.9) for w in words]
    v2 = [vivavoce.RealtimeWord(text=w.text, start=w.start_ms, end=w.end_ms, confidence=0.9) for w in words]
    assert captions([v3]) == captions([v2]) == expected


def test_lines_break_at_marks_and_before_conjunctions():
    assert lines("We had everything before us, and nobody had asked for it.") == [
        ("We had everything before us,", "and nobody had asked for it.")
    ]
    assert lines("Nobody had told the people in the house that it was raining.") == [
        ("Nobody had told the people in the house", "that it was raining.")
    ]


def test_sentences_begin_a_cue_of_their_own():
    text = "It was late in the evening when we came home. Nobody was there. The lights were off, all of them."
    assert [cue.text for cue in captions([spoken(text)])] == [
        "It was late in the evening when we came home. Nobody was there.",
        "The lights were off, all of them.",
    ]


def test_an_article_is_not_left_at_the_end_of_a_line():
    for line in sum(
        lines("I do not know whether anybody has seen the man in the red coat at the station today."), ()
    ):
        assert line.split()[-1].lower() not in {"the", "a", "in", "at"}


def test_a_long_pause_ends_a_cue():
    first, second = spoken("Hello there."), spoken("And now this.", start_ms=9_000)
    assert [cue.text for cue in captions([[*first, *second]])] == ["Hello there.", "And now this."]


def test_a_turn_ends_a_cue():
    cues = captions([spoken("Yes."), spoken("No.", start_ms=900)])
    assert [(cue.text, cue.start_ms) for cue in cues] == [("Yes.", 0), ("No.", 900)]
    assert cues[0].end_ms == 900  # no room for a whole second


def test_a_word_longer_than_a_line_has_one_of_its_own():
    long_word = "x" * 60
    assert lines(f"See {long_word} there, please.") == [("See",), (long_word,), ("there, please.",)]


def test_turns_can_come_one_by_one():
    turns = [spoken("Good morning, everybody."), spoken("How are you?", start_ms=4_000), []]
    captioner = Captioner()
    assert captioner.add(turns[0]) == []
    (first,) = captioner.add(turns[1])
    assert first == Cue(0, 1_600, ("Good morning, everybody.",))
    assert captioner.add(turns[2]) == []
    (last,) = captioner.finish()
    assert [first, last] == captions(turns)
    assert captioner.finish() == []


@pytest.mark.parametrize(
    "options",
    [{"lines": 0}, {"line_characters": 0}, {"characters_per_s": 0}, {"min_ms": 8_000}, {"min_ms": -1}],
)
def test_an_invalid_style_is_refused(options):
    with pytest.raises(ValueError, match=str(next(iter(options)))):
        Style(**options)


def test_marks_of_the_formats_are_harmless():
    cues = [Cue(0, 1_000, ("<b>A & B</b>", "--> 1"))]
    assert "--> 1" not in to_srt(cues)
    assert to_srt([Cue(0, 1_000, ("----> 1",))]).count("-->") == 1
    (caption,) = webvtt.from_string(to_vtt(cues)).captions
    assert caption.raw_text == "&lt;b&gt;A &amp; B&lt;/b&gt;\n--&gt; 1"


def test_a_number_is_no_line_of_its_own_at_the_end():
    said = spoken("Whoever is in need of help calls number 00441632960001")
    (cue,) = cues = captions([said])
    assert cue.lines == ("Whoever is in need", "of help calls number 00441632960001")
    check_parsers(cues)


def test_times_over_an_hour():
    cue = Cue(3_725_045, 3_726_000, ("Late.",))
    assert "01:02:05,045 --> 01:02:06,000" in to_srt([cue])
    assert "01:02:05.045 --> 01:02:06.000" in to_vtt([cue])


# --- for any words ----------------------------------------------------------------------------

TEXTS = st.one_of(
    st.sampled_from(
        ["a", "the", "and", "but", "of", "I", "word", "another", "sentence.", "clause,", "why?", "25%"]
    ),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=50),
)
TIMES = st.tuples(st.integers(0, 400), st.integers(0, 900), st.sampled_from([0, 0, 0, 50, 500, 2_500]))
TURNS = st.lists(st.lists(st.tuples(TEXTS, TIMES), max_size=25), max_size=4)


def made(turns):
    at, result = 0, []
    for turn in turns:
        words = []
        for text, (before, length, pause) in turn:
            words.append(Word(text, at + before, at + before + length, 0.9))
            at += before + length + pause
        result.append(words)
    return result


@given(TURNS)
def test_every_word_stays_in_its_place(turns):
    turns = made(turns)
    words = [part for turn in turns for word in turn for part in word.text.split()]
    shown = [line for cue in captions(turns) for line in cue.lines]
    assert join_words(shown) == join_words(words)
    if not any(map(is_unspaced, "".join(words))):
        assert [part for line in shown for part in line.split()] == words


@given(TURNS)
def test_cues_follow_one_another(turns):
    cues = captions(made(turns))
    assert all(cue.start_ms < cue.end_ms for cue in cues)
    assert all(cue.lines and all(cue.lines) for cue in cues)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(cues))


@given(TURNS)
@example([[*[("a", (0, 0, 0))] * 6, ("x" * 43, (0, 0, 0))]])
@example([[*[("a", (0, 0, 0))] * 20, ("x" * 43, (0, 0, 0))]])
def test_cues_begin_with_their_first_word_or_once_the_one_before_was_shown_long_enough(turns):
    spoken = [word for turn in made(turns) for word in turn if word.text.split()]
    owners = [(word, not at) for word in spoken for at in range(len(word.text))]  # of each character
    shares_ms, share_ms = {}, 0  # words that start together have 40 ms a character, one after the other
    for before, word in pairwise([None, *spoken]):
        is_together = before is not None and before.start_ms == word.start_ms
        share_ms = share_ms + 40 * (len(before.text) + 1) if is_together else 0
        shares_ms[id(word)] = share_ms
    at, earliest_ms = 0, 0
    for cue in captions(made(turns)):
        word, is_first = owners[at]
        assert word.start_ms <= cue.start_ms
        if is_first:  # segments without spaces are split
            # Words without length are moved up by a millisecond each.
            assert cue.start_ms <= max(word.start_ms + shares_ms[id(word)], earliest_ms) + len(spoken)
        at, earliest_ms = at + len("".join(cue.text.split())), cue.start_ms + STYLE.min_ms
    assert at == len(owners)


@given(TURNS)
@example([[("x" * 43, (0, 1, 0)), ("y", (0, 1, 0))]])
def test_limits_are_kept_wherever_they_can_be(turns):
    cues = captions(made(turns))
    for index, cue in enumerate(cues):
        assert len(cue.lines) <= STYLE.lines
        assert all(len(line) <= STYLE.line_characters or len(line.split()) == 1 for line in cue.lines)
        assert cue.end_ms - cue.start_ms <= STYLE.max_ms
        # Shown too short or too fast only where the next cue leaves no more time.
        shown_ms = cue.end_ms - cue.start_ms
        wanted_ms = max(STYLE.min_ms, len(cue.text) * 1000 / STYLE.characters_per_s)
        if shown_ms < min(wanted_ms, STYLE.max_ms):
            assert cues[index + 1].start_ms - cue.end_ms <= STYLE.gap_ms


@given(
    st.lists(
        st.sampled_from(
            ["so", "it", "was", "that", "one", "day", "nobody", "came", "back", "home", "again", "today"]
        ),
        min_size=2,
        max_size=60,
    )
)
def test_no_cue_and_no_line_has_a_single_word(texts):
    for cue in captions([spoken(" ".join(texts))]):
        assert len(cue.text.split()) > 1
        assert all(len(line.split()) > 1 for line in cue.lines)


@given(TURNS)
def test_independent_parsers_read_the_same(turns):
    check_parsers(captions(made(turns)))
