"""Rooms over real sockets: sessions speak in them, readers follow by HTTP. One body over both dialects."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pysubs2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from integration.test_server import V2, V3, both, open_session, rest, send
from support.scripted_engine import silence, speech, spoken
from support.servers import scripted_server
from support.time_limit import HANG_S, wait_until
from vivavoce.server.access import Ledger
from vivavoce.server.rooms import Rooms
from vivavoce.server.rooms.registry import RoomsFull


@pytest.fixture
def server():
    with scripted_server() as it:
        it.wait_ready()
        yield it


class Page:
    """A reader: follows the events of a room as a browser does."""

    def __init__(self, server, room, last_id=None, **headers):
        address = server.base_url.removeprefix("ws://")
        self._connection = http.client.HTTPConnection(address, timeout=HANG_S)
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self._connection.request("GET", f"/r/{room}/events", headers=headers)
        self._answer = self._connection.getresponse()
        self.status, self.headers = self._answer.status, self._answer.headers
        self.last_id = None

    def next(self):
        """The next event: its name and its data; None at the end."""
        fields = {}
        for row in self._answer:
            key, _, value = row.decode().rstrip("\n").partition(": ")
            if key:
                fields[key] = value
            elif "data" in fields:
                self.last_id = fields.get("id", self.last_id)
                return fields["event"], json.loads(fields["data"])
        return None

    def until(self, kind):
        """The events up to the first of a kind."""
        events = []
        while not events or events[-1][0] != kind:
            event = self.next()
            assert event is not None, f"the stream ended before any {kind}: {events}"
            events.append(event)
        return events

    def close(self):
        self._connection.close()


@contextlib.contextmanager
def page(server, room, last_id=None, **headers):
    it = Page(server, room, last_id, **headers)
    try:
        yield it
    finally:
        it.close()


def get(server, path, *, data=None, method=None, **headers):
    url = server.base_url.replace("ws://", "http://") + path
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


def in_room(dialect, more=""):
    return f"sample_rate=16000&room=hall{more}"


def speak(server, dialect, *indices, more=""):
    with open_session(server, dialect, in_room(dialect, more)) as socket:
        send(socket, speech(*indices))
        socket.send(dialect.terminate)
        return rest(socket)


@both
def test_readers_follow_a_session(server, dialect):
    with page(server, "hall") as early:
        assert early.next()[1]["state"] == "waiting"
        with open_session(server, dialect, in_room(dialect, "&room_title=A%20talk")) as socket:
            send(socket, speech(0, 1))
            [*_, (_, partial)] = early.until("partial")
            assert partial["stable"] + partial["tail"]
            with page(server, "hall") as late:
                kind, snapshot = late.next()
                assert (kind, snapshot["state"], snapshot["title"]) == ("snapshot", "live", "A talk")
                send(socket, silence(50))
                for reader in (early, late):
                    [*_, (_, line)] = reader.until("line")
                    assert line["text"] == " ".join(spoken(0, 1))
                socket.send(dialect.terminate)
                rest(socket)
                for reader in (early, late):
                    [*_, (_, state)] = reader.until("state")
                    assert state["state"] == "ended"
    with page(server, "hall") as afterwards:
        snapshot = afterwards.next()[1]
        assert [line["text"] for line in snapshot["lines"]] == [" ".join(spoken(0, 1))]


def test_a_reader_that_comes_back_misses_nothing(server):
    with open_session(server, V3, in_room(V3)) as socket:
        with page(server, "hall") as reader:
            reader.next()
        send(socket, speech(0, 1))
        send(socket, silence(60))
        send(socket, speech(4))
        send(socket, silence(60))
        path = "/r/hall/transcript.txt"
        wait_until(lambda: get(server, path)[1].count("\n") == 2)
        with page(server, "hall", reader.last_id) as back:
            lines = [back.until("line")[-1][1], back.until("line")[-1][1]]
        assert [line["text"] for line in lines] == [" ".join(spoken(0, 1)), " ".join(spoken(4))]


def test_a_session_whose_room_gets_no_place_is_not_counted(server, monkeypatch):
    counted, begins = [], Ledger.begin

    def begin(ledger, *arguments):
        begins(ledger, *arguments)
        counted.extend([dict(ledger.open_by_owner), ledger])

    def seat(*_):
        raise RoomsFull

    monkeypatch.setattr(Ledger, "begin", begin)
    monkeypatch.setattr(Rooms, "seat", seat)
    with open_session(server, V3, in_room(V3)) as socket, contextlib.suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=HANG_S)
    before, ledger = counted
    assert (before, dict(ledger.open_by_owner)) == ({"": 1}, {})


@both
def test_a_client_that_disappears_pauses_its_room(server, dialect):
    with page(server, "hall") as reader:
        reader.next()
        with open_session(server, dialect, in_room(dialect)) as socket:
            assert reader.until("state")[-1][1]["state"] == "live"
            send(socket, speech(0, 1))
            reader.until("partial")
            socket.socket.shutdown(2)
        events = reader.until("state")
        assert events[-1][1]["state"] == "paused"
        speak(server, dialect, 4)
        lines = [event[1]["text"] for event in reader.until("line") if event[0] == "line"]
        assert lines == [" ".join(spoken(4))]


def test_the_transcript_can_be_downloaded(server):
    speak(server, V3, 0, 1)
    text = " ".join(spoken(0, 1))
    assert get(server, "/r/hall/transcript.txt")[1] == text + "\n"
    assert json.loads(get(server, "/r/hall/transcript.json")[1])["lines"][0]["text"] == text
    for file in ("captions.srt", "captions.vtt"):
        [cue] = pysubs2.SSAFile.from_string(get(server, f"/r/hall/{file}")[1])
        assert cue.plaintext == text
    status, _, headers = get(server, "/r/hall/captions.vtt?download")
    assert (status, headers["Content-Disposition"]) == (200, 'attachment; filename="hall-captions.vtt"')
    assert "captions/0.vtt" in get(server, "/r/hall/captions.m3u8")[1]
    assert text in get(server, "/r/hall/captions/0.vtt")[1]
    assert get(server, "/r/hall/captions/99.vtt")[0] == 404
    assert get(server, "/r/hall/other.doc")[0] == 404


@both
def test_a_second_session_needs_the_rooms_key(server, dialect):
    with open_session(server, dialect, in_room(dialect, "&room_key=secret-one")) as first:
        json.loads(first.recv(timeout=HANG_S))
        for more in ("", "&room_key=secret-two"):
            with open_session(server, dialect, in_room(dialect, more)) as second:
                messages, code, reason = rest(second)
                assert "secret" not in reason
            assert code == dialect.codes["key"]
            assert dialect.is_error(messages[-1], code)
        with open_session(server, dialect, in_room(dialect, "&room_key=secret-one")) as second:
            assert dialect.is_begin(json.loads(second.recv(timeout=HANG_S)))


def test_only_who_has_the_key_corrects_a_line(server):
    speak(server, V3, 0, 1, more="&room_key=secret-one")
    body = json.dumps({"line": 0, "text": "Alpha, brave."}).encode()
    path = "/r/hall/corrections"
    with page(server, "hall") as reader:
        reader.next()
        assert get(server, path, data=body)[0] == 401
        assert get(server, path, data=body, Authorization="secret-two")[0] == 401
        assert get(server, path, data=body, Authorization="secret-one")[0] == 204
        kind, line = reader.next()
    assert (kind, line["text"], line["corrected"]) == ("correction", "Alpha, brave.", True)
    assert get(server, "/r/hall/transcript.txt")[1] == "Alpha, brave.\n"
    for wrong in (b"", b"[]", b'{"line": "x"}', b"\xff", b'{"line": 0, "text": "' + b"x" * 20_000 + b'"}'):
        assert get(server, path, data=wrong, Authorization="secret-one")[0] == 400
    for wrong in (b'{"line": 7, "text": "x"}', b'{"line": 0, "text": " "}'):
        assert get(server, path, data=wrong, Authorization="secret-one")[0] == 404


@pytest.mark.parametrize("name", ["a b", "é", "x" * 65, "%2e%2e", "a/b/c"])
def test_odd_names_are_refused_in_plain_words(server, name):
    path = "/r/" + urllib.request.quote(name, safe="/%") + "/events"
    status, text, _ = get(server, path)
    assert status == 404
    assert "letters, digits, hyphens" in text or "unknown path" in text
    with open_session(server, V3, f"sample_rate=16000&room={urllib.request.quote(name)}") as socket:
        messages, code, _ = rest(socket)
    assert code == 3006
    assert "room must have" in messages[-1]["error"]


def test_an_unknown_room_looks_like_a_silent_one_and_guessing_is_slow(server):
    assert get(server, "/r/nobody-0")[0] == get(server, "/r/hall")[0]
    statuses = []
    for number in range(25):
        with page(server, f"nobody-{number}") as reader:
            statuses.append(reader.status)
    assert statuses == [200] * 20 + [429] * 5
    assert get(server, "/r/nobody-24/transcript.txt")[2]["Retry-After"]
    speak(server, V3, 0)
    with page(server, "hall") as reader:
        assert reader.status == 200


def test_there_is_a_limit_to_readers():
    with scripted_server(max_readers=2) as server:
        server.wait_ready()
        with page(server, "hall") as first, page(server, "hall") as second:
            assert (first.status, second.status) == (200, 200)
            with page(server, "hall") as third:
                assert (third.status, third.headers["Retry-After"]) == (503, "60")


def test_pages_of_other_sites_neither_open_sessions_nor_read_rooms(server):
    speak(server, V3, 0)
    foreign = {"Origin": "https://evil.example"}
    for dialect in (V2, V3):
        with (
            pytest.raises(InvalidStatus) as refused,
            open_session(server, dialect, additional_headers=foreign),
        ):
            pass
        assert refused.value.response.status_code == 403
        assert b"--allow-origin" in refused.value.response.body
    for path in ("events", "transcript.txt", "captions.m3u8", "captions/0.vtt"):
        status, text, headers = get(server, f"/r/hall/{path}", **foreign)
        assert (status, headers["Access-Control-Allow-Origin"]) == (403, None)
        assert spoken(0)[0] not in text


def test_listed_sites_may():
    with scripted_server(allow_origins=("https://friend.example",)) as server:
        server.wait_ready()
        friend = {"Origin": "https://friend.example"}
        with open_session(server, V3, in_room(V3), additional_headers=friend) as socket:
            send(socket, speech(0))
            socket.send(V3.terminate)
            rest(socket)
        _, text, headers = get(server, "/r/hall/transcript.txt", **friend)
        assert headers["Access-Control-Allow-Origin"] == "https://friend.example"
        assert text == spoken(0)[0] + "\n"


def test_readers_leave_when_the_server_stops(server):
    with page(server, "hall") as reader, open_session(server, V3, in_room(V3)) as socket:
        reader.next()
        send(socket, speech(0, 1))
        reader.until("partial")
        server._server.request_stop()
        rest(socket)
        lines = [event[1]["text"] for event in reader.until("line") if event[0] == "line"]
        assert lines == [" ".join(spoken(0, 1))]
        while reader.next() is not None:
            pass


def test_a_reader_that_leaves_is_forgotten(server):
    with page(server, "hall") as reader:
        reader.next()
        assert server._server.service.rooms.n_readers == 1
    wait_until(lambda: server._server.service.rooms.n_readers == 0)


def test_words_of_a_room_can_stay_unformatted(server):
    speak(server, V3, 0, 1, more="&format_turns=false")
    assert get(server, "/r/hall/transcript.txt")[1] == " ".join(spoken(0, 1)).lower().replace(".", "") + "\n"


def test_a_page_gets_tokens_with_a_ticket_and_a_ticket_with_a_key():
    with scripted_server(api_keys=("key",)) as server:
        server.wait_ready()
        assert get(server, "/live/token", data=b"")[0] == 401
        assert get(server, "/live/ticket", data=b"")[0] == 401
        assert get(server, "/live/ticket?hours=0", data=b"", Authorization="key")[0] == 400
        status, text, headers = get(server, "/live/ticket?hours=1", data=b"", Authorization="key")
        assert (status, headers["Cache-Control"]) == (200, "no-store")
        ticket = json.loads(text)["ticket"]
        for _ in range(2):
            token = json.loads(get(server, "/live/token", data=b"", Authorization=ticket)[1])["token"]
            with open_session(server, V3, in_room(V3, f"&token={token}")) as socket:
                assert V3.is_begin(json.loads(socket.recv(timeout=HANG_S)))
        with open_session(server, V3, in_room(V3, f"&token={ticket}")) as socket:
            assert rest(socket)[1] == V3.codes["key"]


# --- pages ------------------------------------------------------------------------------------

PAGES = ("/", "/r/hall", "/r/hall/overlay", "/live/transcripts.html")
PAGE_FILES = Path(__file__).parents[2] / "src" / "vivavoce" / "server" / "pages"


@pytest.mark.parametrize("path", PAGES)
def test_pages_need_nothing_from_elsewhere_and_allow_no_inline_scripts(server, path):
    status, text, headers = get(server, path, Accept="text/html,*/*")
    assert (status, headers.get_content_type()) == (200, "text/html")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    files = re.findall(r'(?:src|href)="(/live/[^"]+)"', text)
    assert files
    for file in files:
        status, _, headers = get(server, file)
        assert status == 200
        assert get(server, file, **{"If-None-Match": headers["ETag"]})[0] == 304
    assert not re.search(r"<(script|link|img)[^>]+(?:src|href)=.(?:https?:)?//", text)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1.0, GZIP;q=0.5", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0, br", None),
        ("gzip;q=0, *", None),
        ("*;q=0", None),
        ("gzip; q=0.0", None),
        ("br", None),
        ("", None),
    ],
)
def test_pages_are_compressed_for_those_who_accept_it(server, accepted, coding):
    url = server.base_url.replace("ws://", "http://") + "/live/page.css"
    plain = (PAGE_FILES / "page.css").read_bytes()
    request = urllib.request.Request(url, headers={"Accept-Encoding": accepted})
    with urllib.request.urlopen(request, timeout=HANG_S) as answer:
        content = answer.read()
        assert answer.headers["Content-Encoding"] == coding
        assert "Accept-Encoding" in answer.headers["Vary"]
        etag = answer.headers["ETag"]
    assert (gzip.decompress(content) if coding else content) == plain
    assert len(content) == int(answer.headers["Content-Length"]) <= len(plain)
    again = {"Accept-Encoding": accepted, "If-None-Match": etag}
    assert get(server, "/live/page.css", **again)[0] == 304


def test_a_program_at_the_root_gets_a_line_of_text(server):
    _, text, headers = get(server, "/")
    assert headers.get_content_type() == "text/plain"
    assert "WebSockets: " in text


@pytest.mark.parametrize("name", ["none.js", "..%2fapp.py", "%2e%2e", "__init__.py", ".js"])
def test_only_the_files_of_the_pages_are_served(server, name):
    assert get(server, f"/live/{name}")[0] == 404
