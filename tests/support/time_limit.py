"""Limits for tests that would hang if the code under test did; far beyond what a busy machine needs."""

import contextlib
import signal
import time

import pytest

__all__ = ["HANG_S", "time_limit", "wait_until"]

HANG_S = 60.0
"""What takes longer than this hangs, in seconds."""


def wait_until(condition, what="what the test waits for"):
    """Wait until ``condition()`` is true; fail if that takes longer than `HANG_S`."""
    deadline = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {HANG_S:g} s"
        time.sleep(0.01)


@contextlib.contextmanager
def time_limit(seconds):
    """Fail in the main thread if the block takes longer, in seconds; `except Exception` does not catch it."""

    def expire(*_):
        pytest.fail(f"the test took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
