import dataclasses

import pytest

from vivavoce.errors import ConfigurationError, ProtocolViolation
from vivavoce.server.access import Admission, KeyRing, is_loopback, owner_of
from vivavoce.store import KeyLimits, KeyRecord, KeyStatus, digest_of
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


# --- keys of a key store --------------------------------------------------------------------------


def record(key, **fields):
    return KeyRecord(f"name-of-{key}", digest_of(key), owner_of(key), 0.0, **fields)


def refused(call, *arguments):
    with pytest.raises(ProtocolViolation) as caught:
        call(*arguments)
    return caught.value.failure


def test_a_server_with_an_empty_key_store_admits_nobody():
    assert not KeyRing((), []).is_open
    assert not KeyRing((), []).admits("anything")
    assert refused(Admission((), []).admit, [None], 0) is Failure.UNAUTHORIZED


def test_keys_of_options_and_of_the_store_stand_side_by_side():
    ring = KeyRing(["old"], [record("new"), record("off", is_on=False), record("gone", revoked_unix=1.0)])
    assert ring.admits("old")
    assert ring.admits("bearer new")
    assert not ring.admits("other")
    for key in ("off", "gone"):
        assert refused(ring.admits, key) is Failure.UNAUTHORIZED
    assert refused(KeyRing((), [record("a", standing=KeyStatus.UNPAID)]).admits, "a") is Failure.UNPAID
    assert ring.find("new").name == "name-of-new"
    assert not ring.find("new").is_admin
    assert ring.find("old").is_admin


def test_what_the_store_says_of_a_key_counts():
    """Else a key that was revoked would stay valid where it is among the options, too."""
    ring = KeyRing(
        ["both", "limited"], [record("both", revoked_unix=1.0), record("limited", limits=KeyLimits(2))]
    )
    assert refused(ring.admits, "both") is Failure.UNAUTHORIZED
    assert ring.find("limited").limits == KeyLimits(2)


def test_a_session_is_as_short_as_the_key_and_the_token_say():
    admission = Admission((), [record("a", limits=KeyLimits(session_minutes=2)), record("b")], secret=b"s")
    owner = admission.check_key("a").owner
    assert admission.admit(["a"], 0).max_session_s == 120
    assert admission.admit(["b"], 0).max_session_s is None
    for asked, allowed in ((None, 120), (60, 60), (600, 120)):
        token = admission.tokens.issue(expires_in_s=60, max_session_s=asked, owner=owner, unix_now=0)
        assert admission.admit([token], 0).max_session_s == allowed


def test_a_token_is_worth_no_more_than_its_key():
    alice = record("alice")
    admission = Admission(["old"], [alice], secret=b"s")

    def token(key):
        owner = owner_of(key)
        return admission.tokens.issue(expires_in_s=60, owner=owner, unix_now=0)

    tokens, of_old, stray = [token("alice") for _ in range(4)], token("old"), token("unknown")
    ticket = admission.tickets.issue(expires_in_s=60, owner=owner_of("alice"), unix_now=0)
    assert admission.admit([tokens[0]], 0).owner == alice.owner
    assert refused(admission.admit, [stray], 0) is Failure.UNAUTHORIZED
    admission.replace_records([alice, record("bob")], b"s")  # somebody else's key changes nothing
    assert admission.admit([tokens[1]], 0).owner == alice.owner
    admission.replace_records([dataclasses.replace(alice, standing=KeyStatus.NO_FUNDS)], b"s")
    assert refused(admission.admit, [tokens[2]], 0) is Failure.NO_FUNDS
    admission.replace_records([dataclasses.replace(alice, revoked_unix=1.0)], b"s")
    assert refused(admission.admit, [tokens[3]], 0) is Failure.UNAUTHORIZED
    assert refused(admission.check_ticket, ticket, 0) is Failure.UNAUTHORIZED
    admission.replace_keys(["older"])
    assert refused(admission.admit, [of_old], 0) is Failure.UNAUTHORIZED


def test_a_used_token_stays_used_when_its_keys_come_back():
    admission = Admission(["a"])
    token = admission.tokens.issue(expires_in_s=60, owner=owner_of("a"), unix_now=0)
    admission.admit([token], 0)
    admission.replace_keys(["b"])
    admission.replace_keys(["a"])
    assert refused(admission.admit, [token], 0) is Failure.UNAUTHORIZED


def test_sessions_of_a_withdrawn_key_end_if_that_was_asked_for():
    alice = record("alice")
    admission = Admission(["old"], [alice])
    for fields, must_end in (
        ({}, False),
        ({"revoked_unix": 1.0}, False),
        ({"revoked_unix": 1.0, "ends_sessions": True}, True),
        ({"is_on": False, "ends_sessions": True}, True),
        ({"ends_sessions": True}, False),
        ({"standing": KeyStatus.NO_FUNDS, "ends_sessions": True}, False),
    ):
        admission.replace_records([dataclasses.replace(alice, **fields)], b"s")
        assert (admission.must_end(alice.owner) is not None) is must_end
    assert admission.must_end(owner_of("old")) is None
    assert admission.must_end("") is None


def test_who_administers_a_server():
    admission = Admission(["old"], [record("alice"), record("root", is_admin=True)])
    assert [admission.is_admin(owner_of(key)) for key in ("old", "alice", "root")] == [True, False, True]
    assert not admission.is_admin("")
    assert Admission().is_admin("")
