"""Expected terms: their written forms, and the trie over their tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.models.terms import Fate, TermBias, plain_letters, written_forms

spellings = st.lists(st.lists(st.integers(3, 8), min_size=1, max_size=4), min_size=1, max_size=6)
histories = st.lists(st.integers(3, 9), max_size=12)


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
def test_mixed_case_is_kept_and_other_terms_have_a_form_in_each_case(term, forms):
    assert list(written_forms(term)) == forms


def test_plain_letters_have_no_accents():
    assert plain_letters("Lübeck, Łódź") == "Lubeck, Łodz"


@given(spellings, histories)
def test_only_the_history_decides_which_tokens_continue_a_term(terms, history):
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
def test_the_fate_of_a_token_follows_from_the_terms_around_it(terms, history, data):
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
