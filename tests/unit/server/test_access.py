import pytest

from vivavoce.errors import ConfigurationError, ProtocolViolation, ServerError
from vivavoce.server import ServerOptions
from vivavoce.server.access import Admission, KeyRing, is_loopback
from vivavoce.types import Failure


def test_a_ring_without_keys_opens_for_everybody():
    assert KeyRing().admits(None)
    assert KeyRing().admits("anything")


def test_only_its_keys_open_a_ring():
    ring = KeyRing(["one", "zwei"])
    assert ring.admits("one")
    assert ring.admits("Bearer zwei")
    assert not any(ring.admits(key) for key in (None, "", "on", "ONE", "one ", "None", "é"))


@pytest.mark.parametrize(
    ("standing", "failure"),
    [
        ("no-funds", Failure.NO_FUNDS),
        ("unpaid", Failure.UNPAID),
        ("disabled", Failure.UNAUTHORIZED),
    ],
)
def test_a_key_that_is_marked_opens_nothing_and_says_why(standing, failure):
    door = Admission(["one", f"two  {standing}", "three good"])
    assert door.enter(["one"], 0) != door.enter(["Bearer three"], 0)
    for act in (lambda: door.check_key("two"), lambda: door.enter([None, "two"], 0)):
        with pytest.raises(ProtocolViolation) as caught:
            act()
        assert caught.value.failure is failure
        assert caught.value.detail
    with pytest.raises(ProtocolViolation, match="not valid"):
        door.enter([f"two {standing}"], 0)


def test_tokens_of_a_key_that_was_marked_since_are_refused():
    before, since = Admission(["one", "two"]), Admission(["one", "two no-funds"])
    for key, opens in (("one", True), ("two", False)):
        token = before.tokens.issue(expires_in_s=60, owner=before.check_key(key).owner, unix_now=0)
        if opens:
            assert since.enter([token], 1).owner
        else:
            with pytest.raises(ProtocolViolation) as caught:
                since.enter([token], 1)
            assert caught.value.failure is Failure.NO_FUNDS


def test_a_word_behind_a_key_that_means_nothing_stops_the_start():
    with pytest.raises(ConfigurationError, match=r"'nofunds'.*no-funds, unpaid, disabled"):
        ServerOptions(api_keys=("one", "two nofunds")).check()
    assert not KeyRing(["two disabled"]).is_open


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("192.0.2.1", False), ("example.org", False)],
)  # fmt: skip
def test_loopback_addresses(host, expected):
    assert is_loopback(host) is expected


def test_a_public_address_needs_keys_or_a_word():
    with pytest.raises(ServerError, match="--no-auth"):
        ServerOptions(host="0.0.0.0").check()
    ServerOptions(host="0.0.0.0", api_keys=("k",)).check()
    ServerOptions(host="0.0.0.0", no_auth=True).check()
    ServerOptions().check()
