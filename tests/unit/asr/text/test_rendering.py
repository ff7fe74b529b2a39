"""Rendering of partials and finals: formatting, punctuation and the profanity filter."""

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
from vivavoce.protocol.events import Configure

SPOKEN = "It's twenty five, Anna. In 1984?"


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
    assert text_of(TurnRenderer(formats=formats, punctuates=punctuates).final(words_of(SPOKEN))) == text


def test_words_with_spaces_are_split():
    (spoken,) = words_of("x")
    spoken = dataclasses.replace(spoken, text="0, 1, 1", start_ms=0, end_ms=300)
    for rendered in (TurnRenderer(formats_partials=True).partial([spoken]), TurnRenderer().final([spoken])):
        assert [word.text for word in rendered] == ["0,", "1,", "1"]
        assert (rendered[0].start_ms, rendered[-1].end_ms) == (0, 300)


def rendered_stepwise(spoken, renderer, counts=None):
    """Render a turn while its words are committed step by step; the last result is its final.

    Args:
        spoken: The text of the turn.
        renderer: The renderer.
        counts: How many words are committed at each step; None: one more each.
    """
    words = words_of(spoken)
    frozen = NOTHING_FROZEN
    for n in counts or range(1, len(words) + 1):
        known = [dataclasses.replace(word, is_final=at < n) for at, word in enumerate(words)]
        frozen = renderer.freeze(known, frozen)
        yield renderer.partial(known, frozen)
    yield renderer.final(words, frozen)


def final_text(words):
    return text_of(word for word in words if word.is_final)


def test_partials_in_spoken_form_have_no_digits():
    assert (
        text_of(TurnRenderer().partial(words_of(SPOKEN))) == "it's twenty five anna in nineteen eighty four"
    )


@pytest.mark.parametrize(
    ("spoken", "final", "rest"),
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
def test_words_that_no_later_word_can_change_are_formatted_and_final(spoken, final, rest):
    partial = TurnRenderer(formats_partials=True).partial(words_of(spoken))
    assert final_text(partial) == final
    assert text_of(word for word in partial if not word.is_final) == rest
    assert text_of(partial) == f"{final} {rest}".strip()
    spoken_form = TurnRenderer(formats=False).partial(words_of(spoken))
    assert all(word.is_final for word in spoken_form)


def test_words_after_a_number_become_final_one_by_one():
    spoken = "I paid twenty dollars for it, and then we went home."
    steps = list(rendered_stepwise(spoken, TurnRenderer(formats_partials=True)))
    assert [final_text(words) for words in steps] == [
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


GOLDEN = [spoken for spoken, _ in golden("formatting.tsv", 2)]
HAS_ADDRESS = re.compile(r"@|[a-z]\.[a-z]")


def check_final_words_stay(spoken, counts=None):
    """Render a turn step by step: final words must stay, and its final must be the formatted turn."""
    steps = list(rendered_stepwise(spoken, TurnRenderer(formats_partials=True), counts))
    for before, after in pairwise(steps):
        final = [word for word in before if word.is_final]
        assert list(after[: len(final)]) == final
    formatted = text_of(format_turn(words_of(spoken)))
    if not HAS_ADDRESS.search(formatted):  # the first word of an address may have become final as spoken
        assert text_of(steps[-1]) == formatted


@pytest.mark.parametrize("spoken", GOLDEN)
def test_partials_do_not_change_the_final(spoken):
    check_final_words_stay(spoken)


VOCABULARY = sorted({word for spoken in GOLDEN for word in spoken.split()})
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
def test_no_final_word_ever_changes(words, data):
    spoken = " ".join((word.capitalize() if is_capital else word) + mark for word, mark, is_capital in words)
    n = len(spoken.split())
    counts = sorted(data.draw(st.lists(st.integers(0, n), max_size=n)))
    check_final_words_stay(spoken, [*counts, n] if data.draw(st.booleans()) else counts or [0])


def test_words_that_became_final_in_spoken_form_stay_so_when_formatting_is_turned_on():
    words = words_of("It's twenty five dollars, Anna.")
    frozen = TurnRenderer(formats=False).freeze(words[:3])
    assert text_of(frozen.words) == "it's twenty five"
    renderer = TurnRenderer(formats_partials=True)
    assert text_of(renderer.partial(words, frozen)) == "it's twenty five dollars, Anna."
    assert text_of(renderer.final(words, frozen)) == "it's twenty five dollars, Anna."


@given(st.lists(st.sampled_from(["Hello,", "25", "damn", "...", "twenty", "five.", "—", "$5", '"A"'])))
def test_no_rendered_word_is_empty_or_has_spaces(texts):
    for formats in (True, False):
        for punctuates in (True, False):
            renderer = TurnRenderer(formats=formats, punctuates=punctuates)
            words = words_of(" ".join(texts))
            if all(any(c.isalnum() for c in word.text) for word in words):
                for word in (*renderer.final(words), *renderer.partial(words)):
                    assert word.text
                    assert " " not in word.text


def test_profanity_is_masked_in_partials_and_finals_only_if_asked_for():
    spoken = words_of("Oh shit, 25.")
    renderer = TurnRenderer(masks_profanity=True)
    assert text_of(renderer.partial(spoken)) == "oh s*** twenty five"
    assert text_of(renderer.final(spoken)) == "Oh s***, 25."
    assert text_of(TurnRenderer().final(spoken)) == "Oh shit, 25."


def test_a_session_turns_formatting_on():
    driver = Driver(format_finals=False, punctuate_finals=False)
    driver.say(speech(0, 1))
    driver.say(silence(60))
    driver.command(Configure(format_turns=True))
    driver.say(speech(0, 1))
    driver.say(silence(60))
    driver.end()
    assert driver.texts == ["alpha bravo", "Alpha bravo."]
    assert [(final.formatted, final.punctuated) for final in driver.finals] == [(False, False), (True, True)]
