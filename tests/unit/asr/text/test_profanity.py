"""The profanity filter."""

from __future__ import annotations

import pytest

from support.turns import text_of, words_of
from vivavoce.asr.text.profanity import mask_profane_words, mask_profanity


@pytest.mark.parametrize(
    ("word", "masked"),
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
def test_only_profane_words_are_masked(word, masked):
    assert mask_profanity(word) == masked


def test_other_words_of_a_turn_stay_the_same_objects():
    words = words_of("Oh shit, no.")
    masked = mask_profane_words(words)
    assert text_of(masked) == "Oh s***, no."
    assert (masked[0], masked[2]) == (words[0], words[2])
