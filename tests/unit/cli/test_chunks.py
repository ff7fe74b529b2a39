"""Iterators over chunks of audio."""

from vivavoce.cli.chunks import ByteCounter, first_seconds, until


def test_the_first_seconds_are_whole_samples():
    assert [len(c) for c in first_seconds([bytes(10)] * 4, 1.5, 17)] == [10, 10, 4]


def test_a_requested_stop_ends_the_chunks():
    stops = iter([False, False, True])
    assert list(until([b"a", b"b", b"c"], lambda: next(stops))) == [b"a", b"b"]
    assert list(until([b"a"], lambda: True)) == []


def test_bytes_are_counted():
    counter = ByteCounter([b"ab", b"c"])
    assert next(iter(counter)) == b"ab"
    assert counter.n_bytes == 2
