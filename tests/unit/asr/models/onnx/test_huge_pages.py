"""Which memory is moved to huge pages, and that nothing in it changes."""

import ctypes
import hashlib
import mmap
import os
import sys

import pytest

from vivavoce.asr.models.onnx.huge_pages import MemoryArea, areas_in, use_huge_pages

MIB = 2**20


def smaps(*areas):
    for head, rss_kb in areas:
        yield head
        yield "Size:              99999 kB"
        yield f"Rss:            {rss_kb:8} kB"
        yield "Pss:                   4 kB"
        yield "VmFlags: rd wr mr mw me ac"


def test_areas_are_cut_to_whole_pages():
    # 1 MiB before the first whole page, and half a page after the last.
    lines = smaps(("7f0000100000-7f0000900000 rw-p 00000000 00:00 0 ", 8192))
    assert list(areas_in(lines)) == [MemoryArea(0x7F0000200000, 6 * MIB)]


@pytest.mark.parametrize(
    ("head", "rss_kb", "is_taken"),
    [
        ("55d000000000-55d000400000 rw-p 00000000 00:00 0                          [heap]", 4096, True),
        ("7f0000000000-7f0000400000 rw-p 00000000 00:00 0 ", 3072, True),
        ("7f0000000000-7f0000400000 rw-p 00000000 00:00 0 ", 3000, False),  # would take memory
        ("7f0000180000-7f0000580000 rw-p 00000000 00:00 0 ", 2000, False),  # perhaps outside the whole page
        ("7f0000000000-7f0000400000 r--p 00000000 00:00 0 ", 4096, False),
        ("7f0000000000-7f0000400000 rw-s 00000000 00:00 0 ", 4096, False),
        ("7f0000000000-7f0000400000 rw-p 00000000 08:01 77   /usr/lib/libfoo.so", 4096, False),
        ("7ffc00000000-7ffc00400000 rw-p 00000000 00:00 0                          [stack]", 4096, False),
        ("7f0000100000-7f00003ff000 rw-p 00000000 00:00 0 ", 4096, False),  # no whole page
    ],
)
def test_only_private_memory_in_use_is_taken(head, rss_kb, is_taken):
    assert bool(list(areas_in(smaps((head, rss_kb))))) is is_taken


@pytest.mark.skipif(sys.platform != "linux", reason="names of files must be text here")
def test_files_of_any_name_do_no_harm(tmp_path):
    with (tmp_path / os.fsdecode(b"\xff\xe2\x80\xa8.bin")).open("wb+") as file:
        file.write(bytes(4096))
        file.flush()
        with mmap.mmap(file.fileno(), 4096):
            use_huge_pages()


def test_moving_memory_changes_nothing_in_it():
    block = bytearray(b"\x5a\x01\xff" * (4 * MIB))
    before = hashlib.blake2b(block).digest()
    address = ctypes.addressof(ctypes.c_char.from_buffer(block))
    use_huge_pages()
    assert hashlib.blake2b(block).digest() == before
    assert ctypes.addressof(ctypes.c_char.from_buffer(block)) == address
