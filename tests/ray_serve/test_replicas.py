"""Two replicas on a real Ray Serve, with the scripted engine: scripts/test --ray."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import vivavoce
from support.ray_replicas import RayReplicas
from support.scripted_engine import pcm, silence, speech, spoken
from support.servers import scripted_server
from support.time_limit import HANG_S, time_limit, wait_until
from vivavoce.store import KeyStore

if not os.environ.get("VIVAVOCE_NEEDS_RAY"):
    pytest.importorskip("ray", reason="Ray is not installed: scripts/test --ray")
if sys.platform != "linux":
    pytest.skip("Ray brings HAProxy for Linux only", allow_module_level=True)

V2 = "/v2/realtime/ws?sample_rate=16000"
V3 = "/v3/ws?sample_rate=16000"
ENDS = {V2: '{"terminate_session": true}', V3: '{"type": "Terminate"}'}
TURNS = [(0, 1, 2), (3, 4), (5, 6, 7)]
SOUND = pcm(np.concatenate([part for words in TURNS for part in (silence(6), speech(*words), silence(45))]))
WORDS = [word for words in TURNS for word in spoken(*words)]
KEEP = vivavoce.Reconnect(attempts=100, first_delay_s=0.05, longest_delay_s=0.5)
SESSIONS = 4  # of each replica


@pytest.fixture(autouse=True)
def limit():
    """No test hangs."""
    with time_limit(300):
        yield


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys.db"
    with KeyStore(path) as store:
        return path, store.add("ray")


@pytest.fixture(scope="module")
def server(tmp_path_factory, keys):
    folder = tmp_path_factory.mktemp("ray")
    with RayReplicas(
        folder, key_store=keys[0], sessions_per_replica=SESSIONS, max_lead_s="null", drain_s=1
    ) as it:
        wait_for_both(it, keys[1])
        yield it


def opened(server, path, key, **headers):
    return connect(
        server.base_url + path, compression=None, additional_headers={"Authorization": key} | headers
    )


def wait_for_both(server, key):
    """Wait until the proxy sends sessions to both replicas."""
    used = set()

    def both():
        with opened(server, V3, key) as socket:
            begun = session_id(socket.recv(timeout=HANG_S))
        wait_until(lambda: server.replica_of(begun), "the line of a session in the log")
        used.add(server.replica_of(begun))
        return len(used) == 2

    wait_until(both, "the use of both replicas")


def session_id(first):
    message = json.loads(first)
    return message.get("session_id") or message["id"]


def finals(events):
    return [
        word.text for event in events if event.type == "Turn" and event.end_of_turn for word in event.words
    ]


# --- what passes through the proxy ---------------------------------------------------------------


def rest(socket):
    """The messages that still come, and close code and reason."""
    messages = []
    while True:
        try:
            messages.append(json.loads(socket.recv(timeout=HANG_S)))
        except ConnectionClosed as closed:
            return messages, (closed.rcvd.code, closed.rcvd.reason)


def what_comes(server, path, sent, **headers):
    """All that a client gets: the refusal, or the messages without ids and times, close code and reason."""
    try:
        with connect(server.base_url + path, compression=None, additional_headers=headers) as socket:
            for message in sent:
                socket.send(message)
            messages, end = rest(socket)
    except InvalidStatus as refused:
        names = ("content-type", "retry-after", "upgrade")
        response = refused.response
        return (
            response.status_code,
            {name: response.headers.get(name) for name in names},
            bytes(response.body),
        )
    varying = {"id", "session_id", "expires_at", "created", "session_duration_seconds"}
    kept = [{name: value for name, value in each.items() if name not in varying} for each in messages]
    return [each for each in kept if not is_partial(each)], end


def is_partial(message):
    return message.get("message_type") == "PartialTranscript" or message.get("end_of_turn") is False


EXCHANGES = {
    "v2 speech": (V2, [SOUND[at : at + 3_200] for at in range(0, len(SOUND), 3_200)] + [ENDS[V2]]),
    "v3 speech": (V3, [SOUND[at : at + 3_200] for at in range(0, len(SOUND), 3_200)] + [ENDS[V3]]),
    "v2 parameter": ("/v2/realtime/ws?sample_rate=7", []),
    "v3 parameter": ("/v3/ws?sample_rate=7", []),
    "v2 no JSON": (V2, ["{"]),
    "v3 no JSON": (V3, ["{"]),
    "v2 unknown message": (V2, ['{"nothing": true}']),
    "v3 unknown message": (V3, ['{"type": "Nothing"}']),
    "v2 short chunk": (V2, [bytes(32), ENDS[V2]]),
    "v3 short chunk": (V3, [bytes(32), ENDS[V3]]),
    "v3 text as bytes": (V3, [ENDS[V3].encode()]),
    "v3 long text": (V3, ["x" * 900_000]),
    "v2 session that is over": ("/v2/realtime/ws/none", []),
    "unknown path": ("/nothing", []),
    "a slash too much": ("//v3/ws?sample_rate=16000", [ENDS[V3]]),
    "80 KB of query": (V3 + "&keyterms_prompt=" + "x" * 80_000, []),
}


@pytest.fixture(scope="module")
def alone(keys):
    with scripted_server(key_store=keys[0], host="0.0.0.0", max_lead_s=None) as it:
        it.wait_ready()
        it.base_url = it.base_url.replace("0.0.0.0", "127.0.0.1")
        yield it


@pytest.mark.parametrize("name", EXCHANGES)
def test_clients_get_what_the_server_alone_sends(server, alone, keys, name):
    path, sent = EXCHANGES[name]
    headers = {"Authorization": keys[1]}
    assert what_comes(server, path, sent, **headers) == what_comes(alone, path, sent, **headers)


@pytest.mark.parametrize("path", [V2, V3])
@pytest.mark.parametrize("key", ["wrong", None])
def test_keys_are_refused_as_by_the_server_alone(server, alone, path, key):
    headers = {} if key is None else {"Authorization": key}
    assert what_comes(server, path, [], **headers) == what_comes(alone, path, [], **headers)


def test_a_ping_is_answered(server, keys):
    with opened(server, V3, keys[1]) as socket:
        assert socket.ping(b"1").wait(HANG_S)


def test_nobody_sees_figures_because_the_proxy_is_on_this_machine(server):
    url = server.base_url.replace("ws", "http", 1)
    with pytest.raises(urllib.error.HTTPError, match="403") as caught:
        urllib.request.urlopen(f"{url}/metrics", timeout=HANG_S)
    caught.value.close()
    with urllib.request.urlopen(f"{url}/readyz", timeout=HANG_S) as answer:
        assert json.load(answer) == {"status": "ready"}


def test_ray_reports_nothing(server):
    # The first process sets the variable itself. Workers write their titles over their environment; they have
    # that of the raylet, and replicas check it when they start.
    _, *processes = server.processes()
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes}
    started = [pid for pid in processes if b"gcs_server" in commands[pid] or b"/raylet" in commands[pid]]
    assert len(started) >= 2
    for pid in started:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        assert b"RAY_USAGE_STATS_ENABLED=0" in environment, commands[pid]


def test_no_stranger_gets_into_ray(server):
    commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid in server.processes()]
    (address,) = {found for each in commands for found in re.findall(r"--gcs-address=([\w.:]+)", each)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    program = f"import ray; ray.init({address!r}); print(ray.get(ray.put('inside')))"
    stranger = subprocess.run(
        [sys.executable, "-c", program],
        env=environment | {"RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert stranger.returncode != 0
    assert "inside" not in stranger.stdout


# --- replicas ------------------------------------------------------------------------------------


def test_sessions_are_on_both_replicas_and_one_too_many_is_refused(server, keys):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(opened(server, path, keys[1])) for path in (V2, V3) * SESSIONS]
        ids = [session_id(each.recv(timeout=HANG_S)) for each in sockets]
        wait_until(lambda: all(map(server.replica_of, ids)), "the lines of the sessions in the log")
        by_replica = [server.replica_of(each) for each in ids]
        assert sorted(by_replica.count(each) for each in set(by_replica)) == [SESSIONS, SESSIONS]
        status, headers, body = what_comes(server, V3, [], Authorization=keys[1])
        assert (status, body) == (503, b'{"error":"no new sessions: the server is full"}')
        assert int(headers["retry-after"]) >= 1


def test_a_full_replica_leaves_no_session_to_chance(server, keys):
    """The proxy counts connections, and a page is one: refused sessions must find the other replica."""
    url = f"{server.base_url.replace('ws', 'http', 1)}/healthz"
    with contextlib.ExitStack() as stack:
        for path in (V2, V3) * SESSIONS:
            with urllib.request.urlopen(url, timeout=HANG_S):
                stack.enter_context(opened(server, path, keys[1]))


def test_a_token_of_one_replica_is_accepted_once_by_any(server, keys):
    url = f"{server.base_url.replace('ws', 'http', 1)}/v3/token?expires_in_seconds=60"
    request = urllib.request.Request(url, headers={"Authorization": keys[1]})

    def use(token):
        with connect(f"{server.base_url}{V3}&token={token}", compression=None) as socket:
            message = json.loads(socket.recv(timeout=HANG_S))
            if message["type"] == "Begin":
                return session_id(json.dumps(message))
            assert message["error"] == "Unauthorized Connection: the token was used before"
            return None

    accepted = []
    for _ in range(8):
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            token = json.load(answer)["token"]
        with ThreadPoolExecutor(4) as pool:
            begun = [each for each in pool.map(use, [token] * 4) if each]
        assert len(begun) == 1
        accepted += begun
    wait_until(lambda: all(map(server.replica_of, accepted)), "the lines of the sessions in the log")
    assert len({server.replica_of(each) for each in accepted}) == 2


def test_a_killed_replica_costs_no_word_and_no_session_of_the_other(server, keys):
    began = threading.Barrier(6 + 1, timeout=HANG_S)
    killed = threading.Event()
    ids = []
    half = len(SOUND) // 2

    def talk(_):
        with vivavoce.connect(url=server.base_url, api_key=keys[1], reconnect=KEEP) as it:
            first = it.next_event(HANG_S).id
            ids.append(first)
            it.send(SOUND[:half])
            began.wait()
            assert killed.wait(HANG_S)
            it.send(SOUND[half:])
            it.end()
            return first, list(it.events())

    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(talk, each) for each in range(6)]
        began.wait()
        wait_until(lambda: all(map(server.replica_of, ids)), "the lines of the sessions in the log")
        before = server.replicas()
        victim = max(before)
        os.kill(victim, signal.SIGKILL)
        killed.set()
        results = [each.result() for each in running]
    of_victim = [events for first, events in results if server.replica_of(first) == victim]
    of_other = [events for first, events in results if server.replica_of(first) != victim]
    assert of_victim
    assert of_other
    for events in of_victim:
        assert finals(events) == WORDS
        assert any(event.type == "Reconnected" and event.lost_ms == 0 for event in events)
    for events in of_other:
        assert finals(events) == WORDS
        assert not any(event.type == "Reconnecting" for event in events)
    wait_until(lambda: server.replicas() - before, "the start of a replica in its place")


# --- the end -------------------------------------------------------------------------------------


def test_sessions_of_replicas_that_stop_get_their_last_words(tmp_path):
    with (
        RayReplicas(tmp_path, no_auth=True, drain_s=0.5, max_lead_s="null") as server,
        contextlib.ExitStack() as stack,
    ):
        sockets = [
            stack.enter_context(connect(server.base_url + path, compression=None)) for path in (V2, V3) * 2
        ]
        for each in sockets:
            each.send(pcm(np.concatenate([silence(6), speech(0, 1)])))
        server.terminate()
        for each in sockets:
            messages, end = rest(each)
            assert end == (1000, "")
            kinds = [message.get("type") or message.get("message_type") for message in messages]
            assert kinds[-1] in {"Termination", "SessionTerminated"}
            last = [message.get("transcript") or message.get("text") for message in messages][-2]
            assert last.lower().split() == ["alpha", "bravo."] or last.lower().rstrip(".") == "alpha bravo"
        assert server.wait_stopped() == 0
