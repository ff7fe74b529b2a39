"""The error of a session reaches the program once."""

from types import SimpleNamespace

import pytest

from vivavoce.client.raise_once import RaiseOnce
from vivavoce.errors import RealtimeError


def test_an_error_is_raised_once():
    core = SimpleNamespace(error=None)
    once = RaiseOnce(core)
    once.raise_unraised()
    core.error = RealtimeError("lost", 1006)
    with pytest.raises(RealtimeError) as caught:
        once.raise_unraised()
    assert caught.value is core.error
    once.raise_unraised()


def test_an_error_that_a_call_raised_is_not_raised_again():
    core = SimpleNamespace(error=RealtimeError("lost", 1006))
    once = RaiseOnce(core)
    with pytest.raises(RealtimeError), once.noting():
        raise core.error
    once.raise_unraised()


def test_another_error_does_not_count():
    core = SimpleNamespace(error=RealtimeError("lost", 1006))
    once = RaiseOnce(core)
    with pytest.raises(RealtimeError, match="closed"), once.noting():
        raise RealtimeError("the session was closed")
    with pytest.raises(RealtimeError, match="lost"):
        once.raise_unraised()
