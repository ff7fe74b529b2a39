from hypothesis import given
from hypothesis import strategies as st

from vivavoce.batching import Scheduler


def test_finals_go_before_partials_and_the_longest_waiting_first():
    scheduler = Scheduler(8)
    scheduler.want(1, is_final=False, n_samples=10, now=1.0)
    scheduler.want(2, is_final=True, n_samples=10, now=3.0)
    scheduler.want(3, is_final=True, n_samples=10, now=2.0)
    scheduler.want(4, is_final=False, n_samples=10, now=0.5)
    assert scheduler.plan() == [3, 2, 4, 1]
    assert scheduler.plan() == []


def test_a_wish_keeps_its_place_while_it_grows():
    scheduler = Scheduler(1)
    scheduler.want(1, is_final=False, n_samples=10, now=1.0)
    scheduler.want(2, is_final=False, n_samples=10, now=2.0)
    scheduler.want(1, is_final=False, n_samples=20, now=3.0)
    assert scheduler.oldest_wait_s(4.0) == 3.0
    assert scheduler.plan() == [1]


def test_a_partial_that_becomes_final_moves_up():
    scheduler = Scheduler(1)
    scheduler.want(1, is_final=False, n_samples=10, now=1.0)
    scheduler.want(2, is_final=False, n_samples=10, now=2.0)
    scheduler.want(2, is_final=True, n_samples=10, now=3.0)
    assert scheduler.plan() == [2]


def test_who_left_is_not_served():
    scheduler = Scheduler(4)
    scheduler.want(1, is_final=True, n_samples=10, now=1.0)
    scheduler.forget(1)
    scheduler.forget(7)
    assert scheduler.plan() == []
    assert scheduler.oldest_wait_s(9.0) == 0.0


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 50)), max_size=30),
    st.integers(1, 5),
)
def test_everybody_is_served_once_within_the_bounds(wishes, max_batch):
    scheduler = Scheduler(max_batch, max_batch_samples=100)
    for key, (is_final, n_samples) in enumerate(wishes):
        scheduler.want(key, is_final=is_final, n_samples=n_samples, now=float(key))
    served = []
    while batch := scheduler.plan():
        assert len(batch) <= max_batch
        longest = max(wishes[key][1] for key in batch)
        assert len(batch) == 1 or longest * len(batch) <= 100
        # Nobody overtakes the most urgent one of all who wait.
        waiting = [key for key in range(len(wishes)) if key not in served]
        assert batch[0] == min(waiting, key=lambda key: (not wishes[key][0], key))
        served += batch
    assert sorted(served) == list(range(len(wishes)))
