"""Deadlines of a session: no server can make its user wait without end."""

import json

import pytest

from support.scripted_server import begins
from vivavoce.client.backoff import Reconnect
from vivavoce.client.deadlines import Deadlines, Expiry
from vivavoce.client.realtime_core import RealtimeCore
from vivavoce.client.timeouts import Timeouts
from vivavoce.errors import ConnectError
from vivavoce.types import Encoding

TIMEOUTS = Timeouts(begin_s=5.0, open_s=7.0, close_s=4.0)
BEGINS = json.dumps(begins())
SECOND = bytes(32_000)


class Session:
    """A core and its deadlines, driven by hand."""

    def __init__(self, *, reconnect=None):
        self.core = RealtimeCore(
            where="ws://example", sample_rate=16_000, encoding=Encoding.PCM_S16LE, reconnect=reconnect
        )
        self.deadlines = Deadlines(TIMEOUTS)
        self.deadlines.start(0.0)

    def connect(self, now):
        self.core.dial_succeeded()
        self.deadlines.connected(now)

    def receive(self, now, message=BEGINS):
        self.core.receive_message(message)
        self.deadlines.received(now, has_pending_error=self.core.has_pending_error)

    def send(self, now, audio=b""):
        if audio:
            self.core.send_audio(audio)
        while self.core.next_outgoing(now) is not None:
            self.deadlines.sent(now, self.core.sent_s)

    def terminate(self, now):
        self.core.terminate()
        self.deadlines.observe(self.core, now)
        self.send(now)
        self.deadlines.observe(self.core, now)

    def next(self):
        """Time of the next deadline, and what has not happened then."""
        at = self.deadlines.next_at(self.core)
        if at is None:
            return None
        assert self.deadlines.passed(self.core, at - 0.001) is None
        return pytest.approx(at), self.deadlines.passed(self.core, at)


def opened(*, reconnect=None):
    session = Session(reconnect=reconnect)
    session.connect(0.0)
    session.receive(1.0)
    return session


def test_there_is_none_before_a_connection_and_none_in_an_open_session():
    assert Session().next() is None
    assert opened().next() is None


def test_a_session_must_begin_in_time():
    session = Session()
    session.connect(1.0)
    assert session.next() == (6.0, Expiry.BEGIN)


def test_connecting_and_beginning_share_one_limit():
    session = Session()
    session.connect(3.0)
    assert session.next() == (7.0, Expiry.BEGIN)


def test_another_connection_that_does_not_begin_is_one_that_does_not_respond():
    session = opened(reconnect=Reconnect())
    session.core.receive_close(1006, "")
    session.connect(100.0)
    assert session.next() == (105.0, Expiry.RESPONSE)


def test_an_error_message_waits_half_a_second_for_its_close_frame():
    session = opened()
    session.receive(10.0, '{"error": "hiccup"}')
    assert session.next() == (10.5, Expiry.CLOSE_FRAME)
    session.receive(10.2, '{"error": "again"}')
    assert session.next() == (10.5, Expiry.CLOSE_FRAME)
    session.core.expire_pending_error()
    session.deadlines.pending_error_expired()
    assert session.next() is None
    session.receive(20.0, '{"error": "later"}')
    assert session.next() == (20.5, Expiry.CLOSE_FRAME)


def test_the_end_must_come_in_time_after_the_latest_progress():
    session = opened()
    session.terminate(10.0)
    assert session.next() == (14.0, Expiry.CLOSE)
    session.receive(12.0, '{"message_type": "New"}')
    assert session.next() == (14.0, Expiry.CLOSE)  # all was sent at 10, in real time: no more is due


def test_a_request_to_end_that_can_not_be_sent_has_a_limit_too():
    session = opened()
    session.core.send_audio(SECOND)
    session.core.terminate()
    session.deadlines.observe(session.core, 10.0)
    assert session.next() == (14.0, Expiry.CLOSE)
    session.receive(12.0, '{"message_type": "New"}')
    assert session.next() == (16.0, Expiry.CLOSE)


@pytest.mark.parametrize(("sent_s", "longest_s"), [(1, 4.0), (16, 4.0 + 3.0), (70, 4.0 + 4.0)])
def test_a_server_that_was_sent_audio_ahead_of_the_clock_has_more_time(sent_s, longest_s):
    session = opened()
    session.send(10.0, SECOND * sent_s)
    session.terminate(10.0)
    assert session.next() == (10.0 + longest_s, Expiry.CLOSE)


def test_a_server_that_makes_progress_without_end_has_a_limit():
    session = opened()
    session.send(10.0, SECOND * 30)  # 20 s ahead
    session.terminate(10.0)
    for now in range(10, 54, 2):
        session.receive(float(now), '{"message_type": "New"}')
    assert session.next() == (10.0 + 4.0 + 40.0, Expiry.CLOSE)


def test_a_kept_session_tries_another_connection_before_it_is_given_up():
    session = opened(reconnect=Reconnect())
    session.terminate(10.0)
    assert session.next() == (13.0, Expiry.RESPONSE)
    assert session.deadlines.passed(session.core, 14.0) is Expiry.CLOSE


def test_a_session_that_is_over_has_none():
    session = opened()
    session.terminate(10.0)
    session.core.drop()
    assert session.next() is None
    failed = Session()
    failed.core.dial_failed(ConnectError("no server"))
    assert failed.next() is None
