"""Speech is heard in parts that stay as they are while it goes on."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.speakers import LONGEST_SAMPLES, PART_SAMPLES, Stretch, parts_of


def stretch(n, start=0):
    return Stretch(start, np.arange(n, dtype=np.float32))


def spans(parts):
    return [each.span for each in parts]


@given(n=st.integers(0, 6 * PART_SAMPLES), start=st.integers(0, 10**6))
def test_parts_have_all_of_a_stretch_and_nothing_twice(n, start):
    parts = parts_of(stretch(n, start))
    edges = [start, *(each.span[1] for each in parts)]
    assert spans(parts) == list(itertools.pairwise(edges))
    assert edges[-1] == start + n
    assert all(len(each.samples) == PART_SAMPLES for each in parts[:-1])
    assert all(len(each.samples) < LONGEST_SAMPLES for each in parts)
    assert all(len(each.samples) >= LONGEST_SAMPLES - PART_SAMPLES for each in parts[1:])
    assert all(each.samples[0] == each.start - start for each in parts)
    assert all(spans(parts_of(each)) == [each.span] for each in parts)


@given(n=st.integers(1, 6 * PART_SAMPLES), more=st.integers(0, 3 * PART_SAMPLES))
def test_all_parts_but_the_last_stay_as_they_are(n, more):
    before, after = spans(parts_of(stretch(n))), spans(parts_of(stretch(n + more)))
    assert after[: len(before) - 1] == before[:-1]
