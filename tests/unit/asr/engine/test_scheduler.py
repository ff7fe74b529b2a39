"""Which requests are served together, in which order, and how often partials come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.engine import Batch, Scheduler
from vivavoce.asr.engine.cadence import CadenceControl
from vivavoce.asr.session import DecodeRequest, PassKind


def request(kind, n_samples=10, *, is_patient=False):
    return DecodeRequest(0, 0, n_samples, PassKind(kind), is_patient=is_patient)


def planned(scheduler, now=100.0):
    return [key for key, _ in scheduler.plan(now).requests]


def test_finals_go_before_partials_and_the_longest_waiting_first():
    scheduler = Scheduler(8)
    scheduler.put(1, request(PassKind.PARTIAL, 10), 1.0)
    scheduler.put(2, request(PassKind.FINAL, 10), 3.0)
    scheduler.put(3, request(PassKind.FINAL, 10), 2.0)
    scheduler.put(4, request(PassKind.PARTIAL, 10), 0.5)
    assert planned(scheduler) == [3, 2]
    assert planned(scheduler) == [4, 1]
    assert scheduler.plan(4.0) == Batch()


def test_recordings_wait_for_all_live_sessions_and_delay_none():
    scheduler = Scheduler(8)
    scheduler.put(1, request(PassKind.FINAL, is_patient=True), 1.0)
    scheduler.put(2, request(PassKind.JOINT, is_patient=True), 2.0)
    scheduler.put(3, request(PassKind.PARTIAL), 3.0)
    scheduler.put(4, request(PassKind.FINAL), 4.0)
    assert scheduler.longest_wait_s(5.0) == 2.0
    assert planned(scheduler) == [4]
    assert planned(scheduler) == [3]
    assert scheduler.longest_wait_s(5.0) == 0.0
    batch = scheduler.plan(5.0)
    assert [key for key, _ in batch.requests] == [1, 2]
    assert batch.wait_s == 0.0


def test_a_short_span_overtakes_a_long_one_that_has_not_waited_much_longer():
    scheduler = Scheduler(1)
    scheduler.put(1, request(PassKind.PARTIAL, 96_000), 1.0)
    scheduler.put(2, request(PassKind.PARTIAL, 8_000), 1.2)
    scheduler.put(3, request(PassKind.PARTIAL, 8_000), 1.4)
    assert [planned(scheduler) for _ in range(3)] == [[2], [1], [3]]


@pytest.mark.parametrize(("max_batch", "partials", "finals"), [(1, 1, 1), (4, 4, 2), (16, 16, 8)])
def test_larger_batches_hold_more_audio(max_batch, partials, finals):
    scheduler = Scheduler(max_batch)
    for kind, expected in ((PassKind.PARTIAL, partials), (PassKind.FINAL, finals)):
        for key in range(20):
            scheduler.put(key, request(kind, 48_000), 1.0)
        assert len(planned(scheduler)) == expected
        for key in range(20):
            scheduler.forget(key)


def test_a_request_keeps_its_place_while_it_grows():
    scheduler = Scheduler(1)
    scheduler.put(1, request(PassKind.PARTIAL, 10), 1.0)
    scheduler.put(2, request(PassKind.PARTIAL, 10), 2.0)
    scheduler.put(1, request(PassKind.PARTIAL, 20), 3.0)
    assert scheduler.longest_wait_s(4.0) == 3.0
    assert scheduler.plan(4.0) == Batch(((1, request("partial", 20)),), wait_s=3.0)


def test_a_partial_that_becomes_final_moves_up():
    scheduler = Scheduler(1)
    scheduler.put(1, request(PassKind.PARTIAL, 10), 1.0)
    scheduler.put(2, request(PassKind.PARTIAL, 10), 2.0)
    scheduler.put(2, request(PassKind.FINAL, 10), 3.0)
    assert planned(scheduler) == [2]


def test_a_session_that_left_is_not_served():
    scheduler = Scheduler(4)
    scheduler.put(1, request(PassKind.FINAL, 10), 1.0)
    scheduler.forget(1)
    scheduler.forget(7)
    assert scheduler.plan(9.0) == Batch()
    assert scheduler.longest_wait_s(9.0) == 0.0


def test_long_passes_do_not_hold_up_short_ones():
    scheduler = Scheduler(8)
    for key in range(6):
        kind = "final" if key == 3 else "settled" if key % 2 else "partial"
        scheduler.put(key, request(kind), float(key))
    assert planned(scheduler) == [3, 1, 5]
    assert planned(scheduler) == [0, 2, 4]


def test_what_joins_a_running_batch_is_of_its_kind_and_fits_and_overtakes_nobody():
    scheduler = Scheduler(3, max_partials_samples=100)
    running = [request("partial", 30)]
    scheduler.put(1, request("partial", 20), 1.0)
    scheduler.put(2, request("partial", 20), 2.0)
    scheduler.put(3, request("partial", 20), 3.0)
    assert [key for key, _ in scheduler.plan(9.0, running).requests] == [1, 2], "there is no more room"
    scheduler.put(4, request("settled", 20), 2.5)
    assert scheduler.plan(9.0, running) == Batch(), "another kind is more urgent, and waits for the end"
    scheduler.forget(4)
    assert scheduler.plan(9.0, [request("partial", 80)]) == Batch(), "too long together"
    assert scheduler.plan(9.0, [request("partial", is_patient=True)]) == Batch(), "recordings stay alone"
    assert [key for key, _ in scheduler.plan(9.0, running).requests] == [3]


def test_what_may_be_a_final_soon_goes_before_partials_that_have_not_waited_much_longer():
    scheduler = Scheduler(1)
    scheduler.put(1, request(PassKind.PARTIAL, 10), 1.0)
    scheduler.put(2, request(PassKind.PARTIAL, 10), 2.0)
    scheduler.put(3, request(PassKind.SETTLED, 10), 2.1)
    scheduler.put(4, request(PassKind.FINAL, 10), 3.0)
    assert [planned(scheduler) for _ in range(4)] == [[4], [1], [3], [2]]


@given(
    st.lists(st.tuples(st.sampled_from(["final", "settled", "partial"]), st.integers(1, 50)), max_size=30),
    st.integers(1, 5),
)
def test_every_request_is_served_once_within_the_bounds(requests, max_batch):
    scheduler = Scheduler(max_batch, max_partials_samples=100, max_whole_samples=60)
    for key, (kind, n_samples) in enumerate(requests):
        scheduler.put(key, request(kind, n_samples), float(key))
    served = []
    while batch := planned(scheduler):
        assert len(batch) <= max_batch
        assert len({requests[key][0] == "partial" for key in batch}) == 1
        longest = max(requests[key][1] for key in batch)
        most = 100 if requests[batch[0]][0] == "partial" else 60
        assert len(batch) == 1 or longest * len(batch) <= most
        # The most urgent of all waiting requests comes first.
        waiting = [key for key in range(len(requests)) if key not in served]
        head_start = {"final": 1_000, "settled": 0.15, "partial": 0}
        assert batch[0] == min(waiting, key=lambda key: key - head_start[requests[key][0]])
        served += batch
    assert sorted(served) == list(range(len(requests)))


@given(
    st.lists(st.integers(8_000, 96_000), min_size=2, max_size=12),
    st.integers(1, 4),
    st.sampled_from([0.01, 0.05, 0.3]),
    st.booleans(),
)
def test_continuous_talk_starves_no_short_session_and_is_not_starved(lengths, max_batch, batch_s, finals):
    """All sessions have another request as soon as one is done, so the machine is overloaded without end."""
    scheduler = Scheduler(max_batch)
    since, now, longest_s = {}, 0.0, 0.0
    for turn in range(30 * len(lengths)):
        for key, n_samples in enumerate(lengths):
            if key not in since:
                kind = PassKind.SETTLED if finals and turn % 5 == key % 5 else PassKind.PARTIAL
                scheduler.put(key, request(kind, n_samples), now)
                since[key] = now
        batch = planned(scheduler, now)
        assert batch
        longest_s = max(longest_s, *(now - since.pop(key) for key in batch))
        now += batch_s
    # As many batches as there are sessions, and what head starts and long spans are worth in time.
    assert longest_s <= len(lengths) * batch_s + 0.15 + 0.05 * 6 + batch_s


def busy(control, wait_s, began_s, seconds):
    """Ten batches a second that waited this long; returns when the last of them began."""
    for turn in range(10 * seconds):
        control.note_wait(wait_s, began_s + turn / 10)
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
        control.note_wait(0.15 * (640 / control.cadence_ms) ** 2, turn / 10)
        seen.append(control.cadence_ms)
    assert all(600 < each < 680 for each in seen[300:])


def test_load_is_forgotten_when_its_sessions_have_left():
    control = CadenceControl(320)
    now = busy(control, 1.5, 0.0, 20)
    assert control.is_saturated(now + 4.0)
    assert not control.is_saturated(now + 6.0), "no session would ever be admitted again"
    control.note_wait(0.0, now + 60.0)
    assert control.cadence_ms == 320


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100))))
def test_the_cadence_stays_within_its_bounds(waits):
    control = CadenceControl(320)
    for wait_s, now in waits:
        control.note_wait(wait_s, now)
        assert 320 <= control.cadence_ms <= 1_600


def test_the_wait_of_a_batch_is_that_of_its_own_requests():
    scheduler = Scheduler(4)
    scheduler.put(1, request("partial"), 1.0)
    scheduler.put(2, request("final"), 3.0)
    scheduler.put(3, request("final"), 3.5)
    assert scheduler.longest_wait_s(4.0) == 3.0
    assert scheduler.plan(4.0).wait_s == 1.0
    assert scheduler.plan(4.0).wait_s == 3.0
