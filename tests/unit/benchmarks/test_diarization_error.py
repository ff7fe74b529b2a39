"""The diarization error rate beside the figures of pyannote.metrics 4.2."""

import numpy as np
import pytest
from benchmarks.diarization_error import DiarizationError, Spoken, best_assignment, diarization_error


def spoken(*stretches):
    return [Spoken(*each) for each in stretches]


TURNS = (
    spoken((0, 4, "a"), (5, 9, "b"), (10, 13, "a"), (13, 17, "c")),
    spoken((0.1, 4.6, "x"), (5.5, 8.2, "y"), (10.2, 15, "x"), (15, 17, "z")),
)
OVERLAP = (
    spoken((0, 6, "a"), (4, 9, "b"), (12, 15, "a")),
    spoken((0, 5, "1"), (5, 9.6, "2"), (10, 11, "2"), (11.5, 14, "3")),
)
SPLIT = (
    spoken((0, 10, "a"), (10, 14, "b"), (14, 20, "a"), (22, 30, "b")),
    spoken((0, 7, "p"), (7, 10, "q"), (10.4, 20, "r"), (22, 25, "p"), (25, 31, "q"), (24, 26, "r")),
)


@pytest.mark.parametrize(
    (
        "case",
        "collar_s",
        "expected",
    ),  # speech, missed, false alarm, confused: DiarizationErrorRate(2 * collar_s)
    [
        (TURNS, 0, (15.0, 1.6, 0.6, 2.0)),
        (TURNS, 0.25, (13.0, 0.8, 0.35, 1.75)),
        (OVERLAP, 0, (14.0, 3.0, 2.1, 2.0)),
        (OVERLAP, 0.25, (11.5, 2.25, 1.6, 1.75)),
        (SPLIT, 0, (28.0, 0.4, 3.0, 15.0)),
        (SPLIT, 0.25, (26.0, 0.15, 2.75, 13.75)),
    ],
)
def test_errors_are_those_of_pyannote_metrics(case, collar_s, expected):
    found = diarization_error(*case, collar_s)
    parts = (found.speech_s, found.missed_s, found.false_alarm_s, found.confused_s)
    assert parts == pytest.approx(expected)
    assert found.rate == pytest.approx(sum(expected[1:]) / expected[0])


def test_names_do_not_matter():
    reference, _ = TURNS
    renamed = [Spoken(each.start_s, each.end_s, f"other {each.speaker}") for each in reference]
    assert diarization_error(reference, renamed).rate == 0


def test_all_is_missed_or_false_where_one_side_is_silent():
    reference, hypothesis = TURNS
    assert diarization_error(reference, [], 0) == DiarizationError(15.0, 15.0, 0.0, 0.0)
    assert diarization_error([], hypothesis, 0).false_alarm_s == pytest.approx(14.0)
    assert diarization_error([], []) == DiarizationError()
    assert diarization_error([], hypothesis).rate == 0


def test_errors_of_recordings_add_up():
    both = diarization_error(*TURNS) + diarization_error(*SPLIT)
    assert both.rate == pytest.approx((0.8 + 0.35 + 1.75 + 0.15 + 2.75 + 13.75) / 39)


@pytest.mark.parametrize(
    ("together", "best"),
    [
        ([[5, 4], [4, 0]], 8),  # not the greatest first
        ([[3, 2, 9]], 9),
        ([[1], [7], [2]], 7),
        (np.zeros((0, 2)), 0),
        (np.zeros((2, 0)), 0),
    ],
)
def test_the_best_assignment_is_found(together, best):
    together = np.asarray(together)
    rows = best_assignment(together)
    assert sum(together[row, column] for column, row in rows.items()) == best
    assert len(set(rows.values())) == len(rows)
