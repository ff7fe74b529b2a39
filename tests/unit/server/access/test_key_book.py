"""The key store of a running server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
import types

import pytest

from vivavoce.errors import StoreError
from vivavoce.server.access import Admission, KeyBook, Ledger, owner_of
from vivavoce.server.access.tokens import UsedToken
from vivavoce.server.access.usage import day_of
from vivavoce.store import LEASE_S, KeyStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.db"


@contextlib.asynccontextmanager
async def served(path):
    """What a server has of a store."""
    book = KeyBook(KeyStore(path))
    admission = Admission((), book.records, secret=book.secret)
    ledger = Ledger(None, admission.limits_of)
    book.begin(ledger.usage)
    try:
        yield book, admission, ledger
    finally:
        await book.close(ledger)


def test_changes_reach_the_server(path, caplog):
    async def run():
        async with served(path) as (book, admission, ledger):
            assert "holds no key: vivavoce keys add" in caplog.text
            with KeyStore(path) as store:
                key = store.add("alice")
            assert admission.keys.find(key) is None
            await book.exchange(admission, ledger)
            assert admission.check_key(key).owner == owner_of(key)
            ring = admission.keys
            await book.exchange(admission, ledger)
            assert admission.keys is ring  # nothing has changed
            await book.exchange(admission, ledger, reads_keys=True)
            assert admission.keys is not ring

    asyncio.run(run())


def test_a_store_that_was_replaced_reaches_the_server(path, tmp_path):
    async def run():
        with KeyStore(path) as store:
            store.add("alice")
        async with served(path) as (book, admission, ledger):
            token = admission.tokens.issue(expires_in_s=60, unix_now=0)
            with KeyStore(tmp_path / "other.db") as store:
                key = store.add("bob")
            (tmp_path / "other.db").rename(path)
            await book.exchange(admission, ledger)
            assert admission.check_key(key)
            assert not admission.tokens.knows(token)

    asyncio.run(run())


def test_use_survives_a_restart_and_is_seen_by_other_servers(path):
    today = day_of(time.time())

    async def run():
        async with served(path) as (book, admission, ledger), served(path) as (other, _, others):
            ledger.usage.add("aa", 30.0, today)
            await book.exchange(admission, ledger)
            await other.exchange(admission, others)
            assert others.usage.used_s("aa", today) == 30.0
            ledger.usage.add("aa", 5.0, today)  # written when it stops
        async with served(path) as (_, _, ledger):
            assert ledger.usage.used_s("aa", today) == 35.0

    asyncio.run(run())


def test_a_store_that_fails_loses_nothing_and_is_reported_once(path, caplog):
    today = day_of(time.time())
    with KeyStore(path) as store:
        key = store.add("alice")

    async def run():
        async with served(path) as (book, admission, ledger):
            works = book._store.add_usage
            caplog.clear()

            def fail(*_):
                raise sqlite3.OperationalError("database or disk is full")

            for add_usage in (fail, fail, works):
                book._store.add_usage = add_usage
                with KeyStore(path) as store:
                    store.change("alice", is_on=False)
                ledger.usage.add("aa", 10.0, today)
                await book.exchange(admission, ledger)
                assert ledger.usage.used_s("aa", today) >= 10.0
            assert ledger.usage.used_s("aa", today) == 30.0
            assert admission.keys.find(key).status == "disabled"  # read once it works
        levels = [record.levelno for record in caplog.records if record.levelno >= logging.WARNING]
        assert levels == [logging.ERROR, logging.WARNING]

    asyncio.run(run())


def test_a_token_is_used_once_by_all_servers(path):
    async def run():
        async with served(path) as (book, admission, _), served(path) as (other, elsewhere, _):
            token = admission.tokens.issue(expires_in_s=60, unix_now=time.time())
            grants = [each.admit([token], time.time()) for each in (admission, elsewhere)]
            assert await book.spend(grants[0].token)
            assert not await other.spend(grants[1].token)

    asyncio.run(run())


def test_a_file_that_others_can_read_is_warned_of(path, caplog):
    KeyStore(path).close()
    path.chmod(0o644)

    async def run():
        async with served(path):
            assert f"chmod 600 {path}" in caplog.text

    asyncio.run(run())


# --- sessions on several servers -------------------------------------------------------------------


def test_the_sessions_of_a_key_are_counted_over_all_servers(path):
    async def run():
        async with served(path) as (book, *_), served(path) as (other, *_):
            assert await book.claim("aa", 1, 2)
            assert await other.claim("aa", 1, 2)
            assert not await book.claim("aa", 2, 2)
            other.released("aa", 0)
            await other.spend(UsedToken(b"next", 0))  # what comes after it has been done
            assert await book.claim("aa", 2, 2)
        async with served(path) as (later, *_):  # those that stopped have none
            assert await later.claim("aa", 2, 2)

    asyncio.run(run())


def test_sessions_count_while_their_server_reports_them(path, monkeypatch):
    now = [1_000_000.0]
    monkeypatch.setattr("vivavoce.store.keys.time", types.SimpleNamespace(time=lambda: now[0]))

    async def run():
        async with served(path) as (book, admission, ledger), served(path) as (other, *_):
            ledger.begin("one", "aa")
            for _ in range(3):
                await book.exchange(admission, ledger)
                now[0] += LEASE_S - 0.5
                assert not await other.claim("aa", 1, 1)
            now[0] += 1.0
            assert await other.claim("aa", 1, 1)

    asyncio.run(run())


def test_a_session_that_ended_is_reported_with_the_next_exchange_at_the_latest(path):
    async def run():
        async with served(path) as (book, admission, ledger), served(path) as (other, *_):
            ledger.begin("one", "aa")
            await book.exchange(admission, ledger)
            assert not await other.claim("aa", 1, 1)
            ledger.end("one")
            await book.exchange(admission, ledger)
            assert await other.claim("aa", 1, 1)

    asyncio.run(run())


def test_without_its_store_a_server_counts_alone_and_remembers_tokens(path, monkeypatch, caplog):
    async def run():
        async with served(path) as (book, admission, ledger), served(path) as (other, *_):
            assert await other.claim("aa", 1, 1)
            asked = []

            def fail(_, *arguments):
                asked.append(arguments)
                raise StoreError(f"{path}: connection refused")

            caplog.clear()
            with monkeypatch.context() as broken:
                for name in ("claim", "spend", "has_changed"):
                    broken.setattr(KeyStore, name, fail)
                assert await book.claim("aa", 1, 1)
                ledger.begin("one", "aa")
                assert await book.claim("aa", 2, 2)
                assert await book.spend(UsedToken(b"used meanwhile", 2**32 - 1))
                assert len(asked) == 1  # it was not asked again
                await book.exchange(admission, ledger)
            await book.exchange(admission, ledger)
            assert not await other.spend(UsedToken(b"used meanwhile", 2**32 - 1))
            assert not await other.claim("aa", 1, 1)  # limits hold again
        problem, _ = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert problem.message.startswith(f"{path}: connection refused; keys stay as they are, limits hold")

    asyncio.run(run())


def delay(monkeypatch, method, answers, asked):
    """Let a method of the store wait."""
    works = getattr(KeyStore, method)

    def wait(store, *arguments):
        asked.append(arguments)
        answers.wait()
        return works(store, *arguments)

    monkeypatch.setattr(KeyStore, method, wait)


def test_a_slow_store_delays_one_session_and_no_other(path, monkeypatch, caplog):
    monkeypatch.setattr("vivavoce.server.access.key_book._PLACE_S", 0.01)
    answers, asked = threading.Event(), []
    delay(monkeypatch, "claim", answers, asked)

    async def run():
        async with served(path) as (book, *_):
            caplog.clear()
            assert await book.claim("aa", 1, 0)
            assert await book.claim("aa", 2, 0)
            answers.set()
        assert asked == [("aa", 1, 0)]
        assert caplog.text.count("it took more than 0.01 s to answer") == 1

    asyncio.run(run())


def test_a_token_waits_for_a_slow_store(path, monkeypatch):
    monkeypatch.setattr("vivavoce.server.access.key_book._PLACE_S", 0.01)
    answers = threading.Event()
    delay(monkeypatch, "claim", answers, [])
    token = UsedToken(b"token", 2**32 - 1)

    async def run():
        async with served(path) as (book, *_), served(path) as (other, *_):
            assert await other.spend(token)
            assert await book.claim("aa", 1, 0)  # from now on the store is known to be slow
            asked = asyncio.create_task(book.spend(token))
            await asyncio.sleep(0)
            answers.set()
            assert not await asked

    asyncio.run(run())


def test_a_token_does_not_wait_for_ever(path, monkeypatch):
    monkeypatch.setattr("vivavoce.server.access.key_book._TOKEN_S", 0.01)
    answers = threading.Event()
    delay(monkeypatch, "spend", answers, [])
    token = UsedToken(b"token", 2**32 - 1)

    async def run():
        async with served(path) as (book, *_):
            assert await book.spend(token)
            answers.set()
        async with served(path) as (other, *_):
            monkeypatch.undo()
            assert not await other.spend(token)

    asyncio.run(run())


def test_a_store_that_answers_late_is_trusted_again_once_it_does_not(path, monkeypatch, caplog):
    async def run():
        async with served(path) as (book, admission, ledger):
            caplog.clear()
            with monkeypatch.context() as slow:
                slow.setattr("vivavoce.server.access.key_book._PLACE_S", -1.0)
                await book.exchange(admission, ledger)
                await book.exchange(admission, ledger)
            await book.exchange(admission, ledger)
            assert not await book.claim("aa", 1, 0)
        levels = [record.levelno for record in caplog.records if record.levelno >= logging.WARNING]
        assert levels == [logging.ERROR, logging.WARNING]

    asyncio.run(run())


def test_use_that_a_server_cannot_write_when_it_stops_is_in_the_log(path, monkeypatch, caplog):
    async def run():
        async with served(path) as (_, _, ledger):
            ledger.usage.add("aa", 90.0, day_of(time.time()))

            def fail(*_):
                raise StoreError("gone")

            monkeypatch.setattr(KeyStore, "add_usage", fail)

    asyncio.run(run())
    assert "1.5 minutes of audio could not be written" in caplog.text


def test_what_a_cancelled_exchange_took_is_written_when_the_server_stops(path, monkeypatch):
    today = day_of(time.time())
    answers = threading.Event()

    async def run():
        async with served(path) as (book, admission, ledger):
            book._thread.submit(answers.wait)  # something that the store does not answer
            ledger.usage.add("aa", 30.0, today)
            exchange = asyncio.create_task(book.exchange(admission, ledger))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            exchange.cancel()
            await asyncio.gather(exchange, return_exceptions=True)
            answers.set()
        with KeyStore(path) as store:
            assert store.usage(today) == {(today, "aa"): 30.0}

    asyncio.run(run())


def test_a_store_that_hangs_delays_the_end_once(path, monkeypatch):
    asked = []
    monkeypatch.setattr("vivavoce.server.access.key_book._TOKEN_S", 0.01)

    async def run():
        async with served(path) as (book, _, _):
            begins = threading.Event()

            def fail(_, *arguments):
                asked.append(arguments)
                raise StoreError("it does not answer")

            with monkeypatch.context() as broken:
                broken.setattr(KeyStore, "renew", fail)
                broken.setattr(KeyStore, "spend", fail)
                book._thread.submit(begins.wait)
                book._reported.add("aa")
                for sessions in range(50):
                    book.released("aa", sessions)
                assert await asyncio.gather(
                    *(book.spend(UsedToken(b"%d" % each, 2**32 - 1)) for each in range(5))
                )
                begins.set()
                await book._call(lambda: None)  # what was asked before has been done
        assert asked == [({"aa": 0},)]

    asyncio.run(run())
