"""The limits of connections from one address, and in all."""

import resource

import pytest

from vivavoce.server import connection_gate
from vivavoce.server.access import TrustedProxies
from vivavoce.server.connection_gate import ConnectionGate, allow_many_files


def test_an_address_has_a_limit_and_others_have_their_own():
    gate = ConnectionGate(per_address=2)
    assert [gate.enter("192.0.2.1") is None for _ in range(3)] == [True, True, False]
    assert gate.enter("192.0.2.1") == "an address may have at most 2 connections at a time"
    assert gate.enter("192.0.2.2") is None
    for _ in range(3):
        gate.leave("192.0.2.1")
    assert gate.enter("192.0.2.1") is None


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),  # of one network
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_what_counts_as_one_address(one, other, is_same):
    gate = ConnectionGate(per_address=1)
    assert gate.enter(one) is None
    assert (gate.enter(other) is not None) == is_same


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_is_not_limited_since_a_proxy_may_run_on_it(host):
    gate = ConnectionGate(per_address=1)
    assert [gate.enter(host) for _ in range(5)] == [None] * 5


def test_all_connections_have_a_limit_too():
    gate = ConnectionGate()
    gate.in_all = 1
    assert gate.enter("127.0.0.1") is None
    assert "1 connections, which is all" in gate.enter("192.0.2.1")
    gate.leave("192.0.2.1")
    gate.leave("127.0.0.1")
    assert gate.n_open == 0
    assert gate.enter("192.0.2.1") is None


def test_the_limit_of_files_is_raised_as_far_as_possible(monkeypatch):
    limits = [(1_024, 4_096)]
    monkeypatch.setattr(connection_gate.resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(connection_gate.resource, "setrlimit", lambda _, new: limits.append(new))
    assert allow_many_files() == 4_096 - 128
    assert limits[-1] == (4_096, 4_096)

    def refuse(*_):
        raise ValueError

    limits.append((1_024, 4_096))
    monkeypatch.setattr(connection_gate.resource, "setrlimit", refuse)
    assert allow_many_files() == 1_024 - 128
    limits.append((resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert allow_many_files() > 100_000


def test_a_system_that_claims_to_have_no_limit_is_asked_for_many_files(monkeypatch):
    """macOS begins with 256, says that there is no limit, and refuses more than its kernel has."""
    limits = [(256, resource.RLIM_INFINITY)]

    def take(_, new):
        if new[0] > 10_240:
            raise ValueError
        limits.append(new)

    monkeypatch.setattr(connection_gate.resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(connection_gate.resource, "setrlimit", take)
    assert allow_many_files() == 10_240 - 128
    assert allow_many_files() == 10_240 - 128  # nothing more is to be had
    assert limits == [(256, resource.RLIM_INFINITY), (10_240, resource.RLIM_INFINITY)]


def test_a_trusted_proxy_is_not_limited():
    gate = ConnectionGate(1, TrustedProxies(["10.0.0.0/8"]).trusts)
    assert [gate.enter("10.0.0.7") for _ in range(5)] == [None] * 5
    assert [gate.enter("192.0.2.1") is None for _ in range(2)] == [True, False]


def test_clients_of_a_proxy_are_limited_by_their_own_addresses():
    proxy = "198.51.100.7"
    gate = ConnectionGate(per_address=1, is_proxy=TrustedProxies([proxy]).trusts)
    assert [gate.enter(proxy) for _ in range(3)] == [None] * 3
    assert gate.enter_forwarded("192.0.2.1") is None
    assert gate.enter_forwarded("192.0.2.2") is None
    assert gate.enter_forwarded("192.0.2.1") == "an address may have at most 1 connections at a time"
    for _ in range(2):
        gate.leave_forwarded("192.0.2.1")
    assert gate.enter_forwarded("192.0.2.1") is None
    assert gate.n_open == 3
