"""One long run divided into minutes."""

from vivavoce.bench.soak import SETTLED_S, latency_by_minute, summarise_memory


def test_memory():
    samples = [(0.0, 100.0), (100.0, 180.0), (SETTLED_S, 150.0), (600.0, 160.0)]
    summary = summarise_memory(samples)
    assert (summary.start, summary.settled, summary.end, summary.most) == (100.0, 150.0, 160.0, 180.0)
    assert summary.growth == 10.0


def test_memory_is_the_median_of_a_minute():
    restless = [(at, 100.0 + 50 * (at % 20 == 0)) for at in range(0, 1_200, 5)]
    summary = summarise_memory(restless)
    assert (summary.settled, summary.end, summary.growth, summary.most) == (100.0, 100.0, 0.0, 150.0)


def test_a_short_run_has_no_growth():
    summary = summarise_memory([(0.0, 100.0), (60.0, 120.0)])
    assert (summary.settled, summary.growth, summary.end) == (None, None, 120.0)
    assert summarise_memory([]) is None


def test_latency_by_minute():
    assert latency_by_minute([(1.0, 0.2), (59.9, 0.2), (130.0, 0.5)]) == [0.2, None, 0.5]
    assert latency_by_minute([]) == []
