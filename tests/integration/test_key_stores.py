"""What holds for every store of API keys: the SQLite file, and a Redis that runs."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import logging
import threading
import time

import pytest

from support.redis_server import redis_server  # noqa: F401  - a fixture
from support.time_limit import HANG_S, wait_until
from vivavoce.errors import ConfigurationError, StoreError
from vivavoce.server.access import Admission, KeyBook, Ledger
from vivavoce.store import KeyLimits, KeyStatus, KeyStore, RedisKeyStore, digest_of, owner_of

DAY = 20_000


@pytest.fixture(params=["file", "redis"])
def opened(request, tmp_path, monkeypatch):
    """Opens the store, again at each call; on a slow machine, too, reports last for the whole test."""
    for module in ("keys", "redis_keys"):
        monkeypatch.setattr(f"vivavoce.store.{module}.LEASE_S", 10 * HANG_S)
    stores = []
    redis = request.getfixturevalue("redis_server") if request.param == "redis" else None

    def open_store(**options):
        if redis is None:
            stores.append(KeyStore(tmp_path / "keys.db", **options))
        else:
            stores.append(RedisKeyStore(redis.url, **options))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture
def pair(opened):
    """The stores of two servers."""
    return opened(), opened()


def test_a_store_must_have_been_begun(opened):
    with pytest.raises(ConfigurationError, match="vivavoce keys add makes one"):
        opened(create=False)
    opened()
    assert opened(create=False).records() == []


def test_keys_are_added_changed_and_revoked_for_all_servers(pair):
    here, there = pair
    limits = KeyLimits(2, 60.0, 10.0)
    alice = here.add("alice", limits=limits, standing=KeyStatus.UNPAID, is_admin=True)
    bob = here.add("bob")
    first, second = there.records()
    assert (first.name, first.digest, first.owner) == ("alice", digest_of(alice), owner_of(alice))
    assert (first.limits, first.status, first.is_admin) == (limits, KeyStatus.UNPAID, True)
    assert (second.name, second.digest, second.limits) == ("bob", digest_of(bob), KeyLimits())
    changed = there.change("alice", standing=KeyStatus.GOOD, limits=KeyLimits(sessions=1))
    assert here.records()[0] == changed
    there.change("alice", is_on=False, ends_sessions=True)
    assert (here.records()[0].status, here.records()[0].ends_sessions) == (KeyStatus.DISABLED, True)
    there.change("alice", revoked_unix=5.0)
    with pytest.raises(ConfigurationError, match="no key alice"):
        here.change("alice", is_on=True)
    again = here.add("alice")
    assert [(it.name, it.digest, it.revoked_unix) for it in there.records()] == [
        ("alice", digest_of(alice), 5.0), ("bob", digest_of(bob), None), ("alice", digest_of(again), None),
    ]  # fmt: skip


def test_what_is_no_new_key_is_refused(pair):
    here, there = pair
    key = "0123456789abcdef0123456789abcdef"
    assert here.add("alice", key=key) == key
    with pytest.raises(ConfigurationError, match="there is a key alice already"):
        there.add("alice")
    with pytest.raises(ConfigurationError, match="already, or was revoked"):
        there.add("bob", key=key)
    with pytest.raises(ConfigurationError, match="at least 22 random characters"):
        there.add("bob", key="hunter2")
    with pytest.raises(ConfigurationError, match="name of a key"):
        there.add("a b")
    assert [record.name for record in there.records()] == ["alice"]


def test_all_servers_have_one_secret(pair):
    here, there = pair
    assert here.secret() == there.secret()
    assert len(here.secret()) == 32


def test_a_change_is_noticed_once(pair):
    here, there = pair
    assert not here.has_changed()
    there.add("alice")
    assert here.has_changed()
    assert not here.has_changed()
    there.change("alice", is_on=False)
    assert here.has_changed()
    assert not here.is_replaced()


def test_the_use_of_all_servers_adds_up(pair):
    here, there = pair
    today = int(time.time() // 86_400)
    assert here.add_usage({}, today) == {}
    assert here.add_usage({(today, "aa"): 1.5}, today) == {(today, "aa"): 1.5}
    used = there.add_usage({(today, "aa"): 0.25, (today - 1, "bb"): 0.1}, today)
    assert used == {(today, "aa"): 1.75, (today - 1, "bb"): 0.1}
    assert here.add_usage({(today, "aa"): 1.0}, today)[today, "aa"] == pytest.approx(2.75)
    assert here.usage(today) == {(today, "aa"): pytest.approx(2.75)}
    assert there.last_days() == {"aa": today, "bb": today - 1}


def test_a_token_is_used_once(pair):
    here, there = pair
    now = time.time()
    assert here.spend(b"one", now + 60, now)
    assert not there.spend(b"one", now + 60, now)
    assert not here.spend(b"one", now + 60, now)
    assert there.spend(b"two", now + 60, now)


def test_of_many_uses_of_a_token_at_once_one_counts(opened):
    stores, now = [opened() for _ in range(8)], time.time()
    for number in range(20):
        barrier, answers = threading.Barrier(len(stores)), []

        def use(store, token, barrier=barrier, answers=answers):
            barrier.wait()
            answers.append(store.spend(token, now + 60, now))

        threads = [threading.Thread(target=use, args=(store, b"%d" % number)) for store in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [False] * 7 + [True]


def test_sessions_are_counted_over_all_servers(pair):
    here, there = pair
    assert here.claim("aa", 1, 3)
    assert there.claim("aa", 1, 3)
    assert here.claim("aa", 2, 3)
    assert not there.claim("aa", 2, 3)
    assert there.claim("aa", 2, None)
    assert there.claim("bb", 1, 1)  # another key
    assert not here.claim("bb", 1, 1)
    here.renew({"aa": 1, "bb": 0})
    there.renew({"aa": 0})
    assert there.claim("aa", 2, 3)
    assert not there.claim("aa", 0, 0)  # as many elsewhere as there may be in all, and more


def test_what_a_server_reports_again_replaces_what_it_reported(pair):
    here, there = pair
    for _ in range(3):
        assert here.claim("aa", 1, 2)
    assert there.claim("aa", 1, 2)


def test_of_many_sessions_that_begin_at_once_as_many_do_as_may(opened):
    stores = [opened() for _ in range(8)]
    barrier, answers = threading.Barrier(len(stores)), []

    def begin(store):
        barrier.wait()
        answers.append(store.claim("aa", 1, 3))

    threads = [threading.Thread(target=begin, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 5 + [True] * 3


@pytest.mark.parametrize("lease_s", [0.2])
def test_the_sessions_of_a_server_that_was_killed_stop_counting(opened, monkeypatch, lease_s):
    for module in ("keys", "redis_keys"):
        monkeypatch.setattr(f"vivavoce.store.{module}.LEASE_S", lease_s)
    killed, there = opened(), opened()
    assert killed.claim("aa", 2, 2)
    wait_until(lambda: there.claim("aa", 1, 2))


def test_sessions_from_before_the_clock_was_set_back_stop_counting(opened, monkeypatch):
    killed, there = opened(), opened()
    monkeypatch.setattr("vivavoce.store.keys.LEASE_S", 3_600.0)
    monkeypatch.setattr("vivavoce.store.redis_keys.LEASE_S", 3_600.0)
    assert killed.claim("aa", 2, 2)
    monkeypatch.undo()
    assert there.claim("aa", 1, 2)


# --- of a Redis alone ------------------------------------------------------------------------------


def test_a_redis_holds_no_key_as_it_is(redis_server):  # noqa: F811
    with RedisKeyStore(redis_server.url) as store:
        keys = [store.add("alice"), store.add("bob", key="another-key-that-nobody-knows")]
    client = redis_server.client
    content = b"".join(client.dump(name) or b"" for name in client.scan_iter())
    assert not [key for key in keys if key.encode() in content]
    assert all(name.startswith(b"vivavoce:") for name in client.scan_iter())


def test_what_servers_leave_behind_is_forgotten(redis_server):  # noqa: F811
    with RedisKeyStore(redis_server.url) as store:
        now = time.time()
        store.spend(b"token", now + 60, now)
        store.claim("aa", 1, 3)
        store.add_usage({(int(now // 86_400), "aa"): 1.0}, int(now // 86_400))
    kinds = ("token", "sessions", "served", "usage")
    found = {
        kind: redis_server.client.ttl(name)
        for kind, name in itertools.product(kinds, redis_server.client.scan_iter())
        if name.startswith(f"vivavoce:{kind}:".encode())
    }
    assert found.keys() == set(kinds)
    assert 60 <= found["token"] <= 120
    assert found["sessions"] <= 5
    assert 0 < found["served"] < found["usage"]


def test_use_whose_answer_was_lost_is_added_once(redis_server, monkeypatch):  # noqa: F811
    today = int(time.time() // 86_400)
    with RedisKeyStore(redis_server.url) as store:
        store.add_usage({(today, "aa"): 1.0}, today)

        def fail(_):
            raise StoreError("the connection was lost")

        monkeypatch.setattr(store, "usage", fail)
        with pytest.raises(StoreError):
            store.add_usage({(today, "aa"): 2.0}, today)
        monkeypatch.undo()
        assert store.usage(today) == {(today, "aa"): 3.0}
        # The server can't know that: it has kept the 2 s, and has 4 s more.
        assert store.add_usage({(today, "aa"): 6.0}, today) == {(today, "aa"): 7.0}


def test_a_redis_that_has_lost_its_keys_gets_them_back(redis_server, caplog):  # noqa: F811
    today = int(time.time() // 86_400)
    with RedisKeyStore(redis_server.url) as here, RedisKeyStore(redis_server.url) as there:
        here.add("alice", limits=KeyLimits(sessions=3))
        here.add("gone")
        here.change("gone", revoked_unix=1.0)
        here.add_usage({(today, "aa"): 2.0}, today)
        there.add_usage({(today, "aa"): 1.0}, today)
        records = here.records()
        assert there.records() == records
        assert here.has_changed()
        redis_server.client.flushall()
        # A server that starts now, before the others notice.
        with RedisKeyStore(redis_server.url) as newcomer:
            with caplog.at_level(logging.WARNING):
                assert here.has_changed()
                assert there.has_changed()
            assert caplog.text.count("had lost its keys: this server has put them back") == 1
            assert newcomer.is_replaced()
            assert newcomer.reopened().secret() == here.secret() == there.secret()
            assert newcomer.records() == here.records() == records
            assert not here.is_replaced()
        here.add_usage({}, today)
        assert there.add_usage({}, today) == {(today, "aa"): 3.0}
        with pytest.raises(ConfigurationError, match="there is a key alice already"):
            there.add("alice")
        here.add("gone")  # the name is free


def test_no_server_takes_the_loss_of_all_keys_for_a_change(redis_server):  # noqa: F811
    with RedisKeyStore(redis_server.url) as store:
        store.add("alice")
        records = store.records()
        assert store.has_changed()
        redis_server.client.flushall()  # after it has looked for changes, and before it reads them
        assert store.records() == records


def test_a_redis_of_a_later_version_is_refused(redis_server):  # noqa: F811
    RedisKeyStore(redis_server.url).close()
    redis_server.client.set("vivavoce:format", 2)
    with pytest.raises(ConfigurationError, match="later version of Vivavoce"):
        RedisKeyStore(redis_server.url)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda redis: redis.hset("vivavoce:keys", "aa", b"\xff"),
        lambda redis: redis.hset("vivavoce:keys", "aa", b'{"name": "alice"}'),
        lambda redis: redis.hset(f"vivavoce:usage:{int(time.time() // 86_400)}", "aa", "much"),
        lambda redis: redis.hset(f"vivavoce:usage:{int(time.time() // 86_400)}", b"\xff", "1"),
        lambda redis: redis.set("vivavoce:keys", "a text"),
    ],
    ids=["no record", "half a record", "no number", "no owner", "no hash"],
)
def test_what_others_have_written_is_a_failure_of_the_store_and_stops_no_server(redis_server, wrong):  # noqa: F811
    with RedisKeyStore(redis_server.url) as store:
        admission, ledger = Admission((), []), Ledger(None)
        book = KeyBook(store)
        wrong(redis_server.client)

        async def run():
            await book.exchange(admission, ledger, reads_keys=True)
            assert not book.is_usable
            redis_server.client.flushdb()
            await book.exchange(admission, ledger)
            assert book.is_usable
            await book.close(ledger)

        asyncio.run(run())


def test_a_standing_that_a_later_version_has_added_opens_no_session(redis_server):  # noqa: F811
    with RedisKeyStore(redis_server.url) as store:
        store.add("alice")
        ((owner, content),) = redis_server.client.hgetall("vivavoce:keys").items()
        redis_server.client.hset("vivavoce:keys", owner, content.replace(b'"good"', b'"dubious"'))
        (record,) = store.records()
        assert record.status is KeyStatus.DISABLED
        assert dataclasses.replace(record, standing=KeyStatus.GOOD).status is KeyStatus.GOOD


def test_a_redis_that_cannot_be_used_says_why_and_no_password(redis_server, monkeypatch):  # noqa: F811
    redis_server.client.config_set("requirepass", "right-secret")
    address = redis_server.url
    for password in ("", "wrong-secret"):
        with pytest.raises(
            StoreError, match=r"redis.sock: the Redis refuses the password; set VIV"
        ) as caught:
            RedisKeyStore(f"{address}?password={password}" if password else address)
        assert "secret" not in str(caught.value)
    with RedisKeyStore(f"{address}?password=right-secret") as store:
        assert store.name == address
    monkeypatch.setenv("VIVAVOCE_REDIS_PASSWORD", "right-secret")
    RedisKeyStore(address).close()
    redis_server.kill()
    with pytest.raises(StoreError, match=r"redis.sock: .*connect"):
        RedisKeyStore(address)
    redis_server.start()


def test_a_user_of_its_own_suffices(redis_server):  # noqa: F811
    rules = ["on", ">a-secret", "~vivavoce:*", "+@all", "-@dangerous"]
    redis_server.client.execute_command("ACL", "SETUSER", "vivavoce", *rules)
    address = redis_server.url.replace("unix://", "unix://vivavoce:a-secret@")
    today = int(time.time() // 86_400)
    with RedisKeyStore(address) as store:
        store.add("alice")
        assert store.change("alice", is_on=False) == store.records()[0]
        assert store.add_usage({(today, "aa"): 1.0}, today) == {(today, "aa"): 1.0}
        assert store.spend(b"token", time.time() + 60, time.time())
        assert store.claim("aa", 1, 1)
        store.renew({"aa": 0})
        assert store.has_changed()
        assert store.warnings() == []  # CONFIG is not for this user


def test_a_redis_that_forgets_is_warned_of(redis_server):  # noqa: F811
    with RedisKeyStore(redis_server.url) as store:
        assert store.warnings() == []
        redis_server.client.config_set("appendonly", "no")
        redis_server.client.config_set("maxmemory", "100mb")
        redis_server.client.config_set("maxmemory-policy", "allkeys-lru")
        appendonly, policy = store.warnings()
        assert "appendonly to yes" in appendonly
        assert "maxmemory-policy to noeviction" in policy
