"""The cores of a machine, divided."""

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.workers.shares import CoreShare, share_cores


def test_neighbours_stay_together():
    assert share_cores([4, 5, 6, 7, 8], 5, 2) == [CoreShare((4, 5), 2), CoreShare((6, 7, 8), 3)]


def test_a_quota_binds_to_no_processor():
    assert share_cores(range(64), 8, 2) == [CoreShare((), 4), CoreShare((), 4)]
    assert share_cores([], 8, 3) == [CoreShare((), 2), CoreShare((), 3), CoreShare((), 3)]


def test_more_workers_than_cores_share_them():
    assert share_cores([0], 1, 2) == [CoreShare((0,), 1), CoreShare((0,), 1)]


@given(st.sets(st.integers(0, 300), min_size=1, max_size=64), st.integers(1, 70))
def test_every_core_is_used_by_one_worker_as_evenly_as_can_be(visible, n_workers):
    shares = share_cores(sorted(visible), len(visible), n_workers)
    assert len(shares) == n_workers
    given_out = [core for share in shares for core in share.cores]
    assert set(given_out) == visible or n_workers > len(visible)
    assert set(given_out) <= visible
    sizes = [share.n_threads for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert all(len(share.cores) == share.n_threads for share in shares)
    if n_workers <= len(visible):
        assert len(given_out) == len(visible)
