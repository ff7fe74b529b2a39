"""Close codes become errors."""

import pytest

from vivavoce.client.close_errors import close_text, opening_error
from vivavoce.errors import ConnectError, RefusedError


@pytest.mark.parametrize(
    ("code", "reason", "message", "expected"),
    [
        (4999, "because", None, "because"),
        (4999, "", None, "the server closed the session with code 4999"),
        (4001, "Not Authorized", None, "Not Authorized"),
        (4001, "no such key", None, "Not Authorized: no such key"),
        (
            4032,
            "Audio duration is too sh",
            "Audio duration is too short: 20 ms",
            "Audio duration is too short: 20 ms",
        ),
        (1006, "", None, "the connection was lost"),
        (1011, "", "it broke", "it broke"),
    ],
)
def test_the_message_of_a_close(code, reason, message, expected):
    assert close_text(code, reason, message) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (3006, RefusedError),  # a parameter that the server does not take
        (3008, RefusedError),  # an expired token
        (3009, RefusedError),
        (1008, RefusedError),
        (1013, RefusedError),
        (4001, RefusedError),
        (4100, RefusedError),
        (1006, ConnectError),
        (1011, ConnectError),
        (3005, ConnectError),
        (1000, ConnectError),
    ],
)
def test_a_close_before_the_session_began_is_a_refusal_or_no_connection(code, expected):
    error = opening_error("ws://host", code, "why")
    assert (type(error), error.status_code) == (expected, code)
    assert error.exit_code == {RefusedError: 4, ConnectError: 3}[expected]
