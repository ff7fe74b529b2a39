"""Keys of a key store on a server that runs: added, limited, revoked; and what the log says of all that."""

from __future__ import annotations

import contextlib
import json
import logging
import time

import pytest
from websockets.exceptions import ConnectionClosed

from integration.test_rooms import get
from integration.test_server import V2, V3, both, open_session, rest, send
from support.scripted_engine import silence, speech, spoken
from support.servers import log_of_the_server, received_ms, scripted_server
from support.time_limit import wait_until
from vivavoce.store import KeyLimits, KeyStatus, KeyStore, owner_of

UNPAID_CODES = {V2: 4003, V3: 1008}
NO_FUNDS_CODES = {V2: 4002, V3: 1008}
UNAUTHORIZED_CODES = {V2: 4001, V3: 1008}
EXPIRED_CODES = {V2: 4008, V3: 3008}
BUSY_CODES = {V2: 4102, V3: 3009}


@pytest.fixture
def store(tmp_path):
    with KeyStore(tmp_path / "keys.db") as it:
        yield it


@pytest.fixture
def server(store):
    with scripted_server(key_store=store.path, api_keys=("of-the-options",)) as it:
        it.wait_ready()
        yield it


def opened(server, dialect, key, **headers):
    return open_session(server, dialect, additional_headers={"Authorization": key} | headers)


def refusal(server, dialect, key):
    """The close code of a session that does not begin; None: it begins."""
    with opened(server, dialect, key) as socket:
        first = json.loads(socket.recv())
        return rest(socket)[1] if "error" in first else None


def word(index):
    return spoken(index)[0].lower()


def knows(server, key):
    return server._server.service.admission.keys.find(key)


def ended(dialect, socket):
    """The finals of a session that the server ends, the close code, and the reason."""
    messages, code, reason = rest(socket)
    return dialect.finals(messages), code, reason


@both
def test_a_key_comes_and_goes_while_the_server_runs(server, store, dialect):
    assert refusal(server, dialect, "vv_" + "x" * 43) == UNAUTHORIZED_CODES[dialect]
    key = store.add("alice")
    wait_until(lambda: knows(server, key))
    with opened(server, dialect, key) as socket:
        assert dialect.is_begin(json.loads(socket.recv()))
        send(socket, speech(0, 1))
        store.change("alice", revoked_unix=time.time())
        wait_until(lambda: knows(server, key).status is KeyStatus.DISABLED)
        assert refusal(server, dialect, key) == UNAUTHORIZED_CODES[dialect]
        assert refusal(server, dialect, "of-the-options") is None
        send(socket, speech(2))  # the open session continues
        socket.send(dialect.terminate)
        messages, code, _ = rest(socket)
        assert (" ".join(dialect.finals(messages)).lower().count(word(2)), code) == (1, 1000)


@both
def test_sessions_of_a_withdrawn_key_end_with_their_last_words(server, store, dialect):
    key = store.add("alice")
    wait_until(lambda: knows(server, key))
    with opened(server, dialect, key) as socket, opened(server, dialect, "of-the-options") as other:
        send(socket, speech(0, 1))
        wait_until(lambda: received_ms(server) > 0)
        store.change("alice", is_on=False, ends_sessions=True)
        finals, code, reason = ended(dialect, socket)
        assert (word(1) in " ".join(finals).lower(), code) == (True, UNAUTHORIZED_CODES[dialect])
        assert "withdrawn" in reason
        other.send(dialect.terminate)
        assert rest(other)[1] == 1000
        store.change("alice", is_on=True, ends_sessions=False)
        wait_until(lambda: knows(server, key).status is KeyStatus.GOOD)
        assert refusal(server, dialect, key) is None


@both
def test_a_session_ends_with_its_last_words_when_the_minutes_of_the_day_are_used_up(server, store, dialect):
    key = store.add("alice", limits=KeyLimits(daily_minutes=0.05))  # 3 s
    wait_until(lambda: knows(server, key))
    with opened(server, dialect, key) as socket:
        send(socket, speech(0, 1))
        send(socket, silence(80))
        finals, code, reason = ended(dialect, socket)
    assert (word(1) in " ".join(finals).lower(), code) == (True, NO_FUNDS_CODES[dialect])
    assert "00:00 UTC" in reason
    assert refusal(server, dialect, key) == NO_FUNDS_CODES[dialect]
    store.change("alice", limits=KeyLimits(daily_minutes=5))
    wait_until(lambda: knows(server, key).limits.daily_minutes == 5)
    assert refusal(server, dialect, key) is None


def test_the_minutes_of_the_day_survive_a_restart(store):
    key = store.add("alice", limits=KeyLimits(daily_minutes=0.05))
    for code in (1000, NO_FUNDS_CODES[V3]):
        with scripted_server(key_store=store.path) as server:
            server.wait_ready()
            with opened(server, V3, key) as socket:
                send(socket, silence(63))
                if code == 1000:
                    socket.send(V3.terminate)
                else:
                    send(socket, silence(63))
                assert rest(socket)[1] == code


@both
def test_the_other_limits_of_a_key(server, store, dialect):
    one = store.add("alice", limits=KeyLimits(sessions=1))
    short = store.add("carol", limits=KeyLimits(session_minutes=0.05))
    unpaid = store.add("bob", standing=KeyStatus.UNPAID)
    wait_until(lambda: knows(server, unpaid))
    assert refusal(server, dialect, unpaid) == UNPAID_CODES[dialect]
    with opened(server, dialect, one):
        assert refusal(server, dialect, one) == BUSY_CODES[dialect]
    with opened(server, dialect, short) as socket:
        send(socket, speech(0, 1))
        finals, code, _ = ended(dialect, socket)
    assert (word(1) in " ".join(finals).lower(), code) == (True, EXPIRED_CODES[dialect])


def test_a_token_opens_one_session_on_whichever_server_has_the_store(server, store):
    key = store.add("alice", limits=KeyLimits(session_minutes=2))
    wait_until(lambda: knows(server, key))
    with scripted_server(key_store=store.path) as other:
        other.wait_ready()
        status, text, _ = get(other, "/v3/token?expires_in_seconds=60", Authorization=key)
        assert status == 200
        token = json.loads(text)["token"]
        assert refusal(server, V3, token) is None
        assert refusal(other, V3, token) == UNAUTHORIZED_CODES[V3]
        assert refusal(server, V3, token) == UNAUTHORIZED_CODES[V3]
    with scripted_server(key_store=store.path) as restarted:
        restarted.wait_ready()
        assert refusal(restarted, V3, token) == UNAUTHORIZED_CODES[V3]


def test_a_key_sees_its_own_transcripts_and_an_administrator_all(store, tmp_path):
    alice, bob, root = store.add("alice"), store.add("bob"), store.add("root", is_admin=True)
    with scripted_server(key_store=store.path, store=tmp_path / "t.db") as server:
        server.wait_ready()
        for key in (alice, bob):
            with opened(server, V3, key) as socket:
                send(socket, speech(0))
                socket.send(V3.terminate)
                rest(socket)

        def sessions(key, query=""):
            status, text, _ = get(server, f"/transcripts{query}", Authorization=key)
            assert status == 200
            found = json.loads(text)
            return [(it["id"]) for it in found.get("sessions", [])] or [
                it["session"]["id"] for it in found.get("hits", [])
            ]

        query = f"?q={word(0)}"
        assert [len(sessions(key)) for key in (alice, bob, root)] == [1, 1, 2]
        assert [len(sessions(key, query)) for key in (alice, bob, root)] == [1, 1, 2]
        assert sessions(alice) != sessions(bob)
        path = f"/transcripts/{sessions(alice)[0]}"
        for key, statuses in ((bob, (404, 404)), (alice, (200, 204))):
            assert get(server, path, Authorization=key)[0] == statuses[0]
            assert get(server, path, method="DELETE", Authorization=key)[0] == statuses[1]


def test_the_log_has_names_and_addresses_but_no_key_and_no_word(store, caplog):
    caplog.set_level(logging.DEBUG)
    key, secret = store.add("alice"), "another-key-that-nobody-knows"
    with scripted_server(key_store=store.path, api_keys=("of-the-options",)) as server:
        server.wait_ready()
        _, text, _ = get(server, "/v3/token?expires_in_seconds=60", Authorization=key)
        token = json.loads(text)["token"]
        sent = [key, token, "of-the-options", secret]
        for credential in (key, "of-the-options"):
            with opened(server, V3, credential, **{"X-Forwarded-For": "evil\x09, 192.0.2.9"}) as socket:
                send(socket, speech(0, 1))
                send(socket, silence(63))
                socket.send(V3.terminate)
                assert word(0) in json.dumps(rest(socket)[0]).lower()
        for query in (f"token={token}", f"token={token}", f"token={secret}", f"token={key}&sample_rate=x"):
            with open_session(server, V3, query) as socket:
                with contextlib.suppress(ConnectionClosed):  # refused
                    socket.send(f'{{"type": "{secret}"}}')
                rest(socket)
        for path in (f"/metrics?token={key}", f"/{key}", f"/v3/token?expires_in_seconds={key}"):
            get(server, path, Authorization=secret, **{"X-Forwarded-For": "192.0.2.9"})
            get(server, path, Authorization=key)
        wait_until(lambda: not server._server.service.connections)
    records, text = log_of_the_server(caplog)
    own = [record.getMessage() for record in records if record.name.startswith("vivavoce.")]
    assert any("from 192.0.2.9 with key alice" in line for line in own)
    assert any(f"from 192.0.2.9 with key {owner_of('of-the-options')}" in line for line in own)
    for path in ("/metrics", "/v3/token"):
        assert f"refused 192.0.2.9 GET {path}: UNAUTHORIZED" in own
    assert any(line.startswith("refused 127.0.0.1 a v3 session: UNAUTHORIZED") for line in own)
    assert not [credential for credential in sent if credential in text]
    assert not [it for it in (word(0), word(1)) if it in text.lower()]
    assert "evil" not in text
