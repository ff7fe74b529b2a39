"""Servers that share keys, tokens and limits, in a Redis or a file; and a Redis that goes away."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time

import pytest
import typer.main

import vivavoce
from integration.test_rooms import get
from integration.test_server import V3, open_session, rest, send
from integration.test_server_keys import BUSY_CODES, NO_FUNDS_CODES, UNAUTHORIZED_CODES, word
from support.redis_server import redis_server  # noqa: F401  - a fixture
from support.scripted_engine import silence, speech
from support.server_processes import CHUNKS, TURNS, server_process, talk_all, words_of
from support.servers import received_ms, scripted_server
from support.time_limit import HANG_S, wait_until
from vivavoce.cli.app import app, run
from vivavoce.cli.doctor_findings import Status
from vivavoce.cli.doctor_redis import check_redis
from vivavoce.store import KeyLimits, KeyStatus, KeyStore, RedisKeyStore, owner_of


@pytest.fixture(params=["file", "redis"])
def place(request, tmp_path):
    """The options of servers that share keys, and the store that they share."""
    if request.param == "file":
        with KeyStore(tmp_path / "keys.db") as store:
            yield {"key_store": store.path}, store
    else:
        redis = request.getfixturevalue("redis_server")
        with RedisKeyStore(redis.url) as store:
            yield {"redis": redis.url}, store


@pytest.fixture
def store(place):
    return place[1]


@pytest.fixture
def servers(place):
    """Two of them."""
    with scripted_server(**place[0]) as one, scripted_server(**place[0]) as two:
        one.wait_ready()
        two.wait_ready()
        yield one, two


def opened(server, credential):
    return open_session(server, V3, additional_headers={"Authorization": credential})


def refusal(server, credential):
    """The close code of a session that does not begin; None: it begins."""
    with opened(server, credential) as socket:
        return rest(socket)[1] if "error" in json.loads(socket.recv()) else None


def service(server):
    return server._server.service


def know(servers, key, condition=bool):
    """Wait until all servers have a key for which something holds."""

    def knows(server):
        found = service(server).admission.keys.find(key)
        return found is not None and condition(found)

    wait_until(lambda: all(map(knows, servers)))


def issued(server, key):
    status, text, _ = get(server, "/v3/token?expires_in_seconds=60", Authorization=key)
    assert status == 200
    return json.loads(text)["token"]


def test_a_key_comes_and_goes_for_all_servers(servers, store):
    key = store.add("alice")
    know(servers, key)
    assert [refusal(server, key) for server in servers] == [None, None]
    with opened(servers[0], key) as socket:
        store.change("alice", revoked_unix=time.time(), ends_sessions=True)
        send(socket, speech(0, 1))
        assert rest(socket)[1] == UNAUTHORIZED_CODES[V3]
    know(servers, key, lambda holder: holder.status is KeyStatus.DISABLED)
    assert [refusal(server, key) for server in servers] == [UNAUTHORIZED_CODES[V3]] * 2


def test_a_token_opens_one_session_of_those_that_begin_at_once(servers, store):
    key = store.add("alice")
    know(servers, key)
    for _ in range(5):
        token, answers = issued(servers[0], key), []
        threads = [
            threading.Thread(
                target=lambda server=server, token=token, answers=answers: answers.append(
                    refusal(server, token)
                )
            )
            for server in servers * 3
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers, key=str) == [UNAUTHORIZED_CODES[V3]] * 5 + [None]


def test_the_sessions_of_a_key_are_counted_over_all_servers(servers, store):
    one, two = servers
    key = store.add("alice", limits=KeyLimits(sessions=2))
    other = store.add("bob", limits=KeyLimits(sessions=1))
    know(servers, other)
    with opened(one, key) as first, opened(two, key) as second:
        assert V3.is_begin(json.loads(first.recv()))
        assert V3.is_begin(json.loads(second.recv()))
        assert refusal(one, key) == refusal(two, key) == BUSY_CODES[V3]
        assert refusal(two, other) is None
        second.send(V3.terminate)
        assert rest(second)[1] == 1000
        wait_until(lambda: refusal(one, key) is None)


def test_the_limit_of_the_option_is_counted_over_all_servers_too(place):
    options, store = place
    key = store.add("alice")
    options = options | {"max_sessions_per_key": 1}
    with scripted_server(**options) as one, scripted_server(**options) as two:
        one.wait_ready()
        two.wait_ready()
        with opened(one, key) as socket:
            assert V3.is_begin(json.loads(socket.recv()))
            assert refusal(two, key) == BUSY_CODES[V3]


def test_the_minutes_of_a_day_are_counted_over_all_servers(servers, store):
    one, two = servers
    key = store.add("alice", limits=KeyLimits(daily_minutes=0.1))  # 6 s
    know(servers, key)
    for server in servers:
        with opened(server, key) as socket:
            send(socket, silence(126))  # 4 s
            socket.send(V3.terminate)
            rest(socket)
        if server is one:
            wait_until(lambda: store.usage(0 if isinstance(store, KeyStore) else int(time.time() // 86_400)))
    wait_until(lambda: refusal(one, key) == refusal(two, key) == NO_FUNDS_CODES[V3])


def test_the_command_reaches_all_servers(redis_server, tmp_path, monkeypatch, capsys):  # noqa: F811
    with KeyStore(tmp_path / "keys.db") as file:
        alice = file.add("alice", limits=KeyLimits(daily_minutes=5))
        today = int(time.time() // 86_400)
        file.add_usage({(today, owner_of(alice)): 60.0}, today)
    monkeypatch.setenv("VIVAVOCE_REDIS", redis_server.url)
    copying = ["keys", "copy", "--key-store", str(tmp_path / "keys.db")]
    assert run(copying) == 0
    assert run(copying) == 2
    assert "has keys already" in capsys.readouterr().err
    with (
        scripted_server(redis=redis_server.url) as one,
        scripted_server(redis=redis_server.url) as two,
        scripted_server(key_store=tmp_path / "keys.db") as of_the_file,
    ):
        for server in (one, two, of_the_file):
            server.wait_ready()
        token = issued(of_the_file, alice)
        assert [refusal(two, token), refusal(one, token)] == [None, UNAUTHORIZED_CODES[V3]]
        assert run(["keys", "add", "bob", "--sessions", "1"]) == 0
        bob = capsys.readouterr().out.strip()
        know((one, two), bob)
        assert [refusal(server, bob) for server in (one, two)] == [None, None]
        assert run(["keys", "limit", "bob", "--sessions", "0"]) == 0
        know((one, two), bob, lambda holder: holder.limits.sessions == 0)
        assert run(["keys", "revoke", "bob"]) == 0
        know((one, two), bob, lambda holder: holder.status is KeyStatus.DISABLED)
        assert [refusal(server, bob) for server in (one, two)] == [UNAUTHORIZED_CODES[V3]] * 2
    assert run(["keys", "list", "--all"]) == 0
    table = capsys.readouterr().out
    assert "1.0 of 5" in table
    assert "revoked" in table


def test_the_doctor_looks_at_the_redis(redis_server, monkeypatch):  # noqa: F811
    monkeypatch.setenv("VIVAVOCE_REDIS", redis_server.url)
    group = typer.main.get_command(app)
    (empty,) = check_redis(group)
    assert (empty.status, redis_server.client.dbsize()) == (Status.PROBLEM, 0)
    with RedisKeyStore(redis_server.url) as store:
        store.add("alice")
    redis_server.client.config_set("appendonly", "no")
    found, advice = check_redis(group)
    assert (found.status, found.detail) == (Status.OK, f"{redis_server.url} can be used; API keys: 1")
    assert (advice.status, "appendonly" in advice.detail) == (Status.PROBLEM, True)
    redis_server.kill()
    (broken,) = check_redis(group)
    assert broken.status is Status.BROKEN
    redis_server.start()


def test_a_killed_server_costs_no_word_of_a_key_at_its_limit(place, monkeypatch):
    options, store = place
    options = {name: str(value) for name, value in options.items()}
    monkeypatch.setenv("VIVAVOCE_API_KEY", store.add("alice", limits=KeyLimits(sessions=2)))
    monkeypatch.setattr("support.server_processes.PATIENT", vivavoce.Reconnect())
    pauses = [len(CHUNKS) // 3, 2 * len(CHUNKS) // 3]
    with server_process(**options) as server, contextlib.ExitStack() as stack:
        calm = talk_all(server.url, lambda: None, pauses)

        def replace():
            """Another server takes the place of the killed one, whose sessions still count."""
            server.process.kill()
            server.process.wait(HANG_S)
            stack.enter_context(server_process(port=server.port, **options))

        disturbed = talk_all(server.url, replace, pauses)
    expected = words_of(calm[0])
    assert len(expected) == sum(map(len, TURNS))
    for events in disturbed:
        assert words_of(events) == expected
        assert any(isinstance(event, vivavoce.ReconnectedEvent) for event in events)


# --- a Redis that goes away ------------------------------------------------------------------------


@pytest.fixture
def alice(redis_server):  # noqa: F811
    with RedisKeyStore(redis_server.url) as store:
        return store.add("alice", limits=KeyLimits(sessions=3))


@pytest.fixture
def replicas(redis_server, alice):  # noqa: F811
    with scripted_server(redis=redis_server.url) as one, scripted_server(redis=redis_server.url) as two:
        one.wait_ready()
        two.wait_ready()
        yield one, two


def finished(socket):
    """The words of a session's finals, and its close code."""
    socket.send(V3.terminate)
    messages, code, _ = rest(socket)
    return " ".join(V3.finals(messages)).lower(), code


@pytest.mark.parametrize("loses", [False, True])
def test_sessions_survive_a_redis_that_is_killed_and_comes_back(redis_server, replicas, alice, caplog, loses):  # noqa: F811
    one, two = replicas
    caplog.set_level(logging.WARNING)
    token = issued(one, alice)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(opened(server, alice)) for server in replicas]
        for index, socket in enumerate(sockets):
            assert V3.is_begin(json.loads(socket.recv()))
            send(socket, speech(2 * index))
        redis_server.kill()
        if loses:
            for file in redis_server._folder.rglob("*.aof*"):
                file.unlink()
        wait_until(lambda: not service(one).key_book.is_usable)
        wait_until(lambda: "vivavoce_key_store_usable 0" in get(one, "/metrics")[1])
        # Without it each server counts alone, and nothing waits for it.
        assert refusal(one, token) is None
        extra = [stack.enter_context(opened(one, alice)) for _ in range(2)]
        for socket in extra:
            assert V3.is_begin(json.loads(socket.recv()))
        assert refusal(one, alice) == BUSY_CODES[V3]
        for index, socket in enumerate(sockets):
            send(socket, speech(2 * index + 1))
        redis_server.start()
        wait_until(lambda: all(service(server).key_book.is_usable for server in replicas))
        # Limits hold again, over both; the token was used while it was away.
        wait_until(lambda: refusal(two, alice) == BUSY_CODES[V3])
        assert refusal(two, token) == UNAUTHORIZED_CODES[V3]
        for index, socket in enumerate(sockets):
            words, code = finished(socket)
            assert (word(2 * index) in words, word(2 * index + 1) in words, code) == (True, True, 1000)
    with RedisKeyStore(redis_server.url) as store:
        today = int(time.time() // 86_400)
        wait_until(lambda: store.usage(today).get((today, owner_of(alice)), 0.0) > 1.0)
    assert caplog.text.count("limits hold for this server alone") >= 1
    assert ("had lost its keys" in caplog.text) is loses


def test_no_session_waits_for_a_redis_that_hangs(redis_server, replicas, alice):  # noqa: F811
    one, _ = replicas
    with opened(one, alice) as socket:
        assert V3.is_begin(json.loads(socket.recv()))
        send(socket, speech(0))
        redis_server.freeze()
        try:
            assert refusal(one, alice) is None
            send(socket, speech(1))
            wait_until(lambda: received_ms(one) > 0)
            words, code = finished(socket)
        finally:
            redis_server.thaw()
        assert (word(0) in words, word(1) in words, code) == (True, True, 1000)
    wait_until(lambda: service(one).key_book.is_usable)


def test_the_log_has_no_password_of_the_redis(redis_server, caplog):  # noqa: F811
    caplog.set_level(logging.DEBUG)
    redis_server.client.config_set("requirepass", "a-secret")
    address = f"{redis_server.url}?password=a-secret"
    with scripted_server(redis=address) as server:
        server.wait_ready()
        redis_server.client.config_set("requirepass", "another-secret")
        redis_server.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait_until(lambda: "can be used again" in caplog.text or "limits hold" in caplog.text)
    assert "redis.sock" in caplog.text
    assert "secret" not in caplog.text
