"""Transcripts that the server keeps: over HTTP, and after it was killed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import quote

import pytest

from integration.test_rooms import get, in_room, page, speak
from integration.test_server import V3, both, open_session, rest, send
from support.scripted_engine import silence, speech, spoken
from support.servers import scripted_server
from support.time_limit import HANG_S, wait_until
from vivavoce.store import Store


@pytest.fixture
def server(tmp_path):
    with scripted_server(store=tmp_path / "t.db", api_keys=("key",)) as it:
        it.wait_ready()
        yield it


KEY = {"Authorization": "key"}


def say(server, dialect, *indices, query):
    with open_session(server, dialect, query, additional_headers=KEY) as socket:
        send(socket, speech(*indices))
        socket.send(dialect.terminate)
        rest(socket)


def listed(server, query=""):
    status, text, _ = get(server, f"/transcripts{query}", **KEY)
    assert status == 200
    return json.loads(text)


@both
def test_sessions_are_kept_with_and_without_a_room(server, dialect):
    say(server, dialect, 0, 1, query=dialect.query)
    say(server, dialect, 4, query=in_room(dialect, "&room_title=A%20talk"))
    in_hall, alone = listed(server)["sessions"]
    assert (in_hall["room"], in_hall["title"], in_hall["turns"]) == ("hall", "A talk", 1)
    assert (alone["room"], alone["turns"]) == (None, 1)
    assert alone["ended"] > alone["began"]
    assert listed(server, "?room=hall")["sessions"] == [in_hall]
    for suffix in ("txt", "srt", "vtt", "json"):
        status, text, _ = get(server, f"/transcripts/{alone['id']}.{suffix}", **KEY)
        assert status == 200
        assert " ".join(spoken(0, 1)) in text
    assert get(server, f"/transcripts/{alone['id']}.doc", **KEY)[0] == 404
    [hit] = listed(server, f"?q={quote(spoken(4)[0])}")["hits"]
    assert hit["session"]["id"] == in_hall["id"]


@pytest.mark.parametrize("keep_days", [None, 30])
def test_the_list_says_how_long_transcripts_are_kept(tmp_path, keep_days):
    with scripted_server(store=tmp_path / "t.db", keep_days=keep_days) as server:
        server.wait_ready()
        for query in ("", "?q=word"):
            assert json.loads(get(server, f"/transcripts{query}")[1])["keep_days"] == keep_days


def test_who_has_no_key_learns_nothing(server):
    say(server, V3, 0, query=V3.query)
    [session] = listed(server)["sessions"]
    for headers in ({}, {"Authorization": "other"}):
        for path in ("/transcripts", f"/transcripts/{session['id']}.txt"):
            status, text, _ = get(server, path, **headers)
            assert status == 401
            assert spoken(0)[0] not in text
    assert get(server, "/transcripts", **KEY, Origin="https://evil.example")[0] == 403


def test_one_is_deleted(server):
    say(server, V3, 0, query=V3.query)
    [session] = listed(server)["sessions"]
    path = f"/transcripts/{session['id']}"
    assert get(server, path, method="DELETE")[0] == 401
    assert get(server, path, method="DELETE", **KEY)[0] == 204
    assert get(server, path, method="DELETE", **KEY)[0] == 404
    assert listed(server)["sessions"] == []


def test_wrong_questions_are_refused_by_name(server):
    for query in ("?limit=0", "?limit=x", "?q=" + "x" * 201):
        status, text, _ = get(server, f"/transcripts{query}", **KEY)
        assert status == 400
        assert query[1:].split("=")[0] in text


def test_a_server_that_keeps_nothing_says_so():
    with scripted_server() as server:
        server.wait_ready()
        speak(server, V3, 0)
        status, text, _ = get(server, "/transcripts")
        assert status == 404
        assert "--store" in text


def test_corrections_are_kept(server):
    say(server, V3, 0, 1, query=in_room(V3, "&room_key=secret-one"))
    body = json.dumps({"line": 0, "text": "Alpha, brave."}).encode()
    assert get(server, "/r/hall/corrections", data=body, Authorization="secret-one")[0] == 204
    [session] = listed(server)["sessions"]
    wait_until(lambda: "Alpha, brave." in get(server, f"/transcripts/{session['id']}.txt", **KEY)[1])


PROGRAM = textwrap.dedent("""
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    from support.servers import scripted_server
    with scripted_server(port=int(sys.argv[2]), store=Path(sys.argv[3])) as server:
        server.wait_ready()
        print(server.base_url, flush=True)
        sys.stdin.read()
""")


class Remote:
    """A server in a process of its own."""

    def __init__(self, process):
        self.process = process
        self.base_url = process.stdout.readline().strip()


@contextlib.contextmanager
def server_process(port, store):
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parents[1]), str(port), str(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Remote(process)
        finally:
            process.kill()


@both
def test_a_killed_server_opens_its_rooms_again(dialect, tmp_path):
    store = tmp_path / "t.db"
    query = in_room(dialect, "&room_key=secret-one&room_title=A%20talk")
    with (
        server_process(0, store) as first,
        page(first, "hall") as reader,
        open_session(first, dialect, query) as socket,
    ):
        send(socket, speech(0, 1))
        send(socket, silence(60))
        send(socket, speech(4))
        reader.until("line")
        reader.until("partial")
        with Store(store, create=False) as kept:
            wait_until(lambda: kept.search(spoken(0)[0]))
        first.process.kill()
        first.process.wait(HANG_S)
    port = int(first.base_url.rpartition(":")[2])
    with server_process(port, store) as again, page(again, "hall", reader.last_id) as back:
        kind, snapshot = back.next()
        assert (kind, snapshot["state"], snapshot["title"]) == ("snapshot", "paused", "A talk")
        assert [line["text"] for line in snapshot["lines"]] == [" ".join(spoken(0, 1))]
        with open_session(again, dialect, in_room(dialect)) as intruder:
            assert rest(intruder)[1] == dialect.codes["key"]
        with open_session(again, dialect, query) as socket:
            send(socket, speech(4))
            socket.send(dialect.terminate)
            rest(socket)
        [*_, (_, line)] = back.until("line")
        assert line["text"] == " ".join(spoken(4))
        assert line["start"] > snapshot["lines"][0]["start"]
