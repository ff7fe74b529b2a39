"""Captions of words without proper times, of turns that are short or cut, and of several voices."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import vivavoce
from support.caption_rules import STYLE, check_parsers, check_rules
from vivavoce.captions import Captioner, Style, captions
from vivavoce.types import Word
from vivavoce.word_joining import is_unspaced, join_words

LONG = (
    "Good evening, and welcome to the programme. Tonight we speak about the weather in the mountains, "
    "which has been much warmer than anybody expected."
)
THREE_HOURS_MS = 3 * 3_600_000


def words_of(text, start_ms, end_ms):
    """Words that all have the same times."""
    return [Word(part, start_ms, end_ms, 0.9) for part in text.split()]


def shown(cues):
    return [part for cue in cues for line in cue.lines for part in line.split()]


# --- times that several words share -----------------------------------------------------------


@pytest.mark.parametrize("offset_ms", [0, THREE_HOURS_MS])
@pytest.mark.parametrize(
    "turn",
    [
        [Word(LONG, 0, 8_000, 0.9)],
        words_of(LONG, 0, 8_000),
        words_of(LONG, 0, 0),
        [*words_of(LONG, 0, 0), Word("Indeed.", 9_000, 9_300, 0.9)],
        [Word(part, at, at + 1, 0.9) for at, part in enumerate(LONG.split())],
        [Word(part, 8_000 - 40 * at, 8_000, 0.9) for at, part in enumerate(LONG.split())],
    ],
    ids=["a segment", "equal times", "no length", "no length and more", "a millisecond each", "backwards"],
)
def test_words_without_times_of_their_own_share_the_time_that_there_is(turn, offset_ms):
    turn = [Word(w.text, w.start_ms + offset_ms, w.end_ms + offset_ms, 0.9) for w in turn]
    cues = captions([turn])
    check_rules(cues)
    check_parsers(cues)
    assert shown(cues) == [part for word in turn for part in word.text.split()]
    assert cues[0].start_ms == turn[0].start_ms


def test_a_segment_is_shared_by_length():
    cues = captions([[Word(LONG, 1_000, 9_000, 0.9)]])
    assert cues[0].start_ms == 1_000
    for cue, following in pairwise(cues):
        share = (following.start_ms - cue.start_ms) / 8_000
        assert share == pytest.approx((len(cue.text) + 1) / (len(LONG) + 1), abs=0.002)


def test_words_with_one_start_end_where_the_next_word_begins():
    late = Word("Later.", 1_700, 2_000, 0.9)
    cues = captions([[*words_of("We know all of this.", 0, 60_000), late]])
    assert [(cue.text, cue.start_ms, cue.end_ms) for cue in cues] == [
        ("We know all of this. Later.", 0, 2_000),
    ]


# --- cues that are near each other ------------------------------------------------------------


def turn(text, start_ms, end_ms):
    return [Word(text, start_ms, end_ms, 0.9)]


@pytest.mark.parametrize(
    ("next_ms", "end_ms"),
    [
        (1_401, 1_401),  # reading takes until 1.4 s: the cue stays
        (1_440, 1_440),
        (1_482, 1_482),
        (1_483, 1_399),  # room for two frames
        (1_490, 1_406),  # two frames of the last word are given up
        (1_584, 1_500),
        (1_700, 1_500),
    ],
)
def test_a_cue_ends_with_its_last_word_two_frames_before_the_next_or_touches_it(next_ms, end_ms):
    text = "x" * 13 + " " + "y" * 9 + "."  # 24 characters: read in 1.4 s
    style = Style(characters_per_s=len(text) / 1.399)
    first, second = captions([turn(text, 0, 1_500), turn("And this.", next_ms, next_ms + 900)], style)
    assert (first.end_ms, second.start_ms) == (end_ms, next_ms)


def test_the_blank_is_the_styles():
    turns = [turn("A first one.", 0, 1_100), turn("A second one.", 1_150, 1_900)]
    assert captions(turns, Style(gap_ms=125))[0].end_ms == 1_025
    assert captions(turns, Style(gap_ms=200))[0].end_ms == 1_150
    assert captions(turns, Style(gap_ms=0))[0].end_ms == 1_100
    with pytest.raises(ValueError, match="gap_ms must be 0 or more, got -1"):
        Style(gap_ms=-1)


# --- turns that are short, and turns that were cut --------------------------------------------


def test_a_turn_that_would_disappear_too_soon_shares_a_cue_with_the_next():
    words = ["Yes.", "No.", "Maybe.", "Why?", "Stop."]
    cues = captions([turn(text, 500 * at, 500 * at + 300) for at, text in enumerate(words)])
    check_rules(cues)
    assert shown(cues) == words
    assert len(cues) < len(words)


def test_one_word_turns_with_room_keep_their_cues():
    turns = [turn("Yes.", 0, 300), turn("No.", 900, 1_200), turn("Stop.", 4_000, 4_200)]
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in captions(turns)] == [
        (0, 900, "Yes."),
        (900, 1_900, "No."),
        (4_000, 5_000, "Stop."),
    ]


def evenly(text, start_ms, *, ms_per_character=55):
    words, at = [], start_ms
    for part in text.split():
        end = at + ms_per_character * (len(part) + 1)
        words.append(Word(part, at, end, 0.9))
        at = end
    return words


@pytest.mark.parametrize("cut_after", [5, 9, 14, 18])
def test_a_sentence_that_was_cut_is_broken_as_if_it_were_whole(cut_after):
    words = evenly(LONG, 20_000)
    whole = captions([words])
    assert captions([words[:cut_after], words[cut_after:]]) == whole


def test_a_sentence_that_ended_and_one_after_a_pause_begin_their_own_cues():
    first = evenly("It was late.", 0)
    for text, start_ms in (("It was late.", 1_000), ("It was so very late", 1_600)):
        first = evenly(text, 0)
        second = evenly("and nobody came.", start_ms + 800)
        assert [cue.text for cue in captions([first, second])] == [text, "and nobody came."]


# --- several voices ---------------------------------------------------------------------------


def sdk_turn(channel, text, start_ms, speaker=None):
    words = [
        vivavoce.Word(text=w.text, start=w.start_ms, end=w.end_ms, confidence=0.9, speaker=speaker)
        for w in evenly(text, start_ms)
    ]
    return vivavoce.TurnEvent(
        turn_order=0,
        turn_is_formatted=True,
        end_of_turn=True,
        transcript=text,
        end_of_turn_confidence=1.0,
        words=words,
        channel=channel,
    )


def test_channels_that_overlap_take_turns_by_whole_cues():
    long_turn = sdk_turn(0, LONG, 0)
    answer = sdk_turn(1, "Yes, that is what they say.", 3_000)
    cues = captions([answer, long_turn])  # in the order of their ends, as they arrive
    check_rules(cues)
    assert "Yes, that is what they say." in [cue.text for cue in cues]
    assert [part for part in shown(cues) if part not in answer.transcript.split()] == [
        part for part in LONG.split() if part not in answer.transcript.split()
    ]
    assert vivavoce.Transcript([answer, long_turn]).to_srt().count("-->") == len(cues)


def test_two_voices_at_once_share_the_time():
    first, second = (
        sdk_turn(0, "I have said it again and again.", 0),
        sdk_turn(1, "And we have never known.", 100),
    )
    cues = captions([first, second])
    check_rules(cues)
    assert [cue.text for cue in cues] == ["I have said it again and again.", "And we have never known."]
    assert cues[0].end_ms - cues[0].start_ms > 800
    assert cues[1].start_ms == cues[0].end_ms


def test_short_turns_of_two_voices_do_not_share_a_cue():
    cues = captions(
        [sdk_turn(None, "Yes.", 0, "A"), sdk_turn(None, "No.", 400, "B"), sdk_turn(None, "Oh.", 900, "A")]
    )
    check_rules(cues)
    assert [cue.text for cue in cues] == ["Yes.", "No.", "Oh."]


def test_a_turn_of_several_speakers_is_broken_where_they_change():
    said = sdk_turn(None, "You are late. I am not.", 0)
    for word in said.words[3:]:
        word.speaker = "B"
    assert [cue.text for cue in captions([said])] == ["You are late.", "I am not."]


def test_words_without_turns_are_refused():
    with pytest.raises(TypeError, match="turns must be turns or lists of words, got a word"):
        captions(sdk_turn(0, "Yes, of course.", 0).words)


# --- for any words ----------------------------------------------------------------------------

TEXTS = st.one_of(
    st.sampled_from(
        ["a", "the", "and", "I", "word", "sentence.", "clause,", "why?", "x" * 43, "two words", " ", LONG]
    ),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20),
)
STEPS_MS = st.one_of(
    st.just(0),
    st.integers(1, 900),
    st.integers(-5_000, -1),  # out of order
    st.integers(2_000, 40_000),
    st.just(THREE_HOURS_MS),
)
LENGTHS_MS = st.one_of(st.just(0), st.integers(1, 900), st.integers(2_000, 30_000), st.integers(-500, -1))
TURNS = st.lists(st.lists(st.tuples(TEXTS, STEPS_MS, LENGTHS_MS), max_size=30), max_size=5)


def timed(turns, offset_ms):
    at, made = offset_ms, []
    for each in turns:
        made.append([])
        for text, step_ms, length_ms in each:
            at = max(0, at + step_ms)
            made[-1].append(Word(text, at, at + length_ms, 0.9))
    return made


@given(TURNS, st.sampled_from([0, THREE_HOURS_MS]))
@example([[("a", 0, 0), ("b", 0, 0)] * 15], 0)
@example([[("Yes.", 600, 300)]] * 5, 0)
def test_rules_hold_for_any_times(turns, offset_ms):
    turns = timed(turns, offset_ms)
    cues = captions(turns)
    check_rules(cues)
    check_parsers(cues)
    words = [part for each in turns for word in each for part in word.text.split()]
    assert join_words(shown(cues)) == join_words(words)
    if not any(map(is_unspaced, "".join(words))):
        assert shown(cues) == words


@given(TURNS)
def test_turns_one_by_one_make_the_same_cues(turns):
    turns = timed(turns, 0)
    captioner = Captioner()
    assert [cue for each in turns for cue in captioner.add(each)] + captioner.finish() == captions(turns)


@given(st.lists(st.tuples(st.sampled_from([None, 0, 1]), TEXTS, st.integers(0, 4_000)), max_size=12))
def test_rules_hold_for_any_voices(turns):
    at, made = 0, []
    for channel, text, step_ms in turns:
        at += step_ms
        made.append(sdk_turn(channel, text, at))
    cues = captions(made)
    check_rules(cues)
    words = [part for each in made for part in each.transcript.split()]
    assert sorted("".join(shown(cues))) == sorted("".join(words))
    if not any(map(is_unspaced, "".join(words))):
        assert sorted(shown(cues)) == sorted(words)


@given(
    st.lists(
        st.tuples(st.text("abc", min_size=1, max_size=12), st.integers(0, 600)), min_size=1, max_size=60
    ),
    st.builds(Style, lines=st.integers(1, 3), line_characters=st.integers(30, 60)),
)
def test_speech_is_never_shown_early_and_hardly_ever_late(parts, style):
    at, words = 0, []
    for text, pause_ms in parts:
        words.append(Word(text, at, at + 70 * (len(text) + 1), 0.9))
        at += 70 * (len(text) + 1) + pause_ms
    index = 0
    for cue in captions([words], style):
        assert 0 <= cue.start_ms - words[index].start_ms <= STYLE.shortest_ms
        index += len(cue.text.split())
