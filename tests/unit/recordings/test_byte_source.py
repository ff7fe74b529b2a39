"""The bytes of recordings: read ahead, read again, sought."""

import io
from pathlib import Path

import pytest

from vivavoce.errors import AudioError
from vivavoce.recordings.byte_source import ByteSource, ShieldedFile

DATA = bytes(range(100))


def pipe(data=DATA, step=7):
    stream = io.BytesIO(data)
    return ByteSource(lambda size: stream.read(min(size, step)), "pipe")


@pytest.fixture(params=["file", "pipe"])
def source(request):
    return pipe() if request.param == "pipe" else ByteSource.of_file(io.BytesIO(DATA), "file")


def all_of(source):
    return b"".join(iter(lambda: source.read(9), b""))


def test_the_beginning_can_be_read_again(source):
    assert source.peek(20) == DATA[:20]
    assert source.peek(1_000) == DATA
    assert source.read(3) + source.read(3) == DATA[:6]
    source.rewind()
    assert source.peek(5) == DATA[:5]
    source.forget()
    assert all_of(source) == DATA


def test_a_pipe_that_forgets_keeps_nothing():
    source = pipe()
    source.peek(30)
    source.forget()
    assert all_of(source) == DATA
    assert not source._again
    assert source._seen is None


def test_only_files_seek(source):
    is_file = source.name == "file"
    assert source.seekable() is is_file
    assert source.seek(50) == (50 if is_file else -1)
    assert source.tell() == (50 if is_file else -1)
    assert source.read(1) == DATA[50:51] if is_file else DATA[:1]
    assert source.seek(-1_000) == -1
    assert source.seek(1 << 70) == -1


def test_a_copy_can_seek(tmp_path):
    with (tmp_path / "copy").open("w+b") as file:
        copy = pipe().copied_to(file)
        assert copy.seek(90) == 90
        assert copy.read(100) == DATA[90:]
        copy.rewind()
        assert all_of(copy) == DATA


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_one_line():
    message = "pipe: a temporary copy can't be written: no space left on device"
    with open("/dev/full", "r+b", buffering=0) as full, pytest.raises(AudioError, match=message):  # noqa: PTH123
        pipe().copied_to(full)


def test_a_reader_that_returns_too_much_overruns_nothing():
    """FFmpeg's buffer has the size that it asks for."""
    pieces = iter([DATA[:60], DATA[60:], b""])
    source = ByteSource(lambda _: next(pieces), "generous")
    assert source.peek(10) == DATA[:10]
    assert all(len(piece) <= 9 for piece in iter(lambda: source.read(9), b""))
    pieces = iter([DATA[:60], DATA[60:], b""])
    assert all_of(ByteSource(lambda _: next(pieces), "generous")) == DATA


def test_ffmpeg_gets_no_exceptions_and_its_caller_all():
    def fails(_):
        raise KeyboardInterrupt

    file = ShieldedFile(ByteSource(fails, "broken"))
    assert file.read(10) == b""
    assert file.read(10) == b""
    with pytest.raises(KeyboardInterrupt):
        file.check()
    file.check()
