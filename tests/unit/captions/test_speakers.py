"""Captions that show who speaks."""

from __future__ import annotations

import dataclasses

import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

import vivavoce
from support.caption_rules import check_parsers, check_rules
from vivavoce.captions import Captioner, Cue, SpeakerMark, Style, captions, srt_block, to_vtt
from vivavoce.types import Word

NAMES = {"A": "Anna", "B": "Ben"}


def said(text, start_ms=0, speaker=None, *, channel=None, order=0, speakers=None):
    """A turn of the SDK, 200 ms a word; `speakers` gives each word one of its own."""
    texts = text.split()
    words = [
        vivavoce.Word(
            text=part,
            start=start_ms + 200 * n,
            end=start_ms + 200 * n + 180,
            confidence=0.9,
            speaker=speakers[n] if speakers else None,
        )
        for n, part in enumerate(texts)
    ]
    return vivavoce.TurnEvent(
        turn_order=order,
        turn_is_formatted=True,
        end_of_turn=True,
        transcript=text,
        end_of_turn_confidence=1.0,
        words=words,
        speaker_label=speaker,
        channel=channel,
    )


def lines(turns, *args, **options):
    return [cue.lines for cue in captions(turns, *args, **options)]


TALK = (
    said("How are you today, my friend?", 0, "A"),
    said("I am well, thank you for asking.", 3_000, "B"),
    said("And how are the children at home?", 6_000, "B"),
    said("They are well, too, I believe.", 9_000, "A"),
)


def test_a_dash_stands_where_the_speaker_changes():
    assert lines(TALK, speakers="dash") == [
        ("How are you today, my friend?",),
        ("- I am well, thank you for asking.",),
        ("And how are the children at home?",),
        ("- They are well, too, I believe.",),
    ]


def test_a_name_stands_where_the_speaker_changes():
    assert lines(TALK, speakers="name", names=NAMES) == [
        ("Anna: How are you today, my friend?",),
        ("Ben: I am well, thank you for asking.",),
        ("And how are the children at home?",),
        ("Anna: They are well, too, I believe.",),
    ]


def test_names_alone_ask_for_names_and_a_label_stands_for_itself():
    assert lines(TALK[:2], names={"A": "Anna"}) == [
        ("Anna: How are you today, my friend?",),
        ("B: I am well, thank you for asking.",),
    ]
    assert lines(TALK[:2], speakers="name")[1] == ("B: I am well, thank you for asking.",)


def test_without_marks_nothing_is_added():
    bare = [(turn.transcript,) for turn in TALK]
    assert lines(TALK) == lines(TALK, speakers="none", names=NAMES) == bare


def test_two_short_turns_share_a_cue_on_a_line_each():
    hello = [said("Hello.", 0, "A"), said("Hi.", 400, "B")]
    assert captions(hello, speakers="dash") == [Cue(0, 1_000, ("- Hello.", "- Hi."), ("A", "B"))]
    assert lines(hello, names=NAMES) == [("Anna: Hello.", "Ben: Hi.")]
    assert lines(hello) == [("Hello.",), ("Hi.",)]


def test_only_two_speakers_share_a_cue_and_only_one_line_each():
    three = [said("Yes.", 0, "A"), said("No.", 300, "B"), said("Oh.", 600, "C")]
    assert lines(three, speakers="dash") == [("- Yes.", "- No."), ("- Oh.",)]
    assert lines(three, Style(lines=1), speakers="dash") == [("Yes.",), ("- No.",), ("- Oh.",)]
    long_answer = said("No, I have never heard of it, and I do not want to hear of it.", 300, "B")
    assert all(
        len({line.startswith("-") for line in cue}) == 1 or cue[0].startswith("- No")
        for cue in lines([three[0], long_answer], speakers="dash")
    )
    assert lines([three[0], long_answer], speakers="dash")[0] == ("Yes.",)


def test_a_turn_is_broken_where_its_speaker_changes():
    turn = said("You are late again. I am not.", speakers="AAAABBB")
    assert lines([turn], names=NAMES) == [("Anna: You are late again.", "Ben: I am not.")] or lines(
        [turn], names=NAMES
    ) == [("Anna: You are late again.",), ("Ben: I am not.",)]


def test_an_undecided_speaker_gets_no_mark_and_no_line_of_another():
    turns = [said("Are you there, my friend?", 0, "A"), said("Yes.", 1_100, "PENDING"), TALK[1]]
    assert lines(turns, speakers="name") == [
        ("A: Are you there, my friend?",),
        ("Yes.",),
        ("B: I am well, thank you for asking.",),
    ]
    assert captions(turns, speakers="name")[1].speakers == ()


def test_undecided_words_between_words_of_one_speaker_are_theirs():
    turn = said("I never said that.", speakers=["A", "PENDING", "UNKNOWN", "A"])
    assert captions([turn]) == [Cue(0, 1_059, ("I never said that.",), ("A",))]


def test_the_same_letter_in_two_channels_is_two_people():
    turns = [said("Good morning, can I help you?", 0, "A", channel=0), said("Yes.", 2_000, "A", channel=1)]
    assert lines(turns, names={"1A": "Agent", "A": "nobody"}) == [
        ("Agent: Good morning, can I help you?",),
        ("2A: Yes.",),
    ]
    assert lines(turns, speakers="dash")[1] == ("- Yes.",)


def test_channels_alone_are_speakers_too():
    turns = [said("Good morning, can I help you?", 0, channel=0), said("Yes.", 2_000, channel=1)]
    assert lines(turns, names={"1": "Agent", "2": "Caller"})[1] == ("Caller: Yes.",)


def test_words_of_the_server_have_speakers():
    words = [Word("Hello.", 0, 400, 0.9, speaker="A"), Word("Hi.", 2_000, 2_300, 0.9, speaker="B")]
    assert lines([words], names=NAMES) == [("Anna: Hello.",), ("Ben: Hi.",)]


def test_the_captioner_marks_as_captions_does():
    for options in ({}, {"speakers": "dash"}, {"names": NAMES}):
        captioner = Captioner(**options)
        cues = [cue for turn in TALK for cue in captioner.add(turn)] + captioner.finish()
        assert cues == captions(TALK, **options)


def test_the_captioner_waits_for_a_short_answer():
    captioner = Captioner(speakers="dash")
    assert captioner.add(said("Hello.", 0, "A")) == []
    assert captioner.add(said("Hi.", 400, "B")) == []
    [cue] = captioner.add(said("And how are you today, my dear?", 4_000, "A"))
    assert cue.lines == ("- Hello.", "- Hi.")


def test_a_name_that_does_not_fit_has_a_line_of_its_own():
    name = "The Right Honourable Member for Somewhere"
    [cue] = captions([said("Hear, hear!", 0, "A")], names={"A": name})
    assert cue.lines == (f"{name}:", "Hear, hear!")
    shorter = Style(line_characters=20)
    assert all(len(line) <= 20 for line in lines([said("Hear!", 0, "A")], shorter, names={"A": name})[0])


def test_spaces_and_line_breaks_in_names_become_spaces():
    assert lines([TALK[0]], names={"A": " Anna\n\nLee "}) == [("Anna Lee: How are you today, my friend?",)]


def test_webvtt_has_voice_spans():
    cues = captions([said("Hello, you & you.", 0, "A"), said("Hi.", 900, "B")], speakers="dash", names=NAMES)
    assert to_vtt(cues, voices=True).splitlines()[3:-1] == [
        "<v Anna>- Hello, you &amp; you.</v>",
        "<v Ben>- Hi.</v>",
    ]
    names = {"A": "<Anna> & Co."}
    text = to_vtt(captions([TALK[0]], names=names, speakers="none"), voices=True)
    assert "<v &lt;Anna&gt; &amp; Co.>How are you today, my friend?</v>" in text
    assert [cue.text for cue in webvtt.from_string(text).captions] == ["How are you today, my friend?"]


def test_webvtt_has_no_voice_span_where_no_speaker_is_known():
    assert "<v" not in to_vtt(captions([said("Hello.")]), voices=True)
    assert "<v" not in to_vtt(captions(TALK))


def test_a_voice_span_holds_all_lines_of_its_speaker():
    turn = said("We had everything before us, and nobody had asked for it.", 0, "A")
    [block] = to_vtt(captions([turn]), voices=True).split("\n\n")[1:-1]
    assert block.splitlines()[1:] == ["<v A>We had everything before us,", "and nobody had asked for it.</v>"]


def test_a_name_never_looks_like_the_times_of_a_cue():
    [cue] = captions([said("Hello.", 0, "A")], names={"A": "x --> y"})
    assert srt_block(1, cue).splitlines()[2] == "x -> y: Hello."
    assert "x --> y" not in to_vtt([cue], voices=True).replace("--&gt;", "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speakers": "colour"}, "speakers must be one of none, dash, name, got 'colour'"),
        ({"names": {"A": " "}}, "names must map labels to names, got 'A': ' '"),
        ({"names": {1: "Anna"}}, "names must map labels to names, got 1: 'Anna'"),
    ],
)
def test_odd_marks_are_refused(options, message):
    for make in (lambda: captions([], **options), lambda: Captioner(**options)):
        with pytest.raises(ValueError, match=message):
            make()


# --- for any turns ----------------------------------------------------------------------------

SPEAKERS = st.sampled_from(["A", "B", "C", "PENDING"])
LINES = st.lists(
    st.tuples(SPEAKERS, st.sampled_from([None, 0, 1]), st.lists(
        st.sampled_from(["a", "word", "sentence.", "why?", "x" * 43, "clause,"]), min_size=1, max_size=25
    ), st.integers(0, 3_000)),
    max_size=8,
)  # fmt: skip
MARKS = st.sampled_from([
    {"speakers": SpeakerMark.DASH},
    {"speakers": SpeakerMark.NAME},
    {"names": {"A": "A Rather Long Name", "2B": "Somebody Whose Name Is Longer Than Any Line"}},
])  # fmt: skip


@given(LINES, MARKS, st.integers(1, 3))
def test_limits_hold_and_no_line_has_two_speakers(turns, options, n_lines):
    style, at, made = Style(lines=n_lines), 0, []
    for order, (speaker, channel, words, pause_ms) in enumerate(turns):
        marked = [f"{word}\N{MIDDLE DOT}{speaker}{channel}" for word in words]
        made.append(said(" ".join(marked), at, speaker, channel=channel, order=order))
        at = made[-1].end + pause_ms
    for cues in (captions(made, style, **options), _one_by_one(made, style, options)):
        check_rules([dataclasses.replace(cue, lines=_unmarked(cue, style)) for cue in cues], style)
        for cue in cues:
            for line in cue.lines:
                voices = {part.partition("\N{MIDDLE DOT}")[2] for part in line.split()} - {""}
                assert len(voices) <= 1
        shown = [part for cue in cues for part in cue.text.split() if "\N{MIDDLE DOT}" in part]
        for channel in (None, 0, 1):
            assert [part for part in shown if part.endswith(str(channel))] == [
                part for turn in made if turn.channel == channel for part in turn.transcript.split()
            ]
        if options.get("speakers") is SpeakerMark.DASH:
            check_parsers(cues)


@given(LINES, MARKS)
def test_turns_one_by_one_make_the_same_cues(turns, options):
    at, made = 0, []
    for order, (speaker, _, words, pause_ms) in enumerate(turns):
        made.append(said(" ".join(words), at, speaker, order=order))
        at = made[-1].end + pause_ms
    assert _one_by_one(made, None, options) == captions(made, **options)


def _one_by_one(turns, style, options):
    captioner = Captioner(style, **options)
    return [cue for turn in turns for cue in captioner.add(turn)] + captioner.finish()


def _unmarked(cue, style):
    """The lines, without the space of a mark whose word is longer than a line."""
    return tuple(
        line.replace("- x", "-x") if len(line) > style.line_characters else line for line in cue.lines
    )
