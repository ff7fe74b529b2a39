"""Expected terms: how they are written and spelled, and the trie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.models.moonshine.term_bias import Choice, TermTracker, watched_tokens
from vivavoce.asr.models.terms import Fate, Strength, TermBias, plain_letters, written_forms
from vivavoce.asr.models.vocabulary import Vocabulary
from vivavoce.protocol.key_terms import sort_terms

SPACE = "\u2581".encode()
PIECES = [b"<unk>", b"<s>", b"</s>", b"<0x61>", b"ab", b"abc", SPACE + b"a", b"bc", SPACE, b"a", b"b", b"c"]
spellings = st.lists(st.lists(st.integers(3, 8), min_size=1, max_size=4), min_size=1, max_size=6)
histories = st.lists(st.integers(3, 9), max_size=12)


def spell(text):
    tokens = Vocabulary(PIECES).spell(text)
    return None if tokens is None else [PIECES[token].replace(SPACE, b"_").decode() for token in tokens]


def test_neighbours_are_joined_by_rank_and_not_by_length():
    # "ab" is the first of the pieces that fit, though "_a" and "bc" would take fewer.
    assert spell("abc") == ["_", "abc"]
    assert spell("bc") == ["_", "bc"]
    assert spell("a b") == ["_a", "_", "b"]


def test_what_has_no_piece_is_not_spelled_by_bytes():
    assert spell("abd") is None
    assert spell("a") == ["_a"]


@pytest.mark.parametrize(
    ("term", "forms"),
    [
        ("Gutenberg", ["Gutenberg"]),
        ("gutenberg", ["gutenberg", "Gutenberg", "GUTENBERG"]),
        ("PBX", ["PBX", "pbx", "Pbx"]),
        ("iPhone", ["iPhone", "IPhone"]),
        (" new  york ", ["new york", "New york", "New York", "NEW YORK"]),
        ("", []),
    ],
)
def test_case_that_is_given_is_kept_and_case_that_is_not_is_tried(term, forms):
    assert list(written_forms(term)) == forms


def test_accents_can_be_left_out():
    assert plain_letters("Lübeck, Łódź") == "Lubeck, Łodz"


@given(spellings, histories)
def test_what_continues_a_term_is_told_by_the_history_alone(terms, history):
    bias = TermBias(terms)
    expected = {
        term[n]
        for term in terms
        for n in range(1, len(term))
        if n <= len(history) and history[-n:] == term[:n]
    }
    assert bias.continuing(history) == expected
    assert TermBias(terms).continuing(tuple(history)) == expected
    assert set(bias.first) == {term[0] for term in terms}
    assert set(bias.tokens) == {token for term in terms for token in term}


@given(spellings, histories, st.data())
def test_the_fate_of_a_token_is_that_of_the_terms_around_it(terms, history, data):
    if not history:
        return
    place = data.draw(st.integers(0, len(history) - 1))
    ways = [
        (term, start)
        for term in terms
        for start in range(max(0, place - len(term) + 1), place + 1)
        if history[start : start + len(term)] == term[: len(history) - start]
    ]
    whole = any(start + len(term) <= len(history) for term, start in ways)
    expected = Fate.COMPLETE if whole else Fate.OPEN if ways else Fate.FAILED
    assert TermBias(terms).fate(history, place) is expected


def choose(history, logs, terms=((3, 4),)):
    bias = TermBias(terms, Strength(1, 2))
    watched = watched_tokens([bias, None])
    best = max(logs, key=logs.get)
    scores = np.array([logs.get(int(token), -20) for token in watched], np.float32)
    return TermTracker(bias, watched).choose(history, Choice(best, logs[best], is_favoured=False), scores)


def test_only_a_token_within_the_bonus_of_the_best_is_favoured():
    assert choose([], {9: -0.5, 3: -1.4}) == (3, pytest.approx(-1.4), True)
    assert choose([], {9: -0.5, 3: -1.6}) == (9, -0.5, False)
    assert choose([3], {9: -0.5, 4: -2.4}) == (4, pytest.approx(-2.4), True)
    assert choose([], {9: -0.5, 4: -1.4}) == (9, -0.5, False)  # not without what goes before it


def test_what_the_model_says_itself_is_no_favour():
    assert choose([], {3: -0.5, 9: -0.6}) == (3, -0.5, False)


@pytest.mark.parametrize(
    ("term", "tidy"),
    [
        ("Vivavoce", "Vivavoce"),
        ("  New   York ", "New York"),
        ("Moe\u2019s", "Moe's"),
        ("C++", "C++"),
        ("Lu\u0308beck", "Lübeck"),
        ("Łódź", "Łódź"),
        ("4711", "4711"),
    ],
)
def test_latin_letters_and_ascii_can_be_written(term, tidy):
    assert sort_terms([term, tidy]) == ((tidy,), ())


@pytest.mark.parametrize("term", ["", " ", "?!", "Привет", "日本語", "😀", "ok \U0001f600", "a\x00b", "ʘ"])
def test_other_scripts_and_nothing_cannot(term):
    assert sort_terms(["fine", term]) == (("fine",), (term,))
