"""``--workers``: connections spread over processes, limits hold over all, and one that dies costs no word."""

import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import vivavoce
from support.expositions import problems, value_of
from support.redis_server import redis_server  # noqa: F401  - a fixture
from support.scripted_engine import pcm, speech, spoken
from support.server_processes import CHUNKS, TERMINATE, TURNS, rest, server_process, talk_all, words_of
from support.time_limit import HANG_S, time_limit, wait_until

V3 = "/v3/ws?sample_rate=16000"


@pytest.fixture(autouse=True)
def limit():
    with time_limit(240):
        yield


class Group:
    """A server with two workers, both of which serve."""

    def __init__(self, server, log):
        self.server = server
        self.log = log
        self.url = server.url
        wait_until(lambda: self.log.read_text().count("engine ready") >= 2)
        wait_until(lambda: self.metric("vivavoce_workers_ready") == 2)

    def get(self, path, **headers):
        """The status and the text of an answer."""
        request = urllib.request.Request(self.url.replace("ws", "http", 1) + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=HANG_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name):
        return value_of(self.get("/metrics")[1], name)

    def pids(self):
        """The process of each worker, as last started."""
        found = re.findall(r"worker (\d+) is process (\d+)", self.log.read_text())
        return {int(number): int(pid) for number, pid in found}

    def begun(self, n):
        """How many sessions began at each worker, once these have begun; the log may be a little late."""
        found = []

        def have_begun():
            found[:] = re.findall(r"worker (\d+) [\w.]+: session \S+ began", self.log.read_text())
            return len(found) >= n

        wait_until(have_begun)
        return {number: found.count(str(number)) for number in (1, 2)}


@contextlib.contextmanager
def group(tmp_path, **options):
    log = tmp_path / "log"
    with server_process(log=log, n_workers=2, **options) as server:
        yield Group(server, log)


@contextlib.contextmanager
def session(url, **headers):
    """A session that has begun."""
    with connect(url + V3, additional_headers=headers) as it:
        assert json.loads(it.recv(timeout=HANG_S))["type"] == "Begin"
        yield it


def test_idle_sessions_spread_evenly_and_only_a_full_machine_refuses(tmp_path):
    with group(tmp_path, max_sessions=5) as it, contextlib.ExitStack() as stack:
        opened = [stack.enter_context(session(it.url)) for _ in range(5)]
        assert sorted(it.begun(5).values()) == [2, 3]
        with pytest.raises(InvalidStatus) as caught, connect(it.url + V3):
            pass
        assert caught.value.response.status_code == 503
        assert int(caught.value.response.headers["Retry-After"]) > 0
        status, text = it.get("/readyz")
        assert (status, json.loads(text)["status"], json.loads(text)["sessions"]) == (503, "full", 5)
        text = it.get("/metrics")[1]
        assert problems(text) == []
        figures = ("sessions_open", "sessions_limit", "ready", "workers", "worker_restarts_total")
        assert [value_of(text, f"vivavoce_{name}") for name in figures] == [5, 5, 0, 2, 0]
        assert value_of(text, 'vivavoce_sessions_total{dialect="v3"}') == 5
        assert value_of(text, 'vivavoce_refused_total{reason="full"}') == 1
        opened[0].send(TERMINATE)
        assert rest(opened[0])[1] == 1000
        wait_until(lambda: it.get("/readyz")[0] == 200)
        stack.enter_context(session(it.url))
        assert it.metric("vivavoce_sessions_open") == 5


@pytest.mark.parametrize("keys", [[], ["secret"]])
def test_a_token_opens_one_session_whichever_worker_gets_it(tmp_path, keys):
    with group(tmp_path, api_keys=keys) as it:
        headers = {"Authorization": "secret"} if keys else {}
        for _ in range(2):
            status, text = it.get(
                "/v3/token?expires_in_seconds=60&max_session_duration_seconds=60", **headers
            )
            assert status == 200
            url = f"{it.url}{V3}&token={json.loads(text)['token']}"
            with connect(url) as first, contextlib.ExitStack() as stack:
                assert json.loads(first.recv(timeout=HANG_S))["type"] == "Begin"
                for _ in range(4):  # at both workers
                    messages, code = rest(stack.enter_context(connect(url)))
                    assert (code, [each["type"] for each in messages]) != (1000, ["Begin"])
                    assert "Begin" not in [each["type"] for each in messages]
                    assert code == 1008


def test_the_sessions_of_a_key_count_over_all_workers(tmp_path):
    with group(tmp_path, api_keys=["a", "b"], max_sessions_per_key=3) as it, contextlib.ExitStack() as stack:
        opened = [stack.enter_context(session(it.url, Authorization="a")) for _ in range(3)]
        with connect(it.url + V3, additional_headers={"Authorization": "a"}) as refused:
            messages, _ = rest(refused)
            assert "Begin" not in [each["type"] for each in messages]
        stack.enter_context(session(it.url, Authorization="b"))
        assert min(it.begun(4).values()) >= 1
        opened[0].send(TERMINATE)
        rest(opened[0])

        def is_admitted():
            with connect(it.url + V3, additional_headers={"Authorization": "a"}) as again:
                return json.loads(again.recv(timeout=HANG_S))["type"] == "Begin"

        wait_until(is_admitted)


def test_the_connections_of_a_proxys_client_count_over_all_workers(tmp_path):
    with group(tmp_path, max_connections_per_address=2) as it, contextlib.ExitStack() as stack:
        near, far = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
        for headers in (near, near, far):
            stack.enter_context(session(it.url, **headers))
        with (
            pytest.raises(InvalidStatus) as caught,
            connect(it.url + V3, additional_headers=near),
        ):
            pass
        assert caught.value.response.status_code in {429, 503}
        stack.enter_context(session(it.url, **far))
        assert min(it.begun(4).values()) >= 1  # not all at the worker of the first


def test_a_killed_worker_costs_no_word_and_the_others_nothing(tmp_path):
    pauses = [len(CHUNKS) * n // 7 for n in range(1, 7)]
    with group(tmp_path) as it:
        before = it.get("/metrics")[1]
        killed = []

        def kill():
            assert it.begun(6) == {1: 3, 2: 3}
            it.get("/metrics")
            killed.append(it.pids()[1])
            os.kill(killed[0], signal.SIGKILL)
            wait_until(lambda: "worker 1 ended: killed by SIGKILL" in it.log.read_text())

        talks = talk_all(it.url, kill, pauses)
        lost = [sum(isinstance(each, vivavoce.ReconnectedEvent) for each in events) for events in talks]
        assert sorted(n > 0 for n in lost) == [False] * 3 + [True] * 3
        expected = [text for turn in TURNS for text in turn]
        assert all(len(words_of(events)) == len(expected) for events in talks)
        assert all(words_of(events) == words_of(talks[0]) for events in talks)
        assert all(events[-1].code == 1000 for events in talks)
        wait_until(lambda: it.metric("vivavoce_workers_ready") == 2)
        assert it.pids()[1] != killed[0]
        text = it.get("/metrics")[1]
        assert value_of(text, "vivavoce_worker_restarts_total") == 1
        assert value_of(text, "vivavoce_sessions_open") == 0
        begun = 'vivavoce_sessions_total{dialect="v3"}'
        assert value_of(before, begun) == 0
        assert value_of(text, begun) >= 9  # three of the six came again, and those that are gone still count
        assert it.server.stop(signal.SIGTERM) == 0


def test_sigterm_ends_the_sessions_of_all_workers_with_their_last_words(tmp_path):
    with group(tmp_path, drain_s=0.0) as it, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(session(it.url)) for _ in range(6)]
        for each in sockets:
            each.send(pcm(speech(0, 1)))
        for each in sockets:
            while json.loads(each.recv(timeout=HANG_S))["type"] != "Turn":
                pass
        it.server.process.send_signal(signal.SIGTERM)
        for each in sockets:
            messages, code = rest(each)
            finals = [one for one in messages if one["type"] == "Turn" and one["end_of_turn"]]
            assert [one["transcript"].lower() for one in finals] == ["alpha bravo"]
            assert (messages[-1]["type"], code) == ("Termination", 1000)
        assert it.server.process.wait(HANG_S) == 0
        assert "Traceback" not in it.log.read_text()


def test_workers_end_with_last_words_when_their_parent_is_killed(tmp_path):
    with group(tmp_path) as it, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(session(it.url)) for _ in range(2)]
        for each in sockets:
            each.send(pcm(speech(0, 1)))
        for each in sockets:
            while json.loads(each.recv(timeout=HANG_S))["type"] != "Turn":
                pass
        it.server.stop(signal.SIGKILL)
        for each in sockets:
            messages, code = rest(each)
            assert (messages[-1]["type"], code) == ("Termination", 1000)
        wait_until(lambda: not any(map(is_running, it.pids().values())))


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_service_manager_hears_once_that_all_workers_are_ready(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(HANG_S)

        def told():
            return manager.recv(4_096).decode().splitlines()[0]

        log = tmp_path / "log"
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        with server_process(log=log, n_workers=2, environment=environment) as server:
            assert told() == "READY=1"
            wait_until(lambda: log.read_text().count("engine ready") == 2)
            server.process.send_signal(signal.SIGHUP)
            assert [told(), told()] == ["RELOADING=1", "READY=1"]
            reloaded = r"worker \d [\w.]+: reloaded"
            wait_until(lambda: len(re.findall(reloaded, log.read_text())) == 2)
            assert server.stop(signal.SIGTERM) == 0
            assert told() == "STOPPING=1"


def test_models_that_cannot_be_loaded_end_the_server(tmp_path):
    log = tmp_path / "log"
    with server_process(log=log, n_workers=2, engine="broken_engine") as server:
        assert server.process.wait(HANG_S) == 1
    assert "failed: the files are damaged" in log.read_text()
    assert "Traceback" not in log.read_text()


def events(url, room):
    """The events of a room as a browser gets them: their names and their data."""
    with urllib.request.urlopen(f"{url.replace('ws', 'http', 1)}/r/{room}/events", timeout=HANG_S) as answer:
        fields = {}
        for row in answer:
            key, _, value = row.decode().rstrip("\n").partition(": ")
            if key:
                fields[key] = value
            elif "data" in fields:
                yield fields["event"], json.loads(fields["data"])


def test_readers_at_another_worker_follow_a_room(tmp_path):
    with group(tmp_path) as it, connect(f"{it.url}{V3}&room=hall&room_key=abcdefgh") as speaker:
        readers = [events(it.url, "hall") for _ in range(4)]  # at the worker without a session, that is
        firsts = [next(reader) for reader in readers]
        assert {name for name, _ in firsts} == {"snapshot"}
        speaker.send(pcm(speech(0, 1)))
        seen = [
            next(data for _, data in reader if "alpha bravo" in json.dumps(data).lower())
            for reader in readers
        ]
        assert len(seen) == 4
        with connect(f"{it.url}{V3}&room=hall&room_key=another-one") as stranger:  # at the other worker, too
            messages, code = rest(stranger)
            assert (code, "room_key" in json.dumps(messages)) == (1008, True)
        speaker.send(TERMINATE)
        assert rest(speaker)[1] == 1000
        for _ in range(2):
            status, text = it.get("/r/hall/transcript.txt")
            assert (status, "alpha bravo" in text.lower()) == (200, True)
        assert it.begun(1) in ({1: 1, 2: 0}, {1: 0, 2: 1})


def test_a_room_outlives_its_worker(tmp_path):
    with group(tmp_path) as it:
        with connect(f"{it.url}{V3}&room=hall&room_key=abcdefgh") as speaker:
            for chunk in CHUNKS[:30]:  # the first turn, and the silence that ends it
                speaker.send(chunk)
            while not (message := json.loads(speaker.recv(timeout=HANG_S))).get("end_of_turn"):
                pass
            assert message["transcript"].lower().startswith("alpha bravo")
            worker = next(number for number, n in it.begun(1).items() if n)
            os.kill(it.pids()[worker], signal.SIGKILL)
            rest(speaker)
        wait_until(lambda: "killed by SIGKILL" in it.log.read_text())
        status, text = it.get("/r/hall/transcript.txt")
        assert (status, "alpha bravo" in text.lower()) == (200, True)


def test_rooms_are_the_same_on_all_workers_with_a_redis(tmp_path, redis_server):  # noqa: F811
    def lines():
        # A request may go to either worker.
        answers = [it.get("/r/hall/transcript.txt") for _ in range(6)]
        return {tuple(sorted(text.splitlines())) if status == 200 else None for status, text in answers}

    url = "&room=hall&room_key=secret-one"
    with group(tmp_path, redis=redis_server.url, no_auth=True) as it, contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(connect(f"{it.url}{V3}{url}")) for _ in range(2)]
        assert it.begun(2) == {1: 1, 2: 1}
        for socket_, words in zip(sockets, [(0, 1), (4,)], strict=True):
            audio = pcm(speech(*words))
            for place in range(0, len(audio), 6_400):
                socket_.send(audio[place : place + 6_400])
            socket_.send(TERMINATE)
            assert rest(socket_)[1] == 1000
        expected = tuple(sorted([" ".join(spoken(0, 1)), " ".join(spoken(4))]))
        wait_until(lambda: lines() == {expected})


def test_the_transcripts_of_all_workers_are_kept_in_one_file(tmp_path):
    store = tmp_path / "transcripts.db"
    with group(tmp_path, store=str(store)) as it:
        talks = talk_all(it.url, lambda: None, [len(CHUNKS)] * 6)
        assert all(events[-1].code == 1000 for events in talks)
        assert it.begun(6) == {1: 3, 2: 3}
        assert it.server.stop(signal.SIGTERM) == 0
    with contextlib.closing(sqlite3.connect(store)) as kept:
        lines = kept.execute("SELECT session_id, count(*) FROM lines GROUP BY session_id").fetchall()
    assert sorted(n for _, n in lines) == [len(TURNS)] * 6
    assert "ERROR" not in (tmp_path / "log").read_text()
