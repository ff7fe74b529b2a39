"""The rooms of several workers: the parent's logs, and the copies that follow them."""

from __future__ import annotations

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.protocol.events import RoomRequest, TurnUpdated
from vivavoce.server.rooms import Rooms
from vivavoce.server.workers import room_logs
from vivavoce.server.workers.room_logs import RoomLogs
from vivavoce.server.workers.room_relay import ChannelRelay
from vivavoce.types import Word

HALL = RoomRequest("hall", "key")


class Wire:
    """A worker's channel: messages arrive in order, whenever the test wants."""

    def __init__(self):
        self.up, self.down = deque(), deque()

    def tell(self, name, *arguments):
        self.up.append((name, arguments))


class Worker:
    """A worker with its rooms."""

    def __init__(self, parent, index, server):
        self.parent, self.index, self.server = parent, index, server
        self.wire = Wire()
        self.relay = ChannelRelay(self.wire, server)
        self.rooms = Rooms(relay=self.relay)
        self.wire.tell("room_server", server)
        self.seat, self.order = None, 0

    def hall(self):
        """The room, which this worker follows from now on."""
        return self.rooms.enter("hall")

    def join(self):
        if self.seat is None:
            self.seat = self.rooms.seat(HALL, f"session of {self.server}")
            self.seat.join(1_000.0)

    def say(self, text, *, ended=True):
        words = tuple(Word(each, 0, 90, 0.9, is_final=ended) for each in text.split())
        self.seat.update(TurnUpdated(self.order, 0, 90, words, ended=ended), 1_000.0)
        self.order += ended

    def step(self, *, up):
        """Deliver one message; returns whether there was one."""
        if up and self.wire.up:
            self.parent.handle(self.index, *self.wire.up.popleft())
        elif not up and self.wire.down:
            name, arguments = self.wire.down.popleft()
            self.relay.handlers()[name](*arguments)
        else:
            return False
        return True

    @property
    def texts(self):
        return [line.text for line in self.hall().room.lines]


class Parent:
    def __init__(self, n_workers=3):
        self.now = 0.0
        self.n_started = 0
        self.logs = RoomLogs(self.tell, keep_s=100.0)
        self.workers = [self.start(index) for index in range(n_workers)]

    def start(self, index):
        self.n_started += 1
        return Worker(self, index, f"w{self.n_started}")

    def tell(self, worker, name, *arguments):
        self.workers[worker].wire.down.append((name, arguments))

    def handle(self, worker, name, arguments):
        logs = self.logs
        handlers = {
            "room_server": lambda server: logs.begin(worker, server),
            "room_follow": lambda name: logs.follow(worker, name, self.now),
            "room_leave": lambda name: logs.leave(worker, name),
            "room_append": lambda name, entries: logs.append(name, entries, self.now),
            "room_glimpse": lambda name, update: logs.glimpse(worker, name, update),
            "room_tidy": logs.tidy,
        }
        handlers[name](*arguments)

    def kill(self, index):
        """End a worker; what it has sent already arrives, as the kernel delivers it."""
        while self.workers[index].step(up=True):
            pass
        self.logs.lose(index)
        self.workers[index] = self.start(index)

    def settle(self):
        while any(worker.step(up=up) for worker in self.workers for up in (True, False)):
            pass


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["final", "final", "partial", "up", "up", "down", "down", "follow", "kill", "sync"]),
        st.integers(0, 2),
    ),
    max_size=80,
)


@given(STEPS)
@settings(deadline=None)
def test_all_workers_show_the_same_and_no_word_is_lost_that_was_sent(steps):
    parent, spoken = Parent(), []
    for action, which in steps:
        worker = parent.workers[which]
        if action in {"final", "partial"}:
            worker.join()
            text = f"{worker.server}x{worker.order}"
            worker.say(text, ended=action == "final")
            if action == "final":
                spoken.append(text)
                assert text in worker.texts  # its own readers never wait
        elif action == "follow":
            worker.hall()
        elif action == "kill":
            unsent = [text for text in spoken if text.startswith(f"{worker.server}x")]
            parent.kill(which)
            log = str(parent.logs._logs.get("hall"))
            sent = {text for text in unsent if text in log}
            spoken = [text for text in spoken if text not in unsent or text in sent]
        elif action == "sync" and "hall" in worker.relay._links:
            worker.relay._sync(worker.relay._links["hall"])
        else:
            worker.step(up=action == "up")
    for worker in parent.workers:
        worker.hall()
    parent.settle()
    first = parent.workers[0]
    assert sorted(text for text in first.texts if text in spoken) == sorted(spoken)
    assert len(set(first.texts)) == len(first.texts)
    running = {f"session of {worker.server}" for worker in parent.workers if worker.seat is not None}
    for worker in parent.workers:
        assert worker.hall().room.image() == first.hall().room.image()
        assert not worker.hall().replica.pending
        assert set(worker.hall().room.sessions) == running


def test_a_room_is_the_same_for_who_comes_late_however_much_was_said(monkeypatch):
    monkeypatch.setattr(room_logs, "KEPT_ENTRIES", 5)
    monkeypatch.setattr("vivavoce.server.workers.room_relay.KEPT_ENTRIES", 5)
    parent = Parent()
    speaker = parent.workers[0]
    speaker.join()
    for number in range(100):
        speaker.say(f"line {number}")
        parent.settle()
    assert len(parent.logs._logs["hall"].entries) <= 10
    late = parent.workers[1]
    late.hall()
    parent.settle()
    assert late.texts == [f"line {number}" for number in range(100)]


def test_an_unfinished_turn_is_shown_at_other_workers():
    parent = Parent()
    speaker, other, third = parent.workers
    speaker.join()
    other.hall()
    parent.settle()
    speaker.say("first", ended=True)
    speaker.say("second is not", ended=False)
    parent.settle()
    speaker.say("second is not over", ended=False)
    parent.settle()
    shown = [f"{each.stable} {each.tail}".strip() for each in other.hall().room.partials]
    assert shown == ["second is not over"]
    assert "hall" not in third.relay._links


def test_a_room_that_nobody_follows_is_kept_for_a_while():
    parent = Parent()
    speaker = parent.workers[0]
    speaker.join()
    speaker.say("words")
    parent.settle()
    parent.kill(0)
    parent.now = 99.0
    parent.workers[1].rooms.enter("other")
    parent.settle()
    assert len(parent.logs) == 1
    parent.now = 101.0
    parent.workers[2].rooms.enter("other")
    parent.settle()
    assert len(parent.logs) == 0


def test_the_first_key_has_a_room_that_nobody_has_opened_yet():
    logs = RoomLogs(lambda *_: None, keep_s=100.0)
    assert logs.claim("hall", b"a", 0.0)
    assert logs.claim("hall", b"a", 1.0)
    assert not logs.claim("hall", b"b", 1.0)
    assert logs.claim("stage", b"b", 1.0)
    assert logs.claim("hall", b"b", 10.1)  # the first one did not come
    logs.append("hall", [b"entry"], 11.0)
    assert logs.claim("hall", b"a", 12.0)  # its copies say no


def test_a_worker_that_leaves_a_room_hears_no_more_of_it():
    told = []
    logs = RoomLogs(lambda *message: told.append(message), keep_s=100.0)
    logs.begin(0, "w0")
    logs.begin(1, "w1")
    logs.follow(0, "hall", 0.0)
    logs.follow(1, "hall", 0.0)
    logs.leave(1, "hall")
    told.clear()
    logs.append("hall", [b"x"], 0.0)
    logs.glimpse(0, "hall", b"y")
    assert told == [(0, "room_entries", "hall", 1, [b"x"])]
