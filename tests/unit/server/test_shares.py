"""One machine for the sessions of several models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.shares import SharedMachine


@pytest.mark.parametrize("n", [1, 3, 7, 49, 1000])
def test_one_model_has_the_whole_machine(n):
    machine = SharedMachine({"a": n})
    assert machine.holds(["a"] * n)
    assert not machine.holds(["a"] * (n + 1))
    assert machine.is_full(["a"] * n)
    assert not machine.is_full(["a"] * (n - 1))


def test_several_share_it():
    machine = SharedMachine({"small": 30, "large": 3})
    assert machine.holds(["large"] * 2 + ["small"] * 10)
    assert not machine.holds(["large"] * 2 + ["small"] * 11)
    assert machine.holds(["large", *["small"] * 20])
    assert not machine.is_full(["large"] * 2 + ["small"] * 9)
    assert machine.is_full(["large"] * 2 + ["small"] * 10)


def test_nothing_that_was_measured_fills_nothing():
    assert not SharedMachine({}).is_full(["a"] * 9)
    assert SharedMachine({}).holds(["a"] * 9)
    assert SharedMachine({"a": 1}).holds(["a", "unknown", "unknown"])


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 50), min_size=1),
    st.lists(st.sampled_from("abc"), max_size=60),
)
def test_who_is_admitted_one_by_one_is_held_together(streams, wanted):
    machine, admitted = SharedMachine(streams), []
    for name in (each for each in wanted if each in streams):
        if machine.holds([*admitted, name]):
            admitted.append(name)
            assert machine.holds(admitted)
        elif machine.is_full(admitted):
            assert not any(machine.holds([*admitted, each]) for each in streams)
    assert sum(1 / streams[name] for name in admitted) <= 1 + 1e-9
