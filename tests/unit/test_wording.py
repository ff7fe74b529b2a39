"""How the words of a session are told: formatted or plain, with stars or without."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted_engine import silence, speech
from support.sessions import Driver
from support.turns import text_of, words_of
from vivavoce.text import Wording
from vivavoce.text.profanity import starred
from vivavoce.wire.neutral import Configure

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
    assert text_of(Wording(formats=formats, punctuates=punctuates).final(words_of(SAID))) == text


def test_words_with_blanks_are_taken_apart():
    (said,) = words_of("x")
    said = dataclasses.replace(said, text="0, 1, 1", start_ms=0, end_ms=300)
    for told in (Wording(formats_partials=True).partial([said]), Wording().final([said])):
        assert [word.text for word in told] == ["0,", "1,", "1"]
        assert (told[0].start_ms, told[-1].end_ms) == (0, 300)


def test_partials_are_never_put_in_figures():
    assert text_of(Wording().partial(words_of(SAID))) == "it's twenty five anna in nineteen eighty four"
    assert text_of(Wording(formats_partials=True).partial(words_of(SAID))) == SAID


@pytest.mark.parametrize(
    ("said", "n_final"),
    [
        ("It's twenty", 1),
        ("It's twenty five, Anna. In", 1),
        ("One of them, two of us.", 6),
        ("Write to ann at", 2),
        ("Write to ann at example dot com", 2),
        ("Look at the old house.", 5),
        ("He looked at", 1),
        ("So five six seven", 1),
    ],
)
def test_what_may_yet_be_put_in_figures_is_not_told_to_be_final(said, n_final):
    told = Wording(formats_partials=True).partial(words_of(said))
    assert [word.is_final for word in told] == [at < n_final for at in range(len(told))]
    plain = Wording(formats=False).partial(words_of(said))
    assert all(word.is_final for word in plain)


@pytest.mark.parametrize(
    ("n_promised", "text"),
    [
        (0, "It's 25, Anna. In 1984?"),
        (1, "It's 25, Anna. In 1984?"),
        (2, "It's twenty five, Anna. In 1984?"),
        (3, "It's twenty five, Anna. In 1984?"),
    ],
)
def test_what_was_told_to_be_final_stays(n_promised, text):
    assert (
        text_of(Wording().final(words_of("It's twenty five, Anna. In nineteen eighty four?"), n_promised))
        == text
    )
    told = Wording(formats_partials=True).partial(words_of("It's twenty five,"), n_promised)
    assert [word.is_final for word in told] == [at < max(1, n_promised) for at in range(3)]


@given(st.lists(st.sampled_from(["Hello,", "25", "damn", "...", "twenty", "five.", "—", "$5", '"A"'])))
def test_no_wording_makes_an_empty_word_or_two_in_one(texts):
    for formats in (True, False):
        for punctuates in (True, False):
            wording = Wording(formats=formats, punctuates=punctuates)
            said = words_of(" ".join(texts))
            if all(any(c.isalnum() for c in word.text) for word in said):
                for word in (*wording.final(said), *wording.partial(said)):
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
    wording = Wording(hides_profanity=True)
    assert text_of(wording.partial(said)) == "oh s*** twenty five"
    assert text_of(wording.final(said)) == "Oh s***, 25."
    assert text_of(Wording().final(said)) == "Oh shit, 25."


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
