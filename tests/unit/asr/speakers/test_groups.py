"""How alike groups are stays right while they are added and joined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.speakers.groups import Crowd, Group, Leniency, mean_cosine

WIDTH = 8
ROOM = 4


def group(number, *, is_known=False):
    rng = np.random.default_rng(number)
    weight = float(rng.uniform(0.1, 3))
    unit = rng.normal(size=WIDTH)
    total = (unit / np.linalg.norm(unit) * weight).astype(np.float32)
    return Group(total, weight, number if is_known else None, [] if is_known else [number], is_known)


def similarity(one, other, leniency):
    known = 4 if one.is_known and other.is_known else 0
    lenient = 0 if one.is_known or other.is_known else float(leniency.between(one.weight, other.weight))
    return mean_cosine(one, other) + lenient - known


def most_alike(groups, leniency):
    return max(similarity(a, b, leniency) for place, a in enumerate(groups) for b in groups[:place])


@given(
    n_first=st.integers(1, 5),
    joins=st.lists(st.booleans(), max_size=20),
    known=st.integers(0, 3),
    leniency=st.sampled_from([Leniency(), Leniency(0.1), Leniency(0.1, 0.5)]),
)
def test_the_closest_two_are_those_of_all_pairs(n_first, joins, known, leniency):
    crowd = Crowd([group(each, is_known=each < known) for each in range(n_first)], leniency, ROOM)
    pieces = set(range(known, n_first))
    for number, is_join in enumerate(joins, n_first):
        if is_join and len(crowd) > 1:
            crowd.join(*crowd.closest()[1:])
        elif not is_join and len(crowd) < n_first + ROOM:
            crowd.add(group(number))
            pieces.add(number)
        assert len(crowd) == len(crowd.groups)
        assert sorted(piece for each in crowd.groups for piece in each.pieces) == sorted(pieces)
        if len(crowd) > 1:
            closest = crowd.closest()
            assert closest[0] == pytest.approx(most_alike(crowd.groups, leniency), abs=1e-4)
            assert closest[1] < closest[2]
        heard = [each for each in crowd.groups if each.pieces]
        if len(heard) > 1:
            found = crowd.closest(with_pieces=True)[0]
            assert found == pytest.approx(most_alike(heard, leniency), abs=1e-4)


def test_a_free_place_holds_no_group():
    crowd = Crowd([group(0), group(1)], room=1)
    with pytest.raises(ValueError, match="groups at both places, got 0 and 2"):
        crowd.join(0, 2)


def test_leniency_is_less_for_more_speech_and_more_beside_a_voice_that_said_much():
    leniency = Leniency(0.2, 0.5)
    assert float(leniency.between(1, 10)) == pytest.approx(0.2)
    assert float(leniency.between(10, 4)) == pytest.approx(0.05)
    assert float(leniency.between(0.01, 1)) == pytest.approx(0.2 / 0.3)
    assert float(leniency.between(2, 16 * np.e**2)) == pytest.approx(0.1 * 2)
    assert float(Leniency().between(1, 1)) == 0
    assert leniency.between(np.ones((3, 1)), np.ones(5)).shape == (3, 5)
