import pytest

from vivavoce.errors import ProtocolViolation
from vivavoce.server.access import Ledger
from vivavoce.server.access import ledger as module
from vivavoce.types import Failure


def test_an_owner_has_at_most_so_many_open_sessions():
    ledger = Ledger(2)
    for session_id in ("a", "b"):
        ledger.begin(session_id, "one")
    with pytest.raises(ProtocolViolation, match="at most 2") as caught:
        ledger.begin("c", "one")
    assert caught.value.failure is Failure.BUSY
    ledger.begin("c", "two")
    ledger.end("a")
    ledger.begin("d", "one")


def test_without_a_limit_every_session_may_begin():
    ledger = Ledger(None)
    for number in range(100):
        ledger.begin(str(number), "")


def test_a_session_cannot_be_resumed_and_the_reason_says_where_it_is(monkeypatch):
    monkeypatch.setattr(module, "_MAX_REMEMBERED", 1)
    ledger = Ledger(None)
    for session_id in ("a", "b", "c"):
        ledger.begin(session_id, "")
    ledger.end("a")
    assert ledger.resume_error("a").failure is Failure.SESSION_OVER
    ledger.end("b")
    found = {session_id: ledger.resume_error(session_id).failure for session_id in "abcd"}
    assert found == {
        "a": Failure.SESSION_UNKNOWN,  # forgotten
        "b": Failure.SESSION_OVER,
        "c": Failure.SESSION_ELSEWHERE,
        "d": Failure.SESSION_UNKNOWN,
    }
