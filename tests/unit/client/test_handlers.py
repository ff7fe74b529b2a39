"""Handlers of a program: how they are called, and who receives their exceptions."""

import functools
import logging
import threading

import pytest

from vivavoce.client.handlers import HandlerErrors, close_handler
from vivavoce.errors import ConfigurationError, RealtimeError


def test_a_handler_for_the_end_is_called_with_what_it_takes():
    calls = []
    event = threading.Event()

    class Program:
        def ended(self):
            calls.append("method")

        def ended_with(self, code, reason):
            calls.append((code, reason))

    handlers = [
        lambda: calls.append("none"),
        lambda given=calls: given.append("default"),
        lambda code, reason: calls.append((code, reason)),
        lambda *arguments: calls.append(arguments),
        Program().ended,
        Program().ended_with,
        functools.partial(calls.append, "partial"),
        event.set,
    ]
    for handler in handlers:
        close_handler(handler)(4031, "idle")
    both = (4031, "idle")
    assert calls == ["none", "default", both, (), "method", both, "partial"]
    assert event.is_set()
    assert close_handler(None) is None


@pytest.mark.parametrize("handler", [lambda code: code, lambda a, b, c: a, lambda *, code: code])
def test_a_handler_for_the_end_with_other_arguments_is_refused_at_once(handler):
    with pytest.raises(ConfigurationError, match="on_close must take no arguments, or code and reason"):
        close_handler(handler)


# --- exceptions ------------------------------------------------------------------------------------


def test_the_first_exception_is_raised_once_and_the_others_are_logged(caplog):
    errors = HandlerErrors()
    with caplog.at_level(logging.ERROR):
        errors.record("on_data", ValueError("first"))
        errors.record("on_open", KeyError("second"))
    assert [record.getMessage() for record in caplog.records] == ["the handler on_open raised again"]
    with pytest.raises(RealtimeError, match="the handler on_data raised ValueError: first") as caught:
        errors.raise_recorded()
    assert isinstance(caught.value.__cause__, ValueError)
    errors.raise_recorded()


def test_a_cleared_exception_is_never_raised():
    errors = HandlerErrors()
    errors.record("on_data", ValueError())
    errors.clear()
    errors.raise_recorded()


def test_an_exit_of_the_program_is_raised_as_it_is():
    errors = HandlerErrors()
    errors.record("on_data", SystemExit(3))
    with pytest.raises(SystemExit):
        errors.raise_recorded()
