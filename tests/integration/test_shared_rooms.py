"""A room on two servers is one room: one body over one server, and over two that share a Redis."""

from __future__ import annotations

import contextlib
import json
import logging

import pytest

from integration.test_room_speakers import post, served, talk  # noqa: F401  - a fixture
from integration.test_rooms import get, in_room, page
from integration.test_server import V3, open_session, rest, send
from support.redis_server import redis_server  # noqa: F401  - a fixture
from support.scripted_engine import silence, speech, spoken
from support.servers import log_of_the_server, scripted_server
from support.time_limit import HANG_S, wait_until

KEY = "&room_key=secret-one"
FILES = ("transcript.txt", "transcript.json", "captions.vtt", "captions.srt")


def start(stack, redis, **options):
    """Start a server that uses a Redis."""
    it = stack.enter_context(scripted_server(redis=redis.url, no_auth=True, **options))
    it.wait_ready()
    relay = it._server.service.relay
    wait_until(lambda: relay._pubsub is not None, "the connection to Redis")
    return it


@pytest.fixture(params=["one server", "two servers"])
def servers(request):
    """Two names of one server, or two servers."""
    with contextlib.ExitStack() as stack:
        if request.param == "one server":
            one = two = stack.enter_context(scripted_server(no_auth=True))
            one.wait_ready()
        else:
            redis = request.getfixturevalue("redis_server")
            one, two = start(stack, redis), start(stack, redis)
        yield one, two


@pytest.fixture
def two(redis_server):  # noqa: F811
    with contextlib.ExitStack() as stack:
        yield start(stack, redis_server), start(stack, redis_server)


def say(socket, *words):
    send(socket, speech(*words))
    send(socket, silence(60))


def end(socket):
    socket.send(V3.terminate)
    rest(socket)


def rooms_are_equal(one, other):
    texts = [[get(server, f"/r/hall/{file}")[1] for file in FILES] for server in (one, other)]
    return texts[0] == texts[1]


def lines(server):
    status, text, _ = get(server, "/r/hall/transcript.txt")
    return text.splitlines() if status == 200 else []


def test_readers_at_another_server_see_the_same_room(servers):
    one, other = servers
    with page(other, "hall") as early:
        assert early.next()[1]["state"] == "waiting"
        with open_session(one, V3, in_room(V3, "&room_title=A%20talk")) as socket:
            send(socket, speech(0, 1))
            [*_, (_, partial)] = early.until("partial")
            assert partial["stable"] + partial["tail"]
            send(socket, silence(60))
            [*_, (_, line)] = early.until("line")
            assert line["text"] == " ".join(spoken(0, 1))
            with page(other, "hall") as late:
                snapshot = late.next()[1]
                assert (snapshot["state"], snapshot["title"], snapshot["speakers"]) == ("live", "A talk", 1)
                assert [each["text"] for each in snapshot["lines"]] == [" ".join(spoken(0, 1))]
            end(socket)
        [*_, (_, state)] = early.until("state")
        assert state["state"] == "ended"
    wait_until(lambda: rooms_are_equal(one, other))


def test_a_reader_continues_at_another_server_where_it_was(servers):
    one, other = servers
    with open_session(one, V3, in_room(V3)) as socket:
        say(socket, 0, 1)
        wait_until(lambda: len(lines(one)) == 1)
        with page(one, "hall") as reader:
            assert len(reader.next()[1]["lines"]) == 1
        say(socket, 4)
        wait_until(lambda: len(lines(other)) == 2)
        with page(other, "hall", reader.last_id) as back:
            kind, line = back.next()
        assert (kind, line["id"], line["text"]) == ("line", 1, " ".join(spoken(4)))


def test_corrections_and_names_reach_the_server_of_the_session(servers):
    one, other = servers
    with open_session(one, V3, in_room(V3, KEY)) as socket:
        say(socket, 0, 1)
        wait_until(lambda: len(lines(other)) == 1)
        with page(one, "hall") as reader:
            reader.next()
            body = json.dumps({"line": 0, "text": "Alpha, brave."}).encode()
            path = "/r/hall/corrections"
            assert get(other, path, data=body, Authorization="secret-two")[0] == 401
            assert get(other, path, data=body, Authorization="secret-one")[0] == 204
            [*_, (_, line)] = reader.until("correction")
        assert (line["text"], line["corrected"]) == ("Alpha, brave.", True)
        wait_until(lambda: rooms_are_equal(one, other))
        end(socket)


def test_a_room_has_one_key_on_all_servers(servers):
    one, other = servers
    with open_session(one, V3, in_room(V3, KEY)) as first:
        json.loads(first.recv(timeout=HANG_S))
        for more in ("", "&room_key=secret-two"):
            with open_session(other, V3, in_room(V3, more)) as second:
                messages, code, _ = rest(second)
            assert (code, V3.is_error(messages[-1], code)) == (V3.codes["key"], True)
        with open_session(other, V3, in_room(V3, KEY)) as second:
            say(second, 4)
            wait_until(lambda: lines(one) == [" ".join(spoken(4))])
            with page(one, "hall") as reader:
                assert reader.next()[1]["speakers"] == 2


def test_a_speaker_continues_a_room_at_another_server(servers):
    one, other = servers
    with page(other, "hall") as reader:
        reader.next()
        with open_session(one, V3, in_room(V3, KEY)) as socket:
            say(socket, 0, 1)
            reader.until("line")
            socket.socket.shutdown(2)
        while reader.until("state")[-1][1]["state"] != "paused":
            pass
        with open_session(other, V3, in_room(V3, KEY)) as socket:
            say(socket, 4)
            [*_, (_, line)] = reader.until("line")
            assert line["id"] == 1
            end(socket)
    wait_until(lambda: lines(one) == lines(other) == [" ".join(spoken(0, 1)), " ".join(spoken(4))])


@pytest.mark.parametrize("shares", [False, True], ids=["one server", "two servers"])
def test_names_that_are_given_at_another_server_are_for_all(served, request, shares):  # noqa: F811
    options = {"no_auth": True}
    if shares:
        options["redis"] = request.getfixturevalue("redis_server").url
    one = served(**options)
    other = served(**options, store=None) if shares else one
    with page(one, "hall") as reader, talk(one, (0, 2), (1, 3)) as socket:
        reader.until("line")
        reader.until("line")
        wait_until(lambda: len(lines(other)) == 2)
        assert post(other, "voices", voice=0, name="Anna") == 204
        [*_, (_, news)] = reader.until("voices")
        assert [voice["name"] for voice in news["voices"]] == ["Anna", "B"]
        assert post(other, "corrections", line=1, name="Ben") == 204
        [*_, (_, line)] = reader.until("correction")
        say(socket, 0)
        [*_, (_, line)] = reader.until("line")
        assert line["parts"][0]["voice"] == 0
        end(socket)
    wait_until(lambda: rooms_are_equal(one, other))
    expected = [f"Anna: {' '.join(spoken(0, 2))}", f"Ben: {' '.join(spoken(1, 3))}", f"Anna: {spoken(0)[0]}"]
    assert [each.rstrip(".") for each in lines(other)] == [each.rstrip(".") for each in expected]
    [session] = json.loads(get(one, "/transcripts")[1])["sessions"]
    wait_until(lambda: get(one, f"/transcripts/{session['id']}.txt")[1].splitlines() == lines(other))


# --- with a Redis that fails ------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False], ids=["it keeps its data", "it forgets"])
def test_while_redis_is_away_readers_see_their_server_and_then_all_see_all(two, redis_server, keeps, caplog):  # noqa: F811
    caplog.set_level(logging.WARNING)
    one, other = two
    with (
        open_session(one, V3, in_room(V3, KEY)) as first,
        open_session(other, V3, in_room(V3, KEY)) as second,
        page(one, "hall") as reader,
    ):
        say(first, 0, 1)
        wait_until(lambda: len(lines(other)) == 1)
        wait_until(lambda: "vivavoce_rooms_shared 1" in get(one, "/metrics")[1])
        redis_server.kill()
        if not keeps:
            for file in redis_server._folder.glob("appendonlydir/*"):
                file.unlink()
        say(first, 4)
        assert reader.until("line")  # of its own server, at once
        wait_until(lambda: lines(one)[1:] == [" ".join(spoken(4))])
        say(second, 0)
        wait_until(lambda: lines(other)[1:] == [" ".join(spoken(0))])
        wait_until(lambda: "vivavoce_rooms_shared 0" in get(one, "/metrics")[1])
        redis_server.start()
        wait_until(lambda: len(lines(one)) == 3)
        wait_until(lambda: rooms_are_equal(one, other))
        assert sorted(lines(one)) == sorted(" ".join(spoken(*it)) for it in [(0, 1), (4,), (0,)])
        with page(other, "hall") as late:
            assert (late.next()[1]["speakers"]) == 2
        say(first, 2)
        wait_until(lambda: len(lines(other)) == 4)
        end(first)
        end(second)
    records, _ = log_of_the_server(caplog)
    notes = [record.getMessage() for record in records if "rooms are" in record.getMessage()]
    assert len([note for note in notes if "not the same" in note]) == 2  # one a server


def test_a_redis_that_answers_nothing_delays_no_session(two, redis_server):  # noqa: F811
    one, other = two
    with open_session(one, V3, in_room(V3)) as socket, page(one, "hall") as reader:
        say(socket, 0, 1)
        wait_until(lambda: len(lines(other)) == 1)
        redis_server.freeze()
        try:
            say(socket, 4)
            while reader.until("line")[-1][1]["text"] != " ".join(spoken(4)):
                pass
            end(socket)
            with open_session(other, V3, in_room(V3)) as fresh:
                say(fresh, 0)
                wait_until(lambda: len(lines(other)) == 2)
                end(fresh)
        finally:
            redis_server.thaw()
        wait_until(lambda: len(lines(one)) == len(lines(other)) == 3)
        wait_until(lambda: rooms_are_equal(one, other))


def test_a_server_that_starts_later_knows_the_room(two, redis_server):  # noqa: F811
    one, _ = two
    with open_session(one, V3, in_room(V3, KEY)) as socket:
        say(socket, 0, 1)
        wait_until(lambda: len(lines(one)) == 1)
        with contextlib.ExitStack() as stack:
            late = start(stack, redis_server)
            assert lines(late) == [" ".join(spoken(0, 1))]
            assert rooms_are_equal(one, late)
        end(socket)


def test_kept_transcripts_get_the_corrections_of_other_servers(tmp_path, redis_server):  # noqa: F811
    with contextlib.ExitStack() as stack:
        one = start(stack, redis_server, store=tmp_path / "one.db")
        other = start(stack, redis_server, store=tmp_path / "other.db")
        with open_session(one, V3, in_room(V3, KEY)) as socket:
            say(socket, 0, 1)
            wait_until(lambda: len(lines(other)) == 1)
            body = json.dumps({"line": 0, "text": "Alpha, brave."}).encode()
            assert get(other, "/r/hall/corrections", data=body, Authorization="secret-one")[0] == 204

            def kept():
                [session] = json.loads(get(one, "/transcripts")[1])["sessions"]
                return get(one, f"/transcripts/{session['id']}.txt")[1]

            wait_until(lambda: "Alpha, brave." in kept())
            end(socket)


@pytest.mark.parametrize("keeps", [True, False], ids=["Redis has the room", "Redis is empty"])
def test_a_server_that_starts_again_with_its_store_has_each_line_once(tmp_path, two, redis_server, keeps):  # noqa: F811
    _, other = two
    expected = ["Alpha, brave.", " ".join(spoken(4))]
    with contextlib.ExitStack() as stack:
        one = start(stack, redis_server, store=tmp_path / "one.db")
        with open_session(one, V3, in_room(V3, KEY)) as socket:
            say(socket, 0, 1)
            say(socket, 4)
            wait_until(lambda: len(lines(one)) == 2)
            body = json.dumps({"line": 0, "text": "Alpha, brave."}).encode()
            assert get(one, "/r/hall/corrections", data=body, Authorization="secret-one")[0] == 204
            end(socket)
    if not keeps:
        redis_server.client.flushall()
    with contextlib.ExitStack() as stack:
        one = start(stack, redis_server, store=tmp_path / "one.db")
        wait_until(lambda: lines(one) == lines(other) == expected)
        assert rooms_are_equal(one, other)


def test_without_shared_rooms_no_word_gets_into_redis(redis_server):  # noqa: F811
    options = {"redis": redis_server.url, "no_auth": True, "shared_rooms": False}
    with scripted_server(**options) as one, scripted_server(**options) as other:
        one.wait_ready()
        other.wait_ready()
        with open_session(one, V3, in_room(V3)) as socket:
            say(socket, 0, 1)
            wait_until(lambda: len(lines(one)) == 1)
            end(socket)
        assert lines(other) == []
    assert not list(redis_server.client.scan_iter("*room*"))


def test_words_expire_in_redis(two, redis_server):  # noqa: F811
    one, _ = two
    with open_session(one, V3, in_room(V3)) as socket:
        say(socket, 0, 1)
        wait_until(lambda: len(lines(one)) == 1)
        end(socket)
    wait_until(lambda: list(redis_server.client.scan_iter("vivavoce:room:*")))
    for key in redis_server.client.scan_iter("vivavoce:*room*"):
        assert 0 < redis_server.client.pttl(key) <= 5 * 3_600_000
