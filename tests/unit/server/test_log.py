"""A log that is not read does not stop the server."""

import contextlib
import json
import logging
import os
import sys
import threading

import pytest

from support.time_limit import HANG_S, time_limit
from vivavoce.server.log import NonBlockingHandler, formatter_of


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


def test_a_signal_can_be_logged_at_any_point_of_the_line_that_it_interrupts(pipe):
    reader, writer = pipe
    handler = NonBlockingHandler(writer)

    def interrupt(*_):
        handler.emit(record("signal"))
        return interrupt

    def log():
        sys.settrace(interrupt)
        handler.emit(record("line"))
        sys.settrace(None)

    thread = threading.Thread(target=log, daemon=True)
    thread.start()
    thread.join(HANG_S)
    assert not thread.is_alive()
    handler.close()
    assert lines(reader, 3)[0] == "signal\n"


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


# --- JSON -----------------------------------------------------------------------------------------


def as_json(found):
    line = formatter_of("json").format(found)
    assert "\n" not in line
    return json.loads(line)


def test_a_record_is_one_object():
    found = record("session %s\nbegan: %s", "x", "v3")
    found.created = 1_700_000_000.25
    found.session_id = "x"
    found.websocket = object()  # of a library, of no use here
    found.color_message = "session"
    assert as_json(found) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "logger": "vivavoce",
        "message": "session x\nbegan: v3",
        "session_id": "x",
    }


def test_an_exception_is_a_member():
    found = record("failed")
    error = ValueError("broken")
    found.exc_info = (type(error), error, None)
    assert as_json(found)["exception"].endswith("ValueError: broken")


def test_wrong_arguments_and_broken_text_are_objects_too(pipe):
    reader, writer = pipe
    handler = NonBlockingHandler(writer)
    handler.setFormatter(formatter_of("json"))
    handler.emit(record("%d and %d", 1))
    handler.emit(record("\udc80 %s", '"'))
    handler.close()
    assert [json.loads(line)["message"] for line in lines(reader, 2)] == ["'%d and %d'", '\udc80 "']


def test_the_notice_of_lost_lines_has_the_format_of_the_log(pipe):
    reader, writer = pipe
    handler = NonBlockingHandler(writer)
    handler.setFormatter(formatter_of("json"))
    handler._dropped = 3
    handler.emit(record("next"))
    handler.close()
    notice, after = map(json.loads, lines(reader, 2))
    assert (notice["level"], notice["message"].split()[0], after["message"]) == ("warning", "3", "next")


def test_text_has_time_level_and_name():
    assert formatter_of("text").format(record("said")).endswith(" INFO vivavoce: said")


def test_lines_of_a_worker_name_it():
    record = logging.LogRecord("vivavoce.x", logging.INFO, __file__, 1, "began", (), None)
    assert " INFO worker 2 vivavoce.x: began" in formatter_of("text", 2).format(record)
    assert json.loads(formatter_of("json", 2).format(record))["worker"] == 2
    assert "worker" not in json.loads(formatter_of("json").format(record))
