"""Where decoded frames belong."""

import math

import pytest

from vivavoce.recordings.timeline import Timeline

FRAME_S = 0.02


def place(times, *, duration_s=100.0, has_jumps=False, start_s=0.0):
    """The silences before frames of 20 ms at these times, by index."""
    timeline = Timeline(duration_s, has_jumps, start_s)
    position, found = 0.0, {}
    for index, time in enumerate(times):
        following = times[index + 1] if index + 1 < len(times) else None
        end = None if time is None else time + FRAME_S
        silence = timeline.silence_before(time, end, following, position)
        if silence:
            found[index] = round(silence, 3)
        position += silence + FRAME_S
    return found


def run(start, n=5):
    return [start + FRAME_S * index for index in range(n)]


def test_frames_that_follow_each_other_need_no_silence():
    assert place(run(0.0)) == {}
    assert place([time + (-1) ** index * 0.01 for index, time in enumerate(run(0.0))]) == {}


def test_a_late_start_and_a_gap():
    assert place(run(2.0)) == {0: 2.0}
    assert place([*run(0.0), *run(3.0)]) == {5: 2.9}


def test_the_start_of_the_clock_is_not_a_gap():
    assert place(run(1_000.0), start_s=1_000.0) == {}
    assert place(run(1_002.0), start_s=1_000.0) == {0: 2.0}


@pytest.mark.parametrize("damaged", [50.0, math.inf, math.nan, -7.0, None])
def test_a_single_time_that_does_not_fit_is_damage(damaged):
    times = [0.0, 0.02, damaged, 0.06, 0.08]
    assert place(times) == {}


def test_audio_that_comes_early_follows_what_came_before():
    assert place([*run(5.0), *run(1.0), *run(6.0)]) == {0: 5.0, 10: 0.8}


def test_a_gap_after_the_end_of_the_recording_is_damage():
    assert place([*run(0.0), *run(500.0)]) == {}
    assert place([*run(0.0), *run(500.0)], duration_s=None) == {5: 499.9}
    assert place([*run(0.0), *run(50_000.0)], duration_s=None) == {}


@pytest.mark.parametrize("jump", [26.5 * 3600, -900.0])
def test_the_clock_of_a_broadcast_may_jump(jump):
    times = [*run(0.0), *run(0.1 + jump), *run(1.1 + jump)]
    assert place(times, has_jumps=True, duration_s=1e9) == {10: 0.9}
