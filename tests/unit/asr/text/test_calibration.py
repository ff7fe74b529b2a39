"""Calibration of confidences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.text import calibrated

probabilities = st.floats(0, 1)


@given(probabilities, probabilities)
def test_calibration_keeps_the_order_of_words(one, other):
    assert (one <= other) == (calibrated(one) <= calibrated(other)) or one == pytest.approx(other)


@given(probabilities)
def test_a_confidence_is_a_probability_and_never_below_the_models(probability):
    assert 0 <= probability <= calibrated(probability) + 1e-12
    assert calibrated(probability) <= 1 + 1e-12


def test_the_ends_stay_and_the_middle_rises():
    assert calibrated(0) == 0
    assert calibrated(1) == pytest.approx(1)
    assert calibrated(0.65) == pytest.approx(0.8, abs=0.01)
