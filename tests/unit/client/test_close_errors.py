"""Close codes become errors."""

import pytest

from vivavoce.client.close_errors import close_text


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
