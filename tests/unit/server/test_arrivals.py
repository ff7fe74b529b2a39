"""Which sessions of a burst are admitted, on a machine that is computed, in virtual time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vivavoce.server.arrivals import Arrivals


class Machine:
    """A machine of which each session needs a share, some seconds after it begins."""

    def __init__(self, expected, cost, delay_s=4.0):
        self.arrivals = Arrivals(expected)
        self.cost, self.delay_s = cost, delay_s
        self.now = 0.0
        self.began = {}
        self.most_load = 0.0

    def load(self):
        shown = sum(self.now - began >= self.delay_s for began in self.began.values())
        return min(1.0, shown * self.cost)

    def wait(self, seconds):
        for _ in range(int(seconds)):
            self.now += 1
            self.most_load = max(self.most_load, self.load())
            self.arrivals.note_load(self.load(), self.now)

    def try_begin(self, key):
        if not self.arrivals.may_begin(self.now):
            return False
        self.arrivals.begin(key, self.now)
        self.began[key] = self.now
        return True

    def end(self, key):
        self.arrivals.end(key, self.now)
        del self.began[key]

    def burst(self, n, name="a"):
        return sum(self.try_begin((name, number, self.now)) for number in range(n))


@pytest.mark.parametrize("n", [1, 8])
@pytest.mark.parametrize("expected", [1, 4, 24])
def test_a_few_sessions_may_begin_at_once_on_any_machine(n, expected):
    assert Machine(expected, 0.3).burst(n) == n


@pytest.mark.parametrize("expected", [10, 24, 100])
def test_a_burst_is_admitted_up_to_what_the_machine_is_expected_to_hold(expected):
    assert Machine(expected, 0.9 / expected).burst(3 * expected) == expected


def test_after_a_burst_no_more_are_admitted_than_the_machine_holds():
    machine = Machine(20, 0.9 / 20)
    admitted = 0
    for _ in range(30):
        admitted += machine.burst(5)
        machine.wait(1)
    assert 18 <= admitted <= 22
    assert machine.most_load <= 1.0


def test_a_machine_that_holds_more_than_expected_admits_more_with_time():
    machine = Machine(10, 0.9 / 40)
    admitted = 0
    for _ in range(60):
        admitted += machine.burst(10)
        machine.wait(1)
    assert 36 <= admitted <= 42


def test_a_machine_that_holds_less_than_expected_is_learned():
    machine = Machine(40, 0.9 / 12)
    admitted = 0
    for _ in range(60):
        admitted += machine.try_begin(object())
        machine.wait(1)
    assert 12 <= admitted <= 15


def test_sessions_that_reconnect_together_take_their_own_places():
    machine = Machine(20, 0.9 / 20)
    assert machine.burst(20) == 20
    machine.wait(30)
    for key in list(machine.began):
        machine.end(key)
    assert machine.burst(20, "again") >= 19
    assert not machine.try_begin("another")


def test_recordings_take_no_place():
    machine = Machine(10, 0.09)
    machine.burst(10)
    assert not machine.arrivals.may_begin(0.0)
    assert machine.arrivals.may_begin(0.0, 0)
    for number in range(10):
        machine.arrivals.begin(("a", number, 0.0), 0.0, 0)  # their dialects say so once they are read
    assert machine.arrivals.may_begin(0.0)


@given(st.floats(0, 5), st.integers(1, 200))
def test_an_idle_server_admits_again_whatever_was(load, n):
    machine = Machine(20, 0.0)
    machine.arrivals.note_load(load, 0.0)
    machine.burst(n)
    for key in list(machine.began):
        machine.end(key)
    machine.wait(60)
    assert machine.burst(100) >= 20


class Storms(RuleBasedStateMachine):
    """Sessions come, go and change their weight in any order, whatever the clock and the load do."""

    def __init__(self):
        super().__init__()
        self.arrivals = Arrivals(20)
        self.now = 0.0
        self.open = []

    @rule(n=st.integers(1, 40), weight=st.sampled_from([0.0, 0.5, 1.0, 2.0]))
    def come(self, n, weight):
        for _ in range(n):
            if self.arrivals.may_begin(self.now, weight):
                self.open.append(object())
                self.arrivals.begin(self.open[-1], self.now, weight)

    @rule(n=st.integers(1, 40))
    def go(self, n):
        for _ in range(min(n, len(self.open))):
            self.arrivals.end(self.open.pop(), self.now)

    @rule()
    def go_unknown(self):
        self.arrivals.end("never seen", self.now)

    @rule(seconds=st.floats(-1, 30), load=st.floats(0, 2))
    def pass_time(self, seconds, load):
        self.now += seconds
        self.arrivals.note_load(load, self.now)

    @invariant()
    def few_may_always_begin(self):
        if len(self.open) <= 3:  # of a weight of two at most
            assert self.arrivals.may_begin(self.now)

    @invariant()
    def recordings_may_always_begin(self):
        assert self.arrivals.may_begin(self.now, 0)


TestStorms = Storms.TestCase
