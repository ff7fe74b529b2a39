import pytest

from vivavoce.auth import KeyRing, is_loopback
from vivavoce.errors import ServerError
from vivavoce.server import ServerOptions


def test_a_ring_without_keys_opens_for_everybody():
    assert KeyRing().admits(None)
    assert KeyRing().admits("anything")


def test_only_its_keys_open_a_ring():
    ring = KeyRing(["one", "zwei"])
    assert ring.admits("one")
    assert ring.admits("Bearer zwei")
    assert not any(ring.admits(key) for key in (None, "", "on", "ONE", "one ", "None", "é"))


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
