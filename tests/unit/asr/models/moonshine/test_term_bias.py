"""Choosing the next token where terms are expected."""

import numpy as np
import pytest

from vivavoce.asr.models.moonshine.term_bias import Choice, TermTracker, watched_tokens
from vivavoce.asr.models.terms import Strength, TermBias


def choose(history, logs, terms=((3, 4),)):
    bias = TermBias(terms, Strength(1, 2))
    watched = watched_tokens(bias)
    best = max(logs, key=logs.get)
    scores = np.array([logs.get(int(token), -20) for token in watched], np.float32)
    return TermTracker(bias, watched).choose(history, Choice(best, logs[best], is_favoured=False), scores)


def test_only_a_token_within_the_bonus_of_the_best_is_favoured():
    assert choose([], {9: -0.5, 3: -1.4}) == (3, pytest.approx(-1.4), True)
    assert choose([], {9: -0.5, 3: -1.6}) == (9, -0.5, False)
    assert choose([3], {9: -0.5, 4: -2.4}) == (4, pytest.approx(-2.4), True)
    assert choose([], {9: -0.5, 4: -1.4}) == (9, -0.5, False)  # not without what goes before it


def test_the_models_own_choice_is_not_favoured():
    assert choose([], {3: -0.5, 9: -0.6}) == (3, -0.5, False)
