"""``vivavoce keys``."""

from __future__ import annotations

import io
import time

import pytest

from vivavoce.cli.app import run
from vivavoce.store import KeyLimits, KeyStatus, KeyStore, digest_of


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "keys.db"
    monkeypatch.setenv("VIVAVOCE_KEY_STORE", str(path))
    return path


def records(file):
    with KeyStore(file, create=False) as store:
        return store.records()


def test_a_key_is_added_and_shown_once(file, capsys):
    arguments = ["--sessions", "2", "--daily-minutes", "60", "--session-minutes", "10.5", "--admin"]
    assert run(["keys", "add", "alice", *arguments, "--standing", "unpaid"]) == 0
    out, err = capsys.readouterr()
    [key] = out.splitlines()
    assert err == "Added alice. Keep the key now: it cannot be shown again.\n"
    [record] = records(file)
    assert (record.name, record.digest) == ("alice", digest_of(key))
    assert record.limits == KeyLimits(2, 60.0, 10.5)
    assert (record.standing, record.is_admin) == (KeyStatus.UNPAID, True)
    assert run(["keys", "list"]) == 0
    out, err = capsys.readouterr()
    assert key not in out + err


def test_a_key_from_elsewhere_is_added_and_not_printed(file, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO("0123456789abcdef0123456789abcdef\n"))
    assert run(["keys", "add", "alice", "--stdin"]) == 0
    assert capsys.readouterr() == ("", "Added alice.\n")
    assert records(file)[0].digest == digest_of("0123456789abcdef0123456789abcdef")
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    assert run(["keys", "add", "bob", "--stdin"]) == 2
    err = capsys.readouterr().err
    assert "at least 22 random characters" in err
    assert "hunter2" not in err


def test_keys_are_listed_with_their_use(file, capsys):
    with KeyStore(file) as store:
        store.add("alice", limits=KeyLimits(2, 60.0, 10.0))
        store.add("bob", is_admin=True)
        store.add("carol")
        store.change("carol", revoked_unix=1.0)
        alice, bob, carol = (record.owner for record in store.records())
        day = int(time.time() // 86_400)
        store.add_usage({(day, alice): 90.0, (day - 3, bob): 5.0}, day)
    today, before = (time.strftime("%Y-%m-%d", time.gmtime(86_400 * it)) for it in (day, day - 3))
    assert run(["keys", "list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [
        ["alice", alice, "good", "2", "1.5", "of", "60", "10", today],
        ["bob", bob, "good,", "admin", "-", "0.0", "-", before],
    ]
    assert run(["keys", "list", "--all"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == [
        "carol", carol, "revoked", "-", "0.0", "-", "never",
    ]  # fmt: skip


def test_limits_change_one_by_one(file, capsys):
    assert run(["keys", "add", "alice", "--sessions", "2", "--daily-minutes", "60"]) == 0
    assert run(["keys", "limit", "alice", "--daily-minutes", "none", "--session-minutes", "5"]) == 0
    assert capsys.readouterr().err.endswith("alice: good, 2 sessions at a time, 5 minutes a session.\n")
    assert run(["keys", "limit", "alice", "--off", "--end-sessions", "--standing", "no-funds"]) == 0
    assert capsys.readouterr().err.startswith("alice: off, 2 sessions")
    [record] = records(file)
    assert (record.limits, record.standing) == (KeyLimits(2, None, 5.0), KeyStatus.NO_FUNDS)
    assert (record.is_on, record.ends_sessions) == (False, True)
    assert run(["keys", "limit", "alice", "--on", "--standing", "good", "--admin", "--sessions", "0"]) == 0
    [record] = records(file)
    assert (record.is_on, record.ends_sessions, record.is_admin) == (True, False, True)
    assert record.limits.sessions == 0


@pytest.mark.parametrize("arguments", [[], ["--end-sessions"]])
def test_a_key_is_revoked(file, capsys, arguments):
    assert run(["keys", "add", "alice"]) == 0
    assert run(["keys", "revoke", "alice", *arguments]) == 0
    assert capsys.readouterr().err.endswith("Revoked alice.\n")
    [record] = records(file)
    assert (record.status, record.ends_sessions) == (KeyStatus.DISABLED, bool(arguments))
    assert run(["keys", "revoke", "alice"]) == 2
    assert "there is no key alice: see vivavoce keys list" in capsys.readouterr().err
    assert run(["keys", "list"]) == 0
    assert capsys.readouterr().err == "There are no keys.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["limit", "alice"], "nothing to change"),
        (["limit", "bob", "--off"], "there is no key bob"),
        (["limit", "alice", "--sessions", "-1"], "--sessions must be a whole number from 0, or none"),
        (["limit", "alice", "--sessions", "1.5"], "--sessions must be a whole number from 0, or none"),
        (["limit", "alice", "--daily-minutes", "nan"], "--daily-minutes must be minutes from 0, or none"),
        (["limit", "alice", "--session-minutes", "0"], "--session-minutes must be minutes above 0, or none"),
        (["limit", "alice", "--standing", "rich"], "--standing"),
        (["limit", "alice", "--on", "--end-sessions"], "--end-sessions needs --off"),
        (["add", "alice"], "there is a key alice already"),
        (["add", "a b"], "the name of a key must be"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(file, capsys, arguments, said):
    with KeyStore(file) as store:
        store.add("alice")
    before = records(file)
    assert run(["keys", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert records(file) == before


def test_the_file_must_be_named_and_there(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("VIVAVOCE_KEY_STORE", raising=False)
    assert run(["keys", "list"]) == 2
    assert "--key-store FILE (or VIVAVOCE_KEY_STORE) must name" in capsys.readouterr().err
    for command in (["list"], ["revoke", "alice"], ["limit", "alice", "--off"]):
        assert run(["keys", *command, "--key-store", str(tmp_path / "none.db")]) == 2
        assert "there is no such file of keys; vivavoce keys add makes one" in capsys.readouterr().err
        assert not (tmp_path / "none.db").exists()


def test_keys_are_in_a_file_or_in_a_redis(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VIVAVOCE_KEY_STORE", str(tmp_path / "keys.db"))
    assert run(["keys", "list", "--redis", "redis://localhost"]) == 2
    assert "--key-store and --redis both name the place of the keys" in capsys.readouterr().err
    assert run(["keys", "copy"]) == 2
    assert "keys copy needs both" in capsys.readouterr().err
    monkeypatch.delenv("VIVAVOCE_KEY_STORE")
    assert run(["keys", "list", "--redis", "redis://:a/secret@localhost"]) == 2
    error = capsys.readouterr().err
    assert "--redis must be redis://HOST:PORT/DATABASE" in error
    assert "secret" not in error
