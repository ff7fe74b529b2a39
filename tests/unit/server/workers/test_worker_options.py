"""What the options of a server are for one of its workers."""

import pytest

from vivavoce.server import ServerOptions
from vivavoce.server.workers.process import without_shared_limits


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, None), ({"max_sessions": 10}, 4), ({"max_sessions": 10, "expected_sessions": 24}, 8)],
)
def test_each_worker_is_expected_to_hold_its_part_of_the_sessions(given, expected):
    options = without_shared_limits(ServerOptions(**given), 3)
    assert (options.max_sessions, options.expected_sessions) == (None, expected)
