"""The load of engines, from what each of them has spent."""

import pytest

from vivavoce.asr.engine.stats import EngineStats
from vivavoce.asr.session import DecodeRequest, PassKind
from vivavoce.server.arrivals import LoadMeter


class Worked:
    """An engine that has done some work."""

    def __init__(self, workers=2):
        self.workers = workers
        self.stats = EngineStats()


def request(kind=PassKind.PARTIAL, *, is_patient=False):
    return DecodeRequest(0, 0, 16_000, kind, is_patient=is_patient)


def test_partials_count_by_what_the_slowest_cadence_would_leave_and_recordings_not():
    stats = EngineStats()
    stats.decoded(1.0, request(), 0.25)
    assert stats.needed_s == 0.25
    stats.decoded(1.0, request(PassKind.FINAL), 0.25)
    assert stats.needed_s == 1.25
    stats.decoded(1.0, request(PassKind.FINAL, is_patient=True), 0.25)
    assert (stats.needed_s, stats.decode_s) == (1.25, 3.0)


def test_the_load_is_that_since_the_last_measurement():
    meter, engine = LoadMeter(), Worked()
    assert meter.measure({"a": engine}, 10.0) == 0.0
    engine.stats.needed_s = 1.0
    assert meter.measure({"a": engine}, 11.0) == pytest.approx(0.5)
    assert meter.measure({"a": engine}, 12.0) == 0.0
    assert meter.measure({"a": engine}, 12.0) == 0.0  # no time has passed


def test_engines_that_share_a_machine_add_up_and_may_come_and_go():
    meter, one, other = LoadMeter(), Worked(), Worked(workers=1)
    meter.measure({"a": one}, 0.0)
    one.stats.needed_s = other.stats.needed_s = 1.0
    assert meter.measure({"a": one, "b": other}, 2.0) == pytest.approx(0.25 + 0.5)
    assert meter.measure({"b": other}, 3.0) == 0.0
