"""Returning memory to the system."""

import platform
from pathlib import Path

import pytest

from vivavoce.asr.models import give_back_memory


def resident_mib():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no glibc here")
def test_free_memory_between_used_blocks_is_returned():
    # Blocks below the size from which malloc maps each of its own; every other one stays in use.
    blocks = [bytearray(100_000) for _ in range(2_000)]
    kept = blocks[::2]
    del blocks[:]
    before = resident_mib()
    give_back_memory()
    assert resident_mib() < before - 50
    assert len(kept) == 1_000
