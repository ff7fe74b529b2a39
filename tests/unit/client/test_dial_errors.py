"""What prevents a connection becomes an error of one line."""

import errno
import traceback

import pytest

from vivavoce.client.address import Address
from vivavoce.client.dial_errors import status_error, translate_dial_errors, unreachable_error
from vivavoce.errors import ConnectError, RefusedError

WHERE = "ws://127.0.0.1:8765"


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_statuses_that_are_refusals(status):
    error = status_error(WHERE, status, b'{"error": "no"}', "7")
    assert isinstance(error, RefusedError)
    assert error.status_code == status
    assert f"no (HTTP {status})" in str(error)
    assert "try again after 7 s" in str(error)
    assert ("VIVAVOCE_API_KEY" in str(error)) is (status == 401)


@pytest.mark.parametrize("body", [None, b"", b"<html>", b"\xff", b"[]"])
def test_other_statuses_are_failed_connections(body):
    error = status_error(WHERE, 502, body, None)
    assert isinstance(error, ConnectError)
    assert str(error) == f"{WHERE} answered HTTP 502"


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 8765)"),
        OSError(
            f"Multiple exceptions: [Errno {errno.ECONNREFUSED}] Connect call failed ('::1', 8765, 0, 0), "
            f"[Errno {errno.ECONNREFUSED}] Connect call failed ('127.0.0.1', 8765)"
        ),
    ],
)
def test_a_refused_connection_is_described_in_words(error):
    error = unreachable_error(Address.parse(WHERE), error)
    assert str(error) == f"no server at {WHERE} (Connection refused); `vivavoce serve` starts one"


def test_advice_is_given_for_a_server_on_this_machine_only():
    here = unreachable_error(Address.parse(WHERE), ConnectionRefusedError(111, "Connection refused"))
    assert str(here) == f"no server at {WHERE} (Connection refused); `vivavoce serve` starts one"
    there = unreachable_error(Address.parse("ws://asr.example"), TimeoutError())
    assert str(there) == "no answer from ws://asr.example in time"


@pytest.mark.parametrize(
    "cause", [ConnectionRefusedError(errno.ECONNREFUSED, "no"), EOFError(), TimeoutError()]
)
def test_an_error_has_one_traceback(cause):
    address = Address.parse(WHERE)
    with pytest.raises(ConnectError) as raised, translate_dial_errors(address):
        raise cause
    text = "".join(traceback.format_exception(raised.value))
    assert text.count("Traceback") == 1
    assert raised.value.__context__ is cause  # for a debugger


@pytest.mark.parametrize("missing", ["onnxruntime", "uvicorn", "typer"])
def test_the_advice_names_the_extra_where_the_command_is_missing(monkeypatch, missing):
    monkeypatch.setattr("vivavoce.client.address._is_installed", lambda module: module != missing)
    assert 'pip install "vivavoce[server,cli]"' in Address.parse(WHERE).advice
    assert Address.parse("ws://elsewhere:1").advice == ""


def test_the_advice_names_the_command_where_it_is_installed(monkeypatch):
    monkeypatch.setattr("vivavoce.client.address._is_installed", lambda module: True)
    assert Address.parse(WHERE).advice == "; `vivavoce serve` starts one"
