"""The key store of a running server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time

import pytest

from vivavoce.server.access import Admission, KeyBook, Ledger, owner_of
from vivavoce.server.access.usage import day_of
from vivavoce.store import KeyStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.db"


@contextlib.asynccontextmanager
async def served(path):
    """What a server has of a store."""
    book = KeyBook(path)
    admission = Admission((), book.records, secret=book.secret)
    ledger = Ledger(None, admission.limits_of)
    book.begin(ledger.usage)
    try:
        yield book, admission, ledger
    finally:
        await book.close(ledger.usage)


def test_changes_reach_the_server(path, caplog):
    async def run():
        async with served(path) as (book, admission, ledger):
            assert "holds no key: vivavoce keys add" in caplog.text
            with KeyStore(path) as store:
                key = store.add("alice")
            assert admission.keys.find(key) is None
            await book.exchange(admission, ledger.usage)
            assert admission.check_key(key).owner == owner_of(key)
            ring = admission.keys
            await book.exchange(admission, ledger.usage)
            assert admission.keys is ring  # nothing has changed
            await book.exchange(admission, ledger.usage, reads_keys=True)
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
            await book.exchange(admission, ledger.usage)
            assert admission.check_key(key)
            assert not admission.tokens.knows(token)

    asyncio.run(run())


def test_use_survives_a_restart_and_is_seen_by_other_servers(path):
    today = day_of(time.time())

    async def run():
        async with served(path) as (book, admission, ledger), served(path) as (other, _, others):
            ledger.usage.add("aa", 30.0, today)
            await book.exchange(admission, ledger.usage)
            await other.exchange(admission, others.usage)
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
                await book.exchange(admission, ledger.usage)
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
