"""A log that is not read does not stop the server."""

import contextlib
import logging
import os

import pytest

from support.time_limit import HANG_S, time_limit
from vivavoce.server.log import NonBlockingHandler


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(end)


def record(text, *arguments):
    return logging.LogRecord("vivavoce", logging.INFO, "", 0, text, arguments, None)


def lines(reader, count):
    with os.fdopen(os.dup(reader), encoding="utf-8") as file:
        return [file.readline() for _ in range(count)]


def test_lines_are_written_in_order(pipe):
    reader, writer = pipe
    handler = NonBlockingHandler(writer)
    for index in range(100):
        handler.emit(record("line %d \u00e9", index))
    handler.close()
    assert lines(reader, 100) == [f"line {index} \u00e9\n" for index in range(100)]


def test_a_pipe_that_nobody_reads_blocks_no_one(pipe, monkeypatch):
    monkeypatch.setattr("vivavoce.server.log._FLUSH_S", 0.01)
    reader, writer = pipe
    handler = NonBlockingHandler(writer, room=10)
    with time_limit(int(HANG_S)):
        for index in range(2_000):
            handler.emit(record("%d" + "x" * 1_000, index))
        handler.close()  # gives up
    os.close(reader)  # now the thread can go on


def test_lost_lines_are_counted_as_soon_as_there_is_room_again(pipe):
    reader, writer = pipe
    handler = NonBlockingHandler(writer, room=10)
    with time_limit(int(HANG_S)):
        for index in range(2_000):
            handler.emit(record("%d" + "x" * 1_000, index))
        with os.fdopen(os.dup(reader), encoding="utf-8") as file:
            text = file.readline()
            assert text.startswith("0x")
            while "dropped" not in text:
                handler.emit(record("more"))
                text = file.readline()
        assert text.endswith("lines of the log were dropped: they are read too slowly\n")
        assert int(text.split()[0]) > 0
        os.close(reader)
        handler.close()
    assert not handler._thread.is_alive()


@pytest.mark.filterwarnings("error")
def test_a_closed_pipe_and_a_wrong_record_are_no_errors(pipe):
    reader, writer = pipe
    handler = NonBlockingHandler(writer)
    handler.emit(record("%d and %d", 1))
    assert lines(reader, 1) == ["INFO vivavoce: '%d and %d'\n"]
    os.close(reader)
    for _ in range(10):
        handler.emit(record("lost"))
    handler.close()
