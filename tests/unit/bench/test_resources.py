"""CPU time and memory of processes."""

import os
import time
from pathlib import Path

import pytest

from vivavoce.bench.resources import machine_busy_s, usage


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux")
def test_usage_counts_work():
    before = usage(os.getpid())
    deadline = time.process_time() + 0.05
    while time.process_time() < deadline:
        pass
    after = usage(os.getpid())
    assert after.cpu_s - before.cpu_s >= 0.03
    assert after.rss_mib > 1


def test_usage_of_a_process_that_does_not_exist():
    assert usage(2**31 - 1) is None


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs Linux")
def test_busy():
    assert 0 < machine_busy_s() <= machine_busy_s()
