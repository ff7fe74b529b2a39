"""Samples of 16 bits."""

from vivavoce.recordings.pcm import peak


def test_the_loudest_sample():
    assert peak(b"") == 0
    assert peak(b"\0\0\0\x80\x10\0") == 1
    assert peak(b"\0\x40\0\xe0") == 0.5
