"""Who gets the next connection, and who may still enter."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from vivavoce.server.workers.seats import Seats


def seats(n=2, *, limit=None, streams=(), n_threads=1):
    found = Seats([n_threads] * n, limit, dict(streams))
    for load in found.loads:
        load.takes = load.is_ready = True
    return found


def connect(found, number, *, plain=False):
    """Open a connection where it belongs; returns the worker."""
    worker = found.next_workers()[0]
    found.loads[worker].connections[number] = "127.0.0.1"
    if plain:
        found.loads[worker].plain.add(number)
    return worker


def test_connections_spread_before_anything_is_known_of_them():
    found = seats(3)
    assert Counter(connect(found, number) for number in range(9)) == {0: 3, 1: 3, 2: 3}


def test_a_worker_with_more_cores_gets_more():
    found = Seats([1, 3], None, {})
    for load in found.loads:
        load.takes = load.is_ready = True
    assert Counter(connect(found, number) for number in range(8)) == {0: 2, 1: 6}


def test_readers_of_rooms_weigh_little_and_spread_too():
    found = seats()
    assert connect(found, 0) == 0
    assert {connect(found, number, plain=True) for number in range(1, 50)} == {1}
    assert Counter(connect(found, number, plain=True) for number in range(50, 150)) == {0: 50, 1: 50}


def test_who_is_not_ready_or_saturated_comes_last_and_who_ends_never():
    found = seats(4)
    found.loads[0].is_ready = False
    found.loads[1].is_saturated = True
    found.loads[3].takes = False
    assert found.next_workers() == [2, 1, 0]


def test_a_worker_that_may_hang_gets_connections_only_if_there_is_no_other():
    found = seats(3)
    found.loads[0].is_silent = found.loads[1].is_silent = True
    found.loads[2].is_saturated = True
    assert found.next_workers() == [2, 0, 1]


def test_only_a_machine_whose_workers_are_all_saturated_is_full():
    found = seats()
    found.loads[0].is_saturated = True
    assert not found.is_full
    assert found.enter(0, 1)
    found.loads[1].is_saturated = True
    assert found.is_full
    assert not found.enter(1, 1)
    found.loads[1].takes = False
    assert found.is_full
    found.loads[0].takes = False
    assert not found.is_full  # nobody takes anything, and nobody is known to be busy


def test_a_burst_is_refused_when_all_workers_say_that_they_are_busy():
    found = seats()
    assert found.enter(0, 1, is_busy=True)  # its client is there already, and the machine is not full
    assert found.next_workers() == [1, 0]
    assert not found.enter(1, 2, is_busy=True)
    assert not found.enter(0, 3)
    found.loads[1].is_saturated = False  # as its next report says
    assert found.enter(1, 4)


def test_models_share_the_whole_machine():
    found = seats(streams={"small": 4, "large": 2})
    for worker, number, model in ((0, 1, "small"), (1, 1, "small"), (0, 2, "large")):
        assert found.enter(worker, number)
        assert found.begin(worker, number, [model], "", None) is None
    assert found.is_full
    found.leave(1, 1)
    assert found.enter(1, 2)
    assert "no capacity" in found.begin(1, 2, ["small", "small"], "", None)
    assert found.begin(1, 2, ["small"], "", None) is None


def test_a_worker_that_ends_leaves_no_session_behind():
    found = seats(limit=4)
    for number in range(2):
        for worker in range(2):
            assert found.enter(worker, number)
            assert found.begin(worker, number, ["m"], "key", 4) is None
    connect(found, 7)
    assert found.is_full
    assert list(found.lose(0).connections.values()) == ["127.0.0.1"]
    assert (len(found), found.loads[0].takes, found.loads[0].connections) == (2, False, {})
    for number in (5, 6):
        assert found.enter(1, number)
        assert found.begin(1, number, ["m"], "key", 4) is None


class Sessions(RuleBasedStateMachine):
    """Clients come and go at two workers, and workers end."""

    places = Bundle("places")

    def __init__(self):
        super().__init__()
        self.seats = seats(limit=5)
        self.open = {}  # (worker, number) -> owner, or None before its session begins
        self.number = 0

    @rule(target=places, worker=st.integers(0, 1))
    def enter(self, worker):
        self.number += 1
        is_in = self.seats.enter(worker, self.number)
        assert is_in == (len(self.open) < 5)
        if is_in:
            self.open[worker, self.number] = None
        return worker, self.number

    @rule(place=places, owner=st.sampled_from("ab"), limit=st.sampled_from([None, 1, 2]))
    def begin(self, place, owner, limit):
        if place in self.open and self.open[place] is None:
            n = list(self.open.values()).count(owner)
            problem = self.seats.begin(*place, ["m"], owner, limit)
            assert (problem is not None) == (limit is not None and n >= limit)
            if problem is None:
                self.open[place] = owner

    @rule(place=places)
    def leave(self, place):
        self.seats.leave(*place)
        self.open.pop(place, None)

    @rule(worker=st.integers(0, 1))
    def lose(self, worker):
        self.seats.lose(worker)
        self.open = {place: owner for place, owner in self.open.items() if place[0] != worker}

    @invariant()
    def nothing_is_counted_that_is_gone(self):
        assert len(self.seats) == len(self.open)


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=60)
