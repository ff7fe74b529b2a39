"""How the words of a session are told: formatted or plain, with stars or without."""

from __future__ import annotations

import dataclasses
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted_engine import silence, speech
from support.sessions import Driver
from support.turns import golden, text_of, words_of
from vivavoce.asr.text import NOTHING_FROZEN, TurnRenderer
from vivavoce.asr.text.formatting import format_turn
from vivavoce.asr.text.profanity import starred
from vivavoce.protocol.events import Configure

SAID = "It's twenty five, Anna. In 1984?"


@pytest.mark.parametrize(
    ("formats", "punctuates", "text"),
    [
        (True, True, "It's 25, Anna. In 1984?"),
        (True, False, "It's 25 Anna In 1984"),
        (False, True, "it's twenty five, anna. in nineteen eighty four?"),
        (False, False, "it's twenty five anna in nineteen eighty four"),
    ],
)
def test_finals(formats, punctuates, text):
    assert text_of(TurnRenderer(formats=formats, punctuates=punctuates).final(words_of(SAID))) == text


def test_words_with_blanks_are_taken_apart():
    (said,) = words_of("x")
    said = dataclasses.replace(said, text="0, 1, 1", start_ms=0, end_ms=300)
    for told in (TurnRenderer(formats_partials=True).partial([said]), TurnRenderer().final([said])):
        assert [word.text for word in told] == ["0,", "1,", "1"]
        assert (told[0].start_ms, told[-1].end_ms) == (0, 300)


def revealed(said, renderer, counts=None):
    """What is told of a turn while its words are committed, so many at a time; its final comes last."""
    words = words_of(said)
    frozen = NOTHING_FROZEN
    for n in counts or range(1, len(words) + 1):
        known = [dataclasses.replace(word, is_final=at < n) for at, word in enumerate(words)]
        frozen = renderer.freeze(known, frozen)
        yield renderer.partial(known, frozen)
    yield renderer.final(words, frozen)


def final_text(told):
    return text_of(word for word in told if word.is_final)


def test_plain_partials_have_no_figures():
    assert text_of(TurnRenderer().partial(words_of(SAID))) == "it's twenty five anna in nineteen eighty four"


@pytest.mark.parametrize(
    ("said", "final", "rest"),
    [
        ("It's twenty", "It's", "twenty"),
        ("It's twenty five, Anna. In", "It's 25, Anna. In", ""),
        ("It's twenty five", "It's", "twenty five"),
        ("It's twenty five dollars", "It's", "twenty five dollars"),
        ("It's twenty five dollars for", "It's $25 for", ""),
        ("It's twenty five dollars and", "It's", "twenty five dollars and"),
        ("We went, and", "We went, and", ""),
        ("It's twenty five dollars and ten cents for", "It's $25.10 for", ""),
        ("It's twenty five dollars and ten people", "It's $25 and", "ten people"),
        ("At five", "", "At five"),
        ("At five thirty we went", "At 5:30 we went", ""),
        ("About five percent of", "About 5% of", ""),
        ("One of them, two of us.", "One of them, two of us.", ""),
        ("Write to ann at", "Write to", "ann at"),
        ("Write to ann at example dot com", "Write to", "ann at example dot com"),
        ("Write to ann dot lee at example dot com today.", "Write to ann.lee@example.com today.", ""),
        ("Look at the old house.", "Look at the old house.", ""),
        ("He looked at", "He", "looked at"),
        ("So five six seven", "", "So five six seven"),
        ("So five six seven of them", "So five six seven of them", ""),
        ("Call five five five one two three four", "", "Call five five five one two three four"),
        ("Call five five five one two three four now", "Call 555-1234 now", ""),
    ],
)
def test_what_no_word_can_change_is_written_and_told_to_be_final(said, final, rest):
    told = TurnRenderer(formats_partials=True).partial(words_of(said))
    assert final_text(told) == final
    assert text_of(word for word in told if not word.is_final) == rest
    assert text_of(told) == f"{final} {rest}".strip()
    plain = TurnRenderer(formats=False).partial(words_of(said))
    assert all(word.is_final for word in plain)


def test_a_turn_goes_on_behind_its_numbers():
    told = list(
        revealed("I paid twenty dollars for it, and then we went home.", TurnRenderer(formats_partials=True))
    )
    assert [final_text(words) for words in told] == [
        "I",
        "I paid",
        "I paid",
        "I paid",
        "I paid $20 for",
        "I paid $20 for it,",
        "I paid $20 for it, and",
        "I paid $20 for it, and then",
        "I paid $20 for it, and then we",
        "I paid $20 for it, and then we went",
        "I paid $20 for it, and then we went home.",
        "I paid $20 for it, and then we went home.",
    ]


SPOKEN = [spoken for spoken, _ in golden("formatting.tsv", 2)]
HAS_ADDRESS = re.compile(r"@|[a-z]\.[a-z]")


def settles(said, counts=None):
    """Reveal a turn; what was told to be final must stay, and what it comes to is what formatting makes."""
    told = list(revealed(said, TurnRenderer(formats_partials=True), counts))
    for before, after in pairwise(told):
        promised = [word for word in before if word.is_final]
        assert list(after[: len(promised)]) == promised
    whole = text_of(format_turn(words_of(said)))
    if not HAS_ADDRESS.search(whole):  # its first word may have been told as it was said
        assert text_of(told[-1]) == whole
    return told


@pytest.mark.parametrize("said", SPOKEN)
def test_finals_are_the_same_however_slowly_a_turn_was_spoken(said):
    settles(said)


VOCABULARY = sorted({word for said in SPOKEN for word in said.split()})
NUMBERS = str.split("""
    one two five ten nineteen twenty thirty ninety hundred thousand million oh point and a minus
    first second twentieth eighties double dollars cents percent per cent p.m. am o'clock degrees
    miles an hour to or at dot com gmail of May the room half past 25 1,000 3.5
""")


@given(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from(NUMBERS), st.sampled_from(VOCABULARY)),
            st.sampled_from(["", "", "", "", ",", "."]),
            st.booleans(),
        ),
        max_size=14,
    ),
    st.data(),
)
def test_no_word_that_was_told_to_be_final_ever_changes(words, data):
    said = " ".join((word.capitalize() if is_capital else word) + mark for word, mark, is_capital in words)
    n = len(said.split())
    counts = sorted(data.draw(st.lists(st.integers(0, n), max_size=n)))
    settles(said, [*counts, n] if data.draw(st.booleans()) else counts or [0])


def test_what_was_told_plain_stays_plain_when_formatting_is_asked_for():
    words = words_of("It's twenty five dollars, Anna.")
    frozen = TurnRenderer(formats=False).freeze(words[:3])
    assert text_of(frozen.words) == "it's twenty five"
    renderer = TurnRenderer(formats_partials=True)
    assert text_of(renderer.partial(words, frozen)) == "it's twenty five dollars, Anna."
    assert text_of(renderer.final(words, frozen)) == "it's twenty five dollars, Anna."


@given(st.lists(st.sampled_from(["Hello,", "25", "damn", "...", "twenty", "five.", "—", "$5", '"A"'])))
def test_no_wording_makes_an_empty_word_or_two_in_one(texts):
    for formats in (True, False):
        for punctuates in (True, False):
            renderer = TurnRenderer(formats=formats, punctuates=punctuates)
            said = words_of(" ".join(texts))
            if all(any(c.isalnum() for c in word.text) for word in said):
                for word in (*renderer.final(said), *renderer.partial(said)):
                    assert word.text
                    assert " " not in word.text


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Shit!", "S***!"),
        ("bullshit,", "b*******,"),
        ("fucking", "f******"),
        ("motherfucker", "m***********"),
        ("ass", "a**"),
        ("half-assed", "half-assed"),
        ("smart-ass", "smart-a**"),
        ("bitch's", "b******"),
        ("arseholes.", "a********."),
        *[
            (word, word)
            for word in (
                "class", "assess", "Dickens", "cocktail", "Scunthorpe", "shitake", "pass", "grass", "hello",
                "peacock", "Essex", "analysis", "shuttle", "bass", "assassin", "titbit", "hell", "damn",
                "cockpit", "bastion",
            )
        ],
    ],
)  # fmt: skip
def test_profane_words_get_stars(said, told):
    assert starred(said) == told


def test_stars_are_in_partials_and_finals_and_only_where_wanted():
    said = words_of("Oh shit, 25.")
    renderer = TurnRenderer(masks_profanity=True)
    assert text_of(renderer.partial(said)) == "oh s*** twenty five"
    assert text_of(renderer.final(said)) == "Oh s***, 25."
    assert text_of(TurnRenderer().final(said)) == "Oh shit, 25."


def test_a_session_changes_its_wording_in_mid_session():
    driver = Driver(format_finals=False, punctuate_finals=False)
    driver.say(speech(0, 1))
    driver.say(silence(60))
    driver.command(Configure(format_turns=True))
    driver.say(speech(0, 1))
    driver.say(silence(60))
    driver.end()
    assert driver.texts == ["alpha bravo", "Alpha bravo."]
    assert [(final.formatted, final.punctuated) for final in driver.finals] == [(False, False), (True, True)]
