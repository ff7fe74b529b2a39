"""The short interface without asyncio."""

import asyncio
import os
import threading

import pytest

import vivavoce
from support.simulated_network import WORD, Connection, Network, echoes, is_dead, is_quick
from support.time_limit import time_limit
from vivavoce.client.transport import ConnectionEnded


@pytest.fixture(autouse=True)
def limit():
    with time_limit(30):
        yield


def connect(*servers, connection=Connection, reconnect=None, **options):
    return vivavoce.connect(
        transport=Network(*servers, connection=connection), reconnect=reconnect, **options
    )


def texts(turns):
    return [turn.transcript for turn in turns if turn.end_of_turn]


def test_turns_of_a_source():
    with connect(is_quick) as session:
        assert session.is_open
        assert session.began.id == "slow"
        assert session.closed is None
        assert texts(session.transcribe([WORD] * 3)) == ["All of it."]
        assert not session.is_open
    assert session.closed.code == 1000


def test_events_end_with_the_close():
    session = connect(is_quick)
    session.end()
    assert [event.type for event in session.events()] == ["Begin", "Turn", "Termination", "Closed"]
    session.close()


def test_the_exception_of_a_source_is_raised_after_the_last_turn():
    def source():
        yield WORD
        raise OSError("unplugged")

    with connect(is_quick) as session:
        turns = session.transcribe(source())
        assert next(turns).transcript == "All of it."
        with pytest.raises(OSError, match="unplugged"):
            next(turns)


class Source:
    """A source without end, until it is interrupted."""

    def __init__(self):
        self.interrupted = threading.Event()

    def __iter__(self):
        yield WORD
        self.interrupted.wait()

    def interrupt(self):
        self.interrupted.set()


def interrupted_once(session, monkeypatch, *, times=1):
    """Let the next waits for an event be interrupted by Ctrl-C."""
    real, left = session.next_event, [None] * times

    def next_event():
        if left:
            left.pop()
            raise KeyboardInterrupt
        return real()

    monkeypatch.setattr(session, "next_event", next_event)


def test_ctrl_c_ends_a_source_and_keeps_its_turns(monkeypatch):
    session = connect(is_quick)
    interrupted_once(session, monkeypatch)
    assert texts(session.transcribe(Source())) == ["All of it."]


def test_another_ctrl_c_ends_the_program(monkeypatch):
    session = connect(is_quick)
    interrupted_once(session, monkeypatch, times=2)
    source = Source()
    with pytest.raises(KeyboardInterrupt):
        list(session.transcribe(source))
    assert source.interrupted.is_set()
    session.drop()


def test_ctrl_c_ends_the_program_if_the_source_has_no_interrupt(monkeypatch):
    session = connect(is_quick)
    interrupted_once(session, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        list(session.transcribe([WORD]))
    session.drop()


def test_leaving_the_block_by_an_exception_waits_for_no_turn():
    with pytest.raises(KeyError), connect(is_dead, close_timeout_s=60.0) as session:
        raise KeyError
    assert session.closed.code == 1000


def test_the_error_of_a_session_is_raised_once():
    async def fails(connection):
        connection.say({"type": "Error", "error_code": 3005, "error": "it broke"})
        connection.hang_up(3005)

    session = connect(fails)
    with pytest.raises(vivavoce.RealtimeError, match="it broke"):
        list(session)
    session.close()
    with pytest.raises(vivavoce.RealtimeError, match="it broke"):
        session.send(WORD)
    with pytest.raises(vivavoce.RealtimeError, match="it broke"):
        session.force_endpoint()


@pytest.mark.parametrize("error", [ValueError("mine"), KeyError("mine")])
def test_an_exception_of_the_transport_is_raised_by_connect(error):
    with pytest.raises(type(error), match="mine"):
        connect(error)


def test_an_exception_of_an_open_connection_is_the_error_of_the_session():
    class Broken(Connection):
        async def send(self, message):
            self.messages.put_nowait(None)

        async def receive(self):
            message = await super().receive()
            if message is None:
                raise ValueError("mine")
            return message

    session = connect(is_dead, connection=Broken)
    session.send(WORD)
    with pytest.raises(vivavoce.RealtimeError, match=r"the session broke: ValueError\('mine'\)"):
        list(session)
    assert session.next_event() is None


def test_controls_are_sent():
    with connect(echoes) as session:
        session.update(max_turn_silence=800)
        session.keep_alive()
        session.force_endpoint()
        turns = session.transcribe([])
        *_, last = texts(turns)
    assert last == "4"
    with pytest.raises(vivavoce.ConfigurationError, match="at least one option"):
        session.update()


def test_what_is_not_audio_is_refused():
    async def endless():
        yield WORD

    with connect(is_quick) as session:
        with pytest.raises(TypeError, match="connect_async"):
            session.send(endless())
        with pytest.raises(TypeError, match="int"):
            session.send(7)


def test_a_source_is_left_when_another_thread_closes_the_session():
    session = connect(is_quick)
    sent = []

    def source():
        while True:
            sent.append(1)
            yield WORD
            if len(sent) == 3:
                session.end()

    session.send(source())
    assert len(sent) == 4
    session.close()


def test_connecting_is_interrupted(monkeypatch):
    def wait_for(self, predicate, timeout=None):
        raise KeyboardInterrupt

    class Never(Network):
        async def __call__(self, url, headers, **_):
            await asyncio.Event().wait()

    monkeypatch.setattr(threading.Condition, "wait_for", wait_for)
    with pytest.raises(KeyboardInterrupt):
        vivavoce.connect(transport=Never(), reconnect=None)


def test_a_connection_that_ends_is_an_error_without_reconnecting():
    class Ends(Connection):
        async def send(self, message):
            raise ConnectionEnded(1011, "")

    async def hangs_up(connection):
        await connection.news.wait()

    session = connect(hangs_up, connection=Ends, close_timeout_s=0.1)
    session.send(WORD)
    with pytest.raises(vivavoce.RealtimeError):
        session.close()


def test_a_session_belongs_to_the_process_that_opened_it(monkeypatch):
    session, owner = connect(is_dead), os.getpid()
    lock = session._changed
    lock.acquire()  # as another thread held it at fork()
    monkeypatch.setattr(os, "getpid", lambda: owner + 1)
    calls = {
        "send": lambda: session.send(WORD),
        "send of an iterable": lambda: session.send([WORD]),
        "update": lambda: session.update(max_turn_silence=800),
        "force_endpoint": session.force_endpoint,
        "keep_alive": session.keep_alive,
        "next_event": session.next_event,
    }
    for call in calls.values():
        with pytest.raises(
            vivavoce.RealtimeError, match=f"belongs to process {owner}; open one in"
        ) as caught:
            call()
        assert isinstance(caught.value, RuntimeError)
    for call in (session.end, session.close, session.drop, session.wait):
        call()
    monkeypatch.undo()
    lock.release()
    assert session.is_open
    session.drop()


class Fast(list):
    """Pieces of audio from a microphone of another rate."""

    sample_rate = 44_100


def test_a_source_of_another_rate_is_refused():
    with connect(is_dead) as session:
        with pytest.raises(vivavoce.ConfigurationError, match=r"44100 Hz.*16000 Hz"):
            session.send(Fast([WORD]))
        assert not session._core._outgoing
        with pytest.raises(vivavoce.ConfigurationError, match=r"44100 Hz.*16000 Hz"):
            list(session.transcribe(Fast([WORD])))
        session.drop()
