"""Copies of a room on several servers, with a log that delays, loses its memory, and is cut off."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.server.rooms import replica as replica_module
from vivavoce.server.rooms.commands import Assign, Correct, Join, Leave, Lose, Merge, Rename, SaidTurn, Update
from vivavoce.server.rooms.content import RoomState
from vivavoce.server.rooms.feed import Cursor, Feed
from vivavoce.server.rooms.replica import Entry, Replica
from vivavoce.store import LineKey, VoiceKey
from vivavoce.types import Word

BEGAN = 1_000.0


def said(text, order=0, *, ended=True, speaker=None):
    words = tuple(
        Word(word, 100 * place, 100 * place + 90, 0.9, is_final=ended, speaker=speaker)
        for place, word in enumerate(text.split())
    )
    return SaidTurn(order, 0, words, ended, None)


class Log:
    """What a Redis is to the servers: entries in one order."""

    def __init__(self):
        self.entries = []
        self.base = None  # a snapshot, and the number of the last entry in it

    @property
    def number(self):
        return (self.base[1] if self.base else 0) + len(self.entries)

    def append(self, entry):
        self.entries.append((self.number + 1, entry))


class Server:
    """A server with one copy of the room, which reaches the log or does not."""

    def __init__(self, name, log):
        self.name, self.log = name, log
        self.replica = Replica("hall", name)
        self.seq = 0
        self.n_sent = 0  # of what is pending
        self.is_connected = True

    def do(self, command):
        self.seq += 1
        return self.replica.submit(command, self.seq)

    def send(self, *, answer_is_lost=False):
        if self.is_connected:
            for entry in list(self.replica.pending)[self.n_sent :]:
                self.log.append(entry)
            self.n_sent = 0 if answer_is_lost else len(self.replica.pending)

    def receive(self):
        if self.is_connected:
            before = len(self.replica.pending)
            assert self.replica.receive(self.log.entries)
            self.n_sent = max(0, self.n_sent - (before - len(self.replica.pending)))

    def catch_up(self):
        """As after a connection that was lost."""
        before = self.replica.room
        if self.log.number == 0 and before.is_open:
            self.log.base = (self.replica.snapshot(), self.replica.number)
        elif self.log.base is not None:
            self.replica.adopt(*self.log.base)
        elif self.replica.number > self.log.number:
            self.replica.adopt(Replica("hall", "x").snapshot(), 0)
        assert self.replica.receive(self.log.entries)
        for command in [*self.replica.differences(before), *self.replica.presence()]:
            self.do(command)
        self.n_sent = 0
        self.is_connected = True


def texts(room):
    return sorted(line.text for line in room.lines)


def settle(servers):
    for _ in range(4):
        for server in servers:
            server.catch_up()
            server.send()
        for server in servers:
            server.receive()


steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("final", "final", "partial", "send", "send", "receive", "receive", "correct", "rename"),
                *("assign", "cut", "catch up", "lost answer", "leave", "lose", "forget", "read"),
            ]
        ),
        st.integers(0, 2),
        st.integers(0, 6),
    ),
    max_size=60,
)


def begin(n_servers=3):
    log = Log()
    servers = [Server(name, log) for name in "abc"[:n_servers]]
    for server in servers:
        server.do(Join(f"session {server.name}", BEGAN, "", b"key", server.name))
        server.send()
        for each in servers:
            each.receive()
    return log, servers


@given(steps)
@settings(deadline=None)
def test_all_copies_become_equal_and_nothing_is_lost_or_doubled(steps):
    log, servers = begin()
    spoken, orders = [], dict.fromkeys("abc", 0)
    feeds = [(server, Cursor(), {}) for server in servers]
    for action, which, detail in steps:
        server = servers[which]
        if action in {"final", "partial"} and f"session {server.name}" in server.replica.seats:
            is_final = action == "final"
            text = f"{server.name}{orders[server.name]} words"
            turn = said(text, orders[server.name], ended=is_final, speaker="AB"[detail % 2])
            server.do(Update(f"session {server.name}", turn, BEGAN))
            if is_final:
                orders[server.name] += 1
                spoken.append(text)
            assert not is_final or text in texts(server.replica.room)  # its own readers never wait
        elif action == "send":
            server.send()
        elif action == "lost answer":
            server.send(answer_is_lost=True)
        elif action == "receive":
            server.receive()
        elif action in {"correct", "assign"} and (line := server.replica.room.line(detail)) is not None:
            kind = Correct if action == "correct" else Assign
            server.do(kind(line.key, line.text if action == "correct" else "Anna", None))
        elif action == "rename" and (voice := server.replica.room.voices.key(detail)) is not None:
            server.do(Rename(voice, ["Anna", "Ben", ""][detail % 3]))
        elif action == "cut":
            server.is_connected = False
        elif action == "catch up" and not server.is_connected:
            server.catch_up()
        elif action == "leave":
            server.do(Leave(f"session {server.name}", ended=bool(detail % 2)))
        elif action == "lose":
            server.do(Lose(f"session {'abc'[detail % 3]}"))
        elif action == "forget" and detail < 2:  # the memory of the log's machine is gone
            log.entries, log.base = [], None
            for each in servers:
                each.is_connected = False
        elif action == "read":
            follow(*feeds[which])
    settle(servers)
    first = servers[0].replica
    assert texts(first.room) == sorted(spoken)
    for server, cursor, seen in feeds:
        follow(server, cursor, seen)
        assert seen == {line.id: line.text for line in first.room.lines}
        assert server.replica.room.image() == first.room.image()
        assert not server.replica.pending
    # What a reader brings from one server is valid at every other.
    number = first.room.number
    assert {each.replica.room.chain_at(number) for each in servers} == {first.room.chain_at(number)}


def follow(server, cursor, seen):
    """Let a reader take the news, which must make sense whatever the order of the log was."""
    feed = Feed(server.replica.room)
    data = feed.read(cursor, BEGAN)
    room = server.replica.room
    if data.startswith(b"event: snapshot"):
        seen.clear()
        seen.update({line.id: line.text for line in room.lines})
    for event in data.decode().split("\n\n"):
        if event.startswith(("event: line", "event: correction")):
            fields = msgspec.json.decode(event.partition("data: ")[2])
            assert event.startswith("event: correction") or fields["id"] not in seen
            seen[fields["id"]] = fields["text"]


def test_a_room_on_one_server_has_nothing_pending():
    replica = Replica("hall")
    replica.submit(Join("one", BEGAN, "", None, ""))
    replica.submit(Update("one", said("Hello."), BEGAN))
    assert (texts(replica.room), len(replica.pending), replica.number) == (["Hello."], 0, 0)


def test_of_two_sessions_with_different_keys_the_first_in_the_log_has_the_room():
    log = Log()
    one, other = Server("a", log), Server("b", log)
    one.do(Join("first", BEGAN, "", b"one", "a"))
    other.do(Join("second", BEGAN, "", b"other", "b"))
    other.do(Update("second", said("Mine."), BEGAN))
    for server in (one, other):
        server.send()
    for server in (one, other):
        server.receive()
    assert one.replica.room.image() == other.replica.room.image()
    assert (other.replica.room.key_digest, texts(other.replica.room)) == (b"one", [])


def test_what_does_not_fit_is_not_sent():
    log, [server] = begin(1)
    assert server.do(Correct(LineKey("no", 0, 0), "x", None)) is None
    assert server.do(Join("thief", BEGAN, "", b"other", "a")) is None
    assert not server.replica.pending
    assert len(log.entries) == 1


def test_a_session_is_shown_as_paused_while_its_server_is_lost_and_comes_back_with_its_next_turn():
    _, [one, other] = begin(2)
    for session in ("session a", "session b"):
        other.do(Lose(session))
    other.send()
    one.receive()
    other.receive()
    assert one.replica.room.state is RoomState.PAUSED
    one.do(Update("session a", said("I am here."), BEGAN))
    one.send()
    other.receive()
    assert (other.replica.room.state, texts(other.replica.room)) == (RoomState.LIVE, ["I am here."])
    assert [type(each) for each in other.replica.presence()] == [Join]  # its own session is not lost either


def test_much_that_could_not_be_sent_is_brought_as_lines(monkeypatch):
    monkeypatch.setattr(replica_module, "_MAX_PENDING", 5)
    monkeypatch.setattr(replica_module, "_MERGED_LINES", 3)
    _, [one, other] = begin(2)
    one.is_connected = False
    for order in range(8):
        one.do(Update("session a", said(f"Line {order}.", order), BEGAN + order))
    other.do(Update("session b", said("Meanwhile."), BEGAN))
    other.send()
    before = one.replica.room
    one.catch_up()
    assert sum(isinstance(entry.command, Merge) for entry in one.replica.pending) >= 2
    settle([one, other])
    expected = sorted(["Meanwhile.", *(f"Line {order}." for order in range(8))])
    assert texts(one.replica.room) == texts(other.replica.room) == expected
    assert texts(before) == sorted(f"Line {order}." for order in range(8))


def test_a_gap_in_the_log_is_noticed():
    log, [server] = begin(1)
    entry = Entry("x", 1, Lose("nobody"))
    assert not server.replica.receive([(log.number + 2, entry)])
    assert server.replica.receive([(log.number + 1, entry), (log.number + 2, again(entry))])


def again(entry):
    return Entry(entry.server, entry.seq + 1, entry.command)


def test_an_unfinished_turn_survives_a_change_of_order():
    _, [one, other] = begin(2)
    one.do(Update("session a", said("not yet", ended=False), BEGAN))
    one.send()
    for server in (one, other):
        server.receive()
    one.do(Join("another", BEGAN, "", b"key", "a"))  # from now on something is pending
    turn = said("still not yet", ended=False).turn()
    one.replica.room.glimpse("session a", turn)
    other.do(Update("session b", said("First."), BEGAN))
    other.send()
    version = one.replica.room.version
    one.receive()
    assert [it.tail for it in one.replica.room.partials] == ["still not yet"]
    assert one.replica.room.version > version  # readers get it again: its speaker may have another number


def test_what_is_sent_twice_is_taken_once():
    _, [one, other] = begin(2)
    one.do(Update("session a", said("Hello.", speaker="A"), BEGAN))
    one.send()
    other.receive()
    key = VoiceKey("session a", 0, "A")
    one.do(Rename(key, "Anna"))
    one.send(answer_is_lost=True)
    other.receive()
    other.do(Rename(key, "Ben"))
    other.send()
    one.send()  # again, since nobody knows whether it arrived
    settle([one, other])
    assert one.replica.room.voices.names == other.replica.room.voices.names == ("Ben",)


def test_what_another_server_has_brought_into_an_empty_log_is_not_pending_any_more():
    log, [one, other] = begin(2)
    one.do(Update("session a", said("Hello."), BEGAN))
    one.send()
    other.receive()
    log.entries, log.base = [], None
    other.catch_up()
    one.catch_up()
    assert not one.replica.pending
    assert texts(one.replica.room) == ["Hello."]
