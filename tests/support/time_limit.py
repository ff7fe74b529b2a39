"""A limit for tests that would hang if the code under test did; far beyond what a busy machine needs."""

import contextlib
import signal

__all__ = ["time_limit"]


@contextlib.contextmanager
def time_limit(seconds):
    """Raise TimeoutError in the main thread if the block takes longer, in seconds."""

    def expire(*_):
        raise TimeoutError(f"the test took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
