"""What the tests measure in films of the overlay."""

import numpy as np
import pytest

from browser.film import jumps_back, withdrawn

SLOTS = [(0, 2), (2, 4)]


def film_of(*states):
    """Frames of four rows; a line is one colour, 0 is none."""
    return [
        (float(at), np.repeat(np.array(lines, np.uint8), 2)[:, None, None].repeat(5, 1).repeat(3, 2))
        for at, lines in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("states", "jumps"),
    [
        ([(0, 0), (0, 7), (7, 8), (8, 9)], 0),  # rolls up
        ([(0, 7), (7, 8), (0, 7)], 1),  # one line jumps back
        ([(7, 8), (8, 9), (7, 8)], 1),
        ([(7, 8), (7, 9), (7, 8)], 0),  # the last line may change
        ([(7, 8), (0, 0), (0, 9)], 0),  # cleared
    ],
)
def test_jumps_back(states, jumps):
    assert jumps_back(film_of((0, 0), *states), SLOTS) == jumps


@pytest.mark.parametrize(
    ("states", "counts"),
    [
        ([["one"], ["one two"], ["one two", "three"], ["three four", "five"]], (0, 5)),
        ([["one two"], ["one three"]], (1, 3)),
        ([["one", "two"], ["two three"], []], (2, 3)),
        ([["one two"], ["one", "two"]], (0, 2)),
    ],
)
def test_withdrawn(states, counts):
    assert withdrawn(states) == counts
