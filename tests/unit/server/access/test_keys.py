import pytest

from vivavoce.errors import ConfigurationError, ProtocolViolation
from vivavoce.server.access import Admission, KeyRing, is_loopback
from vivavoce.types import Failure


def test_a_ring_without_keys_admits_every_client():
    assert KeyRing().admits(None)
    assert KeyRing().admits("anything")


def test_a_ring_admits_its_keys_only():
    ring = KeyRing(["one", "zwei"])
    assert ring.admits("one")
    assert ring.admits("Bearer zwei")
    assert not any(ring.admits(key) for key in (None, "", "on", "ONE", "one ", "None", "é"))


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("no-funds", Failure.NO_FUNDS),
        ("unpaid", Failure.UNPAID),
        ("disabled", Failure.UNAUTHORIZED),
    ],
)
def test_a_key_that_is_not_active_is_refused_with_its_reason(status, failure):
    admission = Admission(["one", f"two  {status}", "three good"])
    assert admission.admit(["one"], 0) != admission.admit(["Bearer three"], 0)
    for act in (lambda: admission.check_key("two"), lambda: admission.admit([None, "two"], 0)):
        with pytest.raises(ProtocolViolation) as caught:
            act()
        assert caught.value.failure is failure
        assert caught.value.detail
    with pytest.raises(ProtocolViolation, match="not valid"):
        admission.admit([f"two {status}"], 0)


def test_tokens_are_refused_once_their_key_is_not_active():
    before, since = Admission(["one", "two"]), Admission(["one", "two no-funds"])
    for key, opens in (("one", True), ("two", False)):
        token = before.tokens.issue(expires_in_s=60, owner=before.check_key(key).owner, unix_now=0)
        if opens:
            assert since.admit([token], 1).owner
        else:
            with pytest.raises(ProtocolViolation) as caught:
                since.admit([token], 1)
            assert caught.value.failure is Failure.NO_FUNDS


def test_an_unknown_status_after_a_key_is_an_error():
    with pytest.raises(ConfigurationError, match=r"no-funds, unpaid, disabled, got 'nofunds'"):
        KeyRing(("one", "two nofunds"))
    assert not KeyRing(["two disabled"]).is_open


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("192.0.2.1", False), ("example.org", False)],
)  # fmt: skip
def test_loopback_addresses(host, expected):
    assert is_loopback(host) is expected
