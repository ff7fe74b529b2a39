"""The file of API keys."""

from __future__ import annotations

import sqlite3
import stat
import threading

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.store import KeyLimits, KeyStatus, KeyStore, Store, digest_of, owner_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.db"


def test_a_key_is_long_random_and_kept_as_a_digest_only(path):
    with KeyStore(path) as store:
        keys = [store.add(f"key{number}") for number in range(20)]
        records = store.records()
    assert len(set(keys)) == 20
    assert all(key.startswith("vv_") and len(key) == 46 for key in keys)
    assert [(each.digest, each.owner) for each in records] == [(digest_of(it), owner_of(it)) for it in keys]
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert not any(key.encode() in content or key[3:].encode() in content for key in keys)


def test_only_its_owner_can_read_the_file(path):
    with KeyStore(path) as store:
        store.add("alice")
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_kept_of_a_key_can_be_changed(path):
    limits = KeyLimits(2, 60.0, 10.0)
    with KeyStore(path) as store:
        store.add("alice", limits=limits, standing=KeyStatus.UNPAID, is_admin=True)
        store.add("bob")
        assert store.change("alice", standing=KeyStatus.GOOD).status is KeyStatus.GOOD
        assert store.change("alice", is_on=False, ends_sessions=True).status is KeyStatus.DISABLED
        with pytest.raises(ConfigurationError, match="no key carol"):
            store.change("carol", is_on=True)
    with KeyStore(path, create=False) as store:
        alice, bob = store.records()
    assert (alice.name, alice.limits, alice.is_admin, alice.is_on) == ("alice", limits, True, False)
    assert (alice.standing, alice.ends_sessions) == (KeyStatus.GOOD, True)
    assert (bob.limits, bob.status) == (KeyLimits(), KeyStatus.GOOD)


def test_a_revoked_key_stays_on_record_and_its_name_is_free(path):
    with KeyStore(path) as store:
        first = store.add("alice")
        store.change("alice", revoked_unix=5.0)
        with pytest.raises(ConfigurationError, match="no key alice"):
            store.change("alice", is_on=True)
        second = store.add("alice")
        old, new = store.records()
        assert (old.digest, old.status, old.revoked_unix) == (digest_of(first), KeyStatus.DISABLED, 5.0)
        assert (new.digest, new.status) == (digest_of(second), KeyStatus.GOOD)
        with pytest.raises(ConfigurationError, match="alice already"):
            store.add("alice")


def test_a_key_from_elsewhere_must_be_one_that_nobody_guesses(path):
    key = "0123456789abcdef0123456789abcdef"
    with KeyStore(path) as store:
        assert store.add("alice", key=key) == key
        with pytest.raises(ConfigurationError, match="in the file already"):
            store.add("bob", key=key)
        for wrong in ("hunter2", "", "x" * 21, "with a blank in it, but long", "é" * 40):
            with pytest.raises(ConfigurationError, match="at least 22 random characters") as caught:
                store.add("bob", key=wrong)
            assert not wrong or wrong not in str(caught.value)
        for name in ("", "a b", "a\nb", "x" * 65):
            with pytest.raises(ConfigurationError, match="name of a key"):
                store.add(name)


def test_an_unknown_standing_opens_nothing(path):
    with KeyStore(path) as store:
        store.add("alice")
        with sqlite3.connect(path) as other:
            other.execute("UPDATE keys SET standing = 'splendid'")
        other.close()
        assert store.records()[0].status is KeyStatus.DISABLED


# --- who else uses the file -----------------------------------------------------------------------


def test_changes_of_others_are_noticed_and_own_ones_are_not(path):
    with KeyStore(path) as store, KeyStore(path) as other:
        assert not store.has_changed()
        other.add("alice")
        assert store.has_changed()
        assert not store.has_changed()
        store.add("bob")
        assert not store.has_changed()
        assert other.has_changed()
        assert store.secret() == other.secret()


def test_a_file_that_was_replaced_is_noticed(path, tmp_path):
    with KeyStore(tmp_path / "backup.db") as backup:
        backup.add("alice")
    with KeyStore(path) as store:
        assert not store.is_replaced()
        path.unlink()
        assert not store.is_replaced()  # nothing is better there
        (tmp_path / "backup.db").rename(path)
        assert store.is_replaced()
        assert store.has_changed()


def test_processes_that_start_together_make_one_file(path):
    problems = []

    def start():
        try:
            KeyStore(path).close()
        except ConfigurationError as error:
            problems.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with KeyStore(path) as store:
        assert len(store.secret()) == 32


@pytest.mark.parametrize("kind", ["missing", "transcripts", "text", "folder", "later"])
def test_what_is_no_file_of_keys_is_refused(path, kind):
    if kind == "transcripts":
        Store(path).close()
    elif kind == "text":
        path.write_text("key\n" * 100)
    elif kind == "folder":
        path.mkdir()
    elif kind == "later":
        KeyStore(path).close()
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    with pytest.raises(ConfigurationError, match=str(path)):
        KeyStore(path, create=kind != "missing")


# --- use ------------------------------------------------------------------------------------------


def test_use_adds_up_over_servers_and_days(path):
    with KeyStore(path) as store, KeyStore(path) as other:
        assert store.add_usage({}, 10) == {}
        store.add_usage({(9, "a"): 5.0, (10, "a"): 1.0}, 10)
        assert other.add_usage({(10, "a"): 2.0, (10, "b"): 4.0}, 10) == {
            (9, "a"): 5.0, (10, "a"): 3.0, (10, "b"): 4.0,
        }  # fmt: skip
        assert store.add_usage({}, 11) == {(10, "a"): 3.0, (10, "b"): 4.0}
        assert store.last_days() == {"a": 10, "b": 10}
        store.add_usage({(500, "a"): 1.0}, 500)  # what is older than a year is forgotten
        assert store.usage(0) == {(500, "a"): 1.0}


def test_a_token_is_spent_once_whichever_server_sees_it(path):
    with KeyStore(path) as store, KeyStore(path) as other:
        assert store.spend(b"one", 100.0, 0.0)
        assert not store.spend(b"one", 100.0, 1.0)
        assert not other.spend(b"one", 100.0, 1.0)
        assert other.spend(b"two", 100.0, 1.0)
        assert store.spend(b"one", 300.0, 200.0)  # it has expired, so nobody takes it


def test_a_full_disk_is_called_by_its_name_and_harms_no_later_change(tmp_path):
    used = {(1, f"{index:08x}"): 1.0 for index in range(5_000)}
    with KeyStore(tmp_path / "keys.db") as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            store.add_usage(used, 1)
        store._connection.execute(f"PRAGMA max_page_count = {100 * pages}")
        assert store.add_usage(used, 1) == used
