"""Which hosts and headers a webhook may have."""

import pytest

from vivavoce.server import webhook_addresses
from vivavoce.server.webhook_addresses import is_public, public_addresses, refused_header, refused_host


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0x7f000001", "0", "0.0.0.0", "10.0.0.1",
        "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "localhost", "localhost.", "a.localhost",
        "x.local", "fec0::2", "metadata.google.internal",
    ],
)  # fmt: skip
def test_hosts_of_this_machine_and_its_networks_are_refused(host):
    assert host in refused_host(host)


@pytest.mark.parametrize(
    "host",
    ["example.org", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "locals.org", "a"],
)
def test_other_hosts_are_not(host):
    assert refused_host(host) is None


@pytest.mark.parametrize(
    "name", ["Host", "CONTENT-length", "Transfer-Encoding", "Connection", "Proxy-Connection"]
)
def test_headers_that_change_the_request_are_refused(name):
    assert name in refused_header(name)


@pytest.mark.parametrize("name", ["X-Key", "Authorization", "Cookie", "Hosts"])
def test_other_headers_are_not(name):
    assert refused_header(name) is None


def test_a_name_with_one_private_address_is_not_reached(monkeypatch):
    """A name may have public addresses too, or others than a moment before."""
    found = [(2, 1, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(webhook_addresses.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(OSError, match=r"example\.org has an address that is not of the public Internet"):
        public_addresses("example.org", 80, allow_private=False)
    assert public_addresses("example.org", 80, allow_private=True) == ["8.8.8.8", "10.0.0.1"]


def test_the_address_that_was_checked_is_what_is_connected_to(monkeypatch):
    monkeypatch.setattr(
        webhook_addresses.socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("8.8.8.8", 1))]
    )
    assert public_addresses("example.org", 1, allow_private=False) == ["8.8.8.8"]
    assert is_public("8.8.8.8")
