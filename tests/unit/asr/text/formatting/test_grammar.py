"""Number phrases: what is written says what was said, and is never half figures, half words."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from support.turns import text_of, words_of
from vivavoce.asr.text import numerals
from vivavoce.asr.text.formatting import format_turn, frozen_words

FIGURES = re.compile(r"-?[$€£]?([0-9][0-9,]*(?:\.[0-9]+)?)")
NUMBER_WORDS = {*numerals.ONES, *numerals.TEENS, *numerals.TENS, "hundred", "thousand"}
SCALES = {"million": 10**6, "billion": 10**9, "trillion": 10**12}

# Values as people say them in ranges: small, round, with a rest.
VALUES = st.one_of(
    st.integers(0, 99),
    st.builds(lambda n, size: n * size, st.integers(1, 99), st.sampled_from([100, 1000, 10**6, 10**9])),
    st.integers(100, 2_000_000),
)
LINKS = st.sampled_from(["to", "or", "through", "and"])
UNITS = st.sampled_from(
    [
        "",
        "dollars",
        "euros",
        "percent",
        "kilometers",
        "degrees",
        "people",
        "milligrams",
        "of them",
        "years ago",
    ]
)
LEADS = st.sampled_from(["about", "from", "between", "it was", "at", "we saw", "in"])


def written(text):
    return text_of(format_turn(words_of(text)))


def readings(first, last):
    """The pairs that "first to last" may say: the scale of the last may belong to both."""
    pairs = {(first, last)}
    for size in (100, *numerals.SCALES.values()):
        for multiplier in (size, 100 * size):
            if first < 1000 and last % multiplier == 0:
                pairs.add((first * multiplier, last))
    return pairs


def values_in(text):
    """The values of the figures in a text; a scale from a million on stays a word, and may be said once."""
    found = []
    words = text.rstrip(".").split()
    for at, word in enumerate(words):
        if match := FIGURES.match(word):
            scale = SCALES.get(words[at + 1].rstrip(",."), 1) if at + 1 < len(words) else 1
            found.append(float(match[1].replace(",", "")) * scale)
    return found


def says_the_same(first, last, figures, text):
    scale = next((size for name, size in SCALES.items() if name in text), 1)
    shared = [(a * scale, b) for a, b in [figures]]
    return bool({figures, *shared} & readings(first, last))


@given(LEADS, VALUES, LINKS, VALUES, UNITS)
@example("about", 2, "to", 300, "milligrams")
@example("about", 5, "to", 10**7, "dollars")
@example("between", 100, "and", 2000, "people")
@example("we saw", 1, "and", 2000, "people")
@example("about", 0, "to", 10**6, "percent")
def test_a_range_says_in_figures_what_was_said(lead, first, link, last, unit):
    said = f"{lead} {numerals.spell(first)} {link} {numerals.spell(last)} {unit}".strip() + "."
    text = written(said)
    figures = values_in(text)
    if text == said or len(figures) == 1:  # one number: "one hundred and two thousand"
        assert text == said or link == "and"
        return
    assert len(figures) == 2
    assert says_the_same(first, last, tuple(figures), text), text


@given(LEADS, VALUES, LINKS, VALUES, UNITS)
@example("about", 6, "or", 12, "people")
@example("between", 2, "and", 3000, "")
@example("at", 10, "to", 12, "")
def test_a_range_is_never_half_figures_half_words(lead, first, link, last, unit):
    text = written(f"{lead} {numerals.spell(first)} {link} {numerals.spell(last)} {unit}".strip() + ".")
    has_words = bool(NUMBER_WORDS & {word.rstrip(",.") for word in text.split()})
    assert not (has_words and values_in(text)), text


TERMS = st.one_of(
    VALUES.map(numerals.spell),
    st.sampled_from(
        [
            "half a million", "a quarter of a million", "a hundred", "a thousand", "minus five", "point five",
            "two and a half", "two thousand twelve", "three point five", "a million and a half", "1,200",
        ]
    ),
)  # fmt: skip


@given(LEADS, st.lists(TERMS, min_size=1, max_size=3), st.sampled_from(["to", "or", ",", "and"]), UNITS)
def test_an_unfinished_turn_is_formatted_like_the_finished_one(lead, terms, link, unit):
    said = f"{lead} {(', ' if link == ',' else f' {link} ').join(terms)} {unit} then".replace("  ", " ")
    words = words_of(said)
    whole = text_of(format_turn(words))
    frozen = []
    n_spoken, is_tentative = 0, False
    for n in range(1, len(words) + 1):
        more, is_tentative = frozen_words(words[:n], n_spoken, is_tentative=is_tentative)
        frozen += more
        n_spoken = sum(it.n_spoken for it in frozen)
        assert whole.startswith(text_of(it.word for it in frozen))


@given(TERMS, UNITS, LEADS)
def test_formatting_twice_changes_nothing(term, unit, lead):
    once = written(f"{lead} {term} {unit}".strip() + ".")
    assert written(once) == once


@given(st.lists(st.integers(0, 9), min_size=7, max_size=15), st.sampled_from(["", "plus ", "oh "]))
def test_a_telephone_number_keeps_every_digit_in_order(digits, sign):
    names = list(numerals.ONES)
    said = f"call {sign}{' '.join(names[digit] for digit in digits)}."
    text = written(said)
    expected = ("0" if sign == "oh " else "") + "".join(map(str, digits))
    if text != said:
        assert re.sub(r"[^0-9]", "", text) == expected
        assert (sign == "plus ") == text.startswith("call +")
