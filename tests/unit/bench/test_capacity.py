"""The search for the number of streams held, and the sessions of a trial."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.bench.capacity import largest_held, trial_sessions
from vivavoce.bench.loads import short
from vivavoce.bench.records import Clip


def clip(name, duration_s=25.0):
    return Clip(name, "read", Path(name), "a", duration_s, 16_000)


@given(st.integers(0, 70), st.integers(1, 70), st.integers(1, 20))
def test_finds_the_largest_without_asking_twice(limit, most, first):
    asked = []

    def held(streams):
        asked.append(streams)
        return streams <= limit

    assert largest_held(held, most, first) == min(limit, most)
    assert asked[0] == min(first, most)
    assert len(asked) == len(set(asked)) <= 14
    assert max(asked) <= most


@given(st.integers(1, 60))
def test_a_trial_takes_each_session_once_and_from_all_over(count):
    sessions = short([clip(str(i), 60.0) for i in range(count)])
    chosen = [int(one.clips[0].clip.id) for one in trial_sessions(sessions, count)]
    assert sorted(chosen) == list(range(count))
    if count > 8:
        few = chosen[: count // 2]
        assert min(few) < count / 4
        assert max(few) > 3 * count / 4


def test_a_trial_has_a_minute_and_a_session_per_stream():
    assert len(trial_sessions(short([clip("a", 70.0)]), 3)) == 3
    assert [one.clips[0].clip.id for one in trial_sessions(short([clip("a"), clip("b")]), 1)] == [
        "a",
        "b",
        "a",
    ]
