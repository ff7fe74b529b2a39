from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.engine import Scheduler
from vivavoce.asr.engine.cadence import CadenceControl


def test_finals_go_before_partials_and_the_longest_waiting_first():
    scheduler = Scheduler(8)
    scheduler.want(1, is_final=False, is_settled=False, n_samples=10, now=1.0)
    scheduler.want(2, is_final=True, is_settled=False, n_samples=10, now=3.0)
    scheduler.want(3, is_final=True, is_settled=False, n_samples=10, now=2.0)
    scheduler.want(4, is_final=False, is_settled=False, n_samples=10, now=0.5)
    assert scheduler.plan() == [3, 2, 4, 1]
    assert scheduler.plan() == []


def test_a_short_span_overtakes_a_long_one_that_has_not_waited_much_longer():
    scheduler = Scheduler(1)
    scheduler.want(1, is_final=False, is_settled=False, n_samples=96_000, now=1.0)
    scheduler.want(2, is_final=False, is_settled=False, n_samples=8_000, now=1.2)
    scheduler.want(3, is_final=False, is_settled=False, n_samples=8_000, now=1.4)
    assert [scheduler.plan(), scheduler.plan(), scheduler.plan()] == [[2], [1], [3]]


def test_a_wish_keeps_its_place_while_it_grows():
    scheduler = Scheduler(1)
    scheduler.want(1, is_final=False, is_settled=False, n_samples=10, now=1.0)
    scheduler.want(2, is_final=False, is_settled=False, n_samples=10, now=2.0)
    scheduler.want(1, is_final=False, is_settled=False, n_samples=20, now=3.0)
    assert scheduler.oldest_wait_s(4.0) == 3.0
    assert scheduler.plan() == [1]


def test_a_partial_that_becomes_final_moves_up():
    scheduler = Scheduler(1)
    scheduler.want(1, is_final=False, is_settled=False, n_samples=10, now=1.0)
    scheduler.want(2, is_final=False, is_settled=False, n_samples=10, now=2.0)
    scheduler.want(2, is_final=True, is_settled=False, n_samples=10, now=3.0)
    assert scheduler.plan() == [2]


def test_who_left_is_not_served():
    scheduler = Scheduler(4)
    scheduler.want(1, is_final=True, is_settled=False, n_samples=10, now=1.0)
    scheduler.forget(1)
    scheduler.forget(7)
    assert scheduler.plan() == []
    assert scheduler.oldest_wait_s(9.0) == 0.0


def test_long_passes_do_not_hold_up_short_ones():
    scheduler = Scheduler(8)
    for key in range(6):
        scheduler.want(key, is_final=key == 3, is_settled=key % 2 == 1, n_samples=10, now=float(key))
    assert scheduler.plan() == [3, 1, 5]
    assert scheduler.plan() == [0, 2, 4]


def test_what_may_be_a_final_soon_goes_before_partials_that_have_not_waited_much_longer():
    scheduler = Scheduler(1)
    scheduler.want(1, is_final=False, is_settled=False, n_samples=10, now=1.0)
    scheduler.want(2, is_final=False, is_settled=False, n_samples=10, now=2.0)
    scheduler.want(3, is_final=False, is_settled=True, n_samples=10, now=2.1)
    scheduler.want(4, is_final=True, is_settled=True, n_samples=10, now=3.0)
    assert [scheduler.plan() for _ in range(4)] == [[4], [1], [3], [2]]


@given(
    st.lists(st.tuples(st.sampled_from(["final", "settled", "partial"]), st.integers(1, 50)), max_size=30),
    st.integers(1, 5),
)
def test_everybody_is_served_once_within_the_bounds(wishes, max_batch):
    scheduler = Scheduler(max_batch, max_partials_samples=100, max_settled_samples=60)
    for key, (kind, n_samples) in enumerate(wishes):
        scheduler.want(
            key,
            is_final=kind == "final",
            is_settled=kind != "partial",
            n_samples=n_samples,
            now=float(key),
        )
    served = []
    while batch := scheduler.plan():
        assert len(batch) <= max_batch
        assert len({wishes[key][0] == "partial" for key in batch}) == 1
        longest = max(wishes[key][1] for key in batch)
        most = 100 if wishes[batch[0]][0] == "partial" else 60
        assert len(batch) == 1 or longest * len(batch) <= most
        # Nobody overtakes the most urgent one of all who wait.
        waiting = [key for key in range(len(wishes)) if key not in served]
        head_start = {"final": 1_000, "settled": 0.15, "partial": 0}
        assert batch[0] == min(waiting, key=lambda key: key - head_start[wishes[key][0]])
        served += batch
    assert sorted(served) == list(range(len(wishes)))


def busy(control, wait_s, began_s, seconds):
    """Ten batches a second that waited so long; returns when the last of them began."""
    for turn in range(10 * seconds):
        control.waited(wait_s, began_s + turn / 10)
    return began_s + seconds - 0.1


def test_the_cadence_stretches_under_load_and_recovers():
    control = CadenceControl(320)
    busy(control, 0.01, 0.0, 10)
    assert control.cadence_ms == 320
    now = busy(control, 1.5, 10.0, 5)
    assert 500 < control.cadence_ms < 1_000, "not at once: what it changes shows later"
    assert not control.is_saturated(now)
    now = busy(control, 1.5, 15.0, 5)
    assert control.cadence_ms == 1_600
    assert control.is_saturated(now)
    now = busy(control, 0.0, 20.0, 10)
    assert control.cadence_ms == 320
    assert not control.is_saturated(now)


def test_the_cadence_settles_where_passes_wait_as_long_as_wanted():
    control = CadenceControl(320)
    seen = []
    for turn in range(600):  # passes wait the longer the oftener they come; at 640 ms as long as wanted
        control.waited(0.15 * (640 / control.cadence_ms) ** 2, turn / 10)
        seen.append(control.cadence_ms)
    assert all(600 < each < 680 for each in seen[300:])


def test_load_is_forgotten_when_everybody_who_made_it_is_gone():
    control = CadenceControl(320)
    now = busy(control, 1.5, 0.0, 20)
    assert control.is_saturated(now + 4.0)
    assert not control.is_saturated(now + 6.0), "nobody would be let in ever again"
    control.waited(0.0, now + 60.0)
    assert control.cadence_ms == 320


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100))))
def test_the_cadence_stays_within_its_bounds(waits):
    control = CadenceControl(320)
    for wait_s, now in waits:
        control.waited(wait_s, now)
        assert 320 <= control.cadence_ms <= 1_600
