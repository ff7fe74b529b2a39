"""What was measured on this machine, and how the server uses it."""

import msgspec
import pytest

from vivavoce.cli import serve
from vivavoce.cli.capacity_file import Measured, capacity_path, keep, measured_streams
from vivavoce.cores import usable_cores
from vivavoce.errors import ConfigurationError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    return tmp_path


def test_the_server_admits_as_many_sessions_as_were_measured():
    keep(Measured(24, usable_cores()))
    assert measured_streams() == 24
    assert serve._session_limit("measured") == 24
    keep(Measured(30, usable_cores()))
    assert serve._session_limit("measured") == 30
    assert [path.name for path in capacity_path().parent.iterdir()] == ["capacity.json"]


@pytest.mark.parametrize(("text", "limit"), [(None, None), ("1", 1), ("250", 250)])
def test_a_number_is_taken_as_it_is(text, limit):
    assert serve._session_limit(text) == limit


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "many", "²"])
def test_anything_else_is_refused(text):
    with pytest.raises(ConfigurationError, match="--max-sessions must be at least 1, or measured, got"):
        serve._session_limit(text)


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        (None, "was not measured: run vivavoce capacity"),
        (b"{", "can't be read"),
        (
            Measured(24, usable_cores() + 1),
            f"cores, and there are {usable_cores()} now: run vivavoce capacity again",
        ),
        (Measured(24, usable_cores(), "0.0.1"), "with vivavoce 0.0.1: run vivavoce capacity again"),
        (Measured(0, usable_cores()), "did not hold a single stream"),
    ],
)
def test_what_does_not_hold_any_more_is_not_used(measured, message):
    if measured is not None:
        capacity_path().parent.mkdir(parents=True)
        content = measured if isinstance(measured, bytes) else msgspec.json.encode(measured)
        capacity_path().write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        measured_streams()
