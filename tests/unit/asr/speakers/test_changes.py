"""Windows of speech, and changes of speaker between them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.speakers import Window, change_between, doubtful_spans, parted, windows_of

LEFT, RIGHT = np.eye(2, dtype=np.float32)


def row(*starts, size=10):
    return [Window(start, start + size) for start in starts]


@given(st.integers(0, 50_000), st.integers(2, 9_000), st.integers(1, 20_000), st.integers(1, 9_000))
def test_windows_cover_the_speech(n, window, hop, shortest):
    windows = windows_of(n, window, hop, shortest := min(shortest, window))
    if n < shortest:
        assert windows == []
        return
    assert windows[0].start == 0
    assert all(0 <= each.start < each.end <= n for each in windows)
    assert [each.start for each in windows] == sorted(each.start for each in windows)
    if len(windows) > 1:
        assert {each.end - each.start for each in windows} == {window}
        assert n - windows[-1].end < max(hop, window)
    else:
        assert n <= 2 * window or windows[0].end - windows[0].start == window


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (9, []),
        (20, [(0, 20)]),
        (60, [(0, 60)]),
        (70, [(0, 30), (40, 70)]),
        (150, [(0, 30), (60, 90), (120, 150)]),
    ],
)
def test_speech_is_probed_at_intervals_and_at_its_end(n, expected):
    assert [(each.start, each.end) for each in windows_of(n, 30, 60, 10)] == expected


def test_windows_of_one_voice_have_no_change():
    assert parted(row(0, 20, 40), np.stack([LEFT, LEFT, LEFT]), 0.5) is None
    assert parted(row(0), LEFT[None], 0.5) is None
    assert parted([], np.zeros((0, 2), np.float32), 0.5) is None


def test_only_the_speech_between_unlike_windows_is_doubtful():
    embeddings = np.stack([LEFT, LEFT, RIGHT, RIGHT])
    assert doubtful_spans(row(0, 20, 40, 60), embeddings, 0.5) == [(20, 50)]
    assert doubtful_spans(row(0, 20), embeddings[:2], 0.5) == []
    assert doubtful_spans([], embeddings[:0], 0.5) == []


def test_windows_that_overlap_are_not_compared():
    embeddings = np.stack([LEFT, RIGHT])
    assert parted(row(0, 5), embeddings, 0.5) is None
    assert parted(row(0, 10), embeddings, 0.5) == (0, 1)
    assert parted(row(0, 20, 25), np.stack([LEFT, LEFT, RIGHT]), 0.5) == (0, 2)


def test_the_clearest_change_is_found():
    between = (LEFT + RIGHT) / np.sqrt(2)
    assert parted(row(0, 10, 20, 30), np.stack([LEFT, between, between, -LEFT]), 0.9) == (2, 3)


def test_a_change_lies_between_the_windows_of_both_voices():
    fine = row(0, 10, 20, 30)
    assert change_between(LEFT, RIGHT, fine, np.stack([LEFT, LEFT, RIGHT, RIGHT])) == 20
    assert change_between(LEFT, RIGHT, fine, np.stack([LEFT] * 4)) == 40
    assert change_between(LEFT, RIGHT, fine, np.stack([RIGHT] * 4)) == 0
    assert change_between(LEFT, RIGHT, fine, np.stack([LEFT, RIGHT, LEFT, LEFT])) == 40
