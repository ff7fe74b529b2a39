"""When a worker is started again: at once after a steady run, later and later in a crash loop, then never."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from vivavoce.server.workers.restarts import MAX_FAILURES, Restarts


def test_a_steady_worker_is_started_again_at_once_however_often_it_ends():
    restarts, now = Restarts(), 0.0
    for n in range(1, 20):
        restarts.ready(now)
        now += 60.0
        assert restarts.ended(now) == 0.0
        assert restarts.n_restarts == n


def test_a_worker_that_ends_at_once_waits_longer_each_time_and_is_given_up():
    restarts = Restarts()
    assert [restarts.ended(float(n)) for n in range(5)] == [0.0, 0.5, 2.0, 8.0, None]
    assert (restarts.is_given_up, restarts.n_restarts) == (True, 4)
    assert restarts.revive()
    assert not restarts.revive()
    assert restarts.ended(9.0) == 0.0


def test_a_run_that_was_ready_for_less_than_a_minute_is_a_failure():
    restarts = Restarts()
    for n in range(4):
        restarts.ready(100.0 * n)
        assert restarts.ended(100.0 * n + 59.9) is not None
    restarts.ready(400.0)
    assert restarts.ended(459.9) is None


class Life(RuleBasedStateMachine):
    """A worker that lives and dies at random."""

    def __init__(self):
        super().__init__()
        self.restarts = Restarts()
        self.now = 0.0
        self.ready_at = None
        self.failures = 0
        self.delay = 0.0

    @rule(seconds=st.floats(0, 200))
    def wait(self, seconds):
        self.now += seconds

    @precondition(lambda self: self.ready_at is None and not self.restarts.is_given_up)
    @rule()
    def get_ready(self):
        self.ready_at = self.now
        self.restarts.ready(self.now)

    @precondition(lambda self: not self.restarts.is_given_up)
    @rule()
    def end(self):
        is_steady = self.ready_at is not None and self.now - self.ready_at >= 60.0
        self.failures = 0 if is_steady else self.failures + 1
        self.ready_at = None
        delay = self.restarts.ended(self.now)
        assert (delay is None) == (self.failures == MAX_FAILURES)
        if delay is not None:
            assert 0.0 <= delay <= 30.0
            assert delay >= self.delay or self.failures <= 1
            self.delay = delay
        if is_steady:
            assert delay == 0.0

    @rule()
    def revive(self):
        assert self.restarts.revive() == (self.failures == MAX_FAILURES)
        self.failures, self.delay = 0, 0.0


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60)
