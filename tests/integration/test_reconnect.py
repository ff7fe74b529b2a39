"""Sessions over a network that breaks: nothing hangs, no word is lost, the end is one event."""

import asyncio
import dataclasses
import socket
import threading
import time

import numpy as np
import pytest

import vivavoce
from support.faulty_proxy import Break, Fault, FaultyProxy
from support.scripted_engine import pcm, silence, speech
from support.servers import scripted_server
from support.time_limit import HANG_S, time_limit
from vivavoce.client import connect, realtime

RATE = 16_000
# Three turns: their words, and the pauses that end them.
TURNS = [(0, 1, 2), (3, 4), (5, 6, 7)]
SOUND = np.concatenate([part for words in TURNS for part in (silence(6), speech(*words), silence(45))])
DATA = pcm(SOUND)
KEEP = vivavoce.Reconnect(first_delay_s=0.02, longest_delay_s=0.1)  # a busy server is not a stalled one
STALLS = vivavoce.Reconnect(first_delay_s=0.02, longest_delay_s=0.1, stall_s=0.6)
UP_BYTES = 240_000  # of a whole session, about
DOWN_BYTES = 2_500


@pytest.fixture(autouse=True)
def limit():
    """No session hangs."""
    with time_limit(120):
        yield


@pytest.fixture(scope="module")
def server():
    with scripted_server(max_lead_s=None) as it:
        yield it


def rule_for(place):
    return STALLS if place.fault is Fault.STALL else KEEP


def chunks(size=3_200):
    return [DATA[at : at + size] for at in range(0, len(DATA), size)]


@pytest.fixture
def hasty(monkeypatch):
    """Lets a closing session give up early."""
    timeouts = connect.Timeouts
    monkeypatch.setattr(connect, "Timeouts", lambda **given: timeouts(**(given | {"close_s": 2.0})))


def words_of(events):
    return [
        (event.turn_order, word.text, word.start, word.end)
        for event in events
        if isinstance(event, vivavoce.TurnEvent) and event.end_of_turn
        for word in event.words
    ]


def send_all_and_close(session):
    session.send(chunks())
    session.close()


def run_session(url, *, pace_s=0.0, reconnect=KEEP):
    """Send all audio in one session; return its events."""
    with vivavoce.connect(url=url, reconnect=reconnect) as session:
        for chunk in chunks():
            session.send(chunk)
            if pace_s:
                time.sleep(pace_s)
        session.end()
        return list(session.events())


@pytest.fixture(scope="module")
def undisturbed(server):
    words = words_of(run_session(server.base_url))
    assert [text for _, text, _, _ in words] == [
        "Alpha", "bravo.", "Charlie,", "delta", "echo?", "Foxtrot", "golf!", "hotel"
    ]  # fmt: skip
    return words


def assert_same_events(events, undisturbed):
    words = words_of(events)
    assert [word[:2] for word in words] == [word[:2] for word in undisturbed]
    for ours, theirs in zip(words, undisturbed, strict=True):
        assert ours[2] == pytest.approx(theirs[2], abs=40)  # a frame of the detector, and rounding
        assert ours[3] == pytest.approx(theirs[3], abs=40)
    starts = [word[2] for word in words]
    assert starts == sorted(starts)
    assert sum(isinstance(event, vivavoce.ClosedEvent) for event in events) == 1
    assert isinstance(events[-1], vivavoce.ClosedEvent)
    assert events[-1].code == 1000
    assert sum(isinstance(event, vivavoce.BeginEvent) for event in events) == 1


LOUD = (Fault.DROP, Fault.FINISH)
PLACES = [
    *(Break(fault, at) for fault in LOUD for at in range(700, UP_BYTES, 21_007)),
    *(Break(fault, at, upstream=False) for fault in LOUD for at in range(700, DOWN_BYTES, 211)),
    *(Break(Fault.STALL, at) for at in range(700, UP_BYTES, 80_001)),
    *(Break(Fault.STALL, at, upstream=False) for at in range(700, DOWN_BYTES, 901)),
]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_no_word_is_lost_wherever_the_connection_breaks(server, undisturbed, place):
    with FaultyProxy(server.base_url, place) as proxy:
        events = run_session(proxy.url, reconnect=rule_for(place))
    assert_same_events(events, undisturbed)
    reconnected = [event for event in events if isinstance(event, vivavoce.ReconnectedEvent)]
    assert proxy.broken == 1
    assert len(reconnected) == proxy.connections - 1
    assert all(event.lost_ms == 0 for event in reconnected)


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.FINISH])
def test_no_word_is_lost_when_the_connection_breaks_again_and_again(server, undisturbed, fault):
    breaks = [Break(fault, at, upstream=at % 2 == 0) for at in (40_000, 1_001, 90_000, 60_000, 1_501)]
    with FaultyProxy(server.base_url, *breaks) as proxy:
        events = run_session(proxy.url, pace_s=0.01)
    assert proxy.connections > 2
    assert_same_events(events, undisturbed)


def test_the_asynchronous_front_does_the_same(server, undisturbed):
    async def talk(url):
        async with vivavoce.connect_async(url=url, reconnect=KEEP) as session:
            await session.send(chunks())
            await session.end()
            return [event async for event in session.events()]

    for place in (Break(Fault.DROP, 100_000), Break(Fault.FINISH, 1_500, upstream=False)):
        with FaultyProxy(server.base_url, place) as proxy:
            assert_same_events(asyncio.run(talk(proxy.url)), undisturbed)
        assert proxy.broken == 1


def test_events_come_in_order(server):
    with FaultyProxy(server.base_url, Break(Fault.DROP, 100_000)) as proxy:
        events = run_session(proxy.url)
    kinds = [event.type for event in events if event.type != "Turn"]
    assert kinds == ["Begin", "Reconnecting", "Reconnected", "Termination", "Closed"]
    reconnecting = next(event for event in events if event.type == "Reconnecting")
    assert (reconnecting.attempt, reconnecting.delay_s) == (1, 0.0)
    assert "lost" in reconnecting.reason
    assert next(event for event in events if event.type == "Termination").audio_duration_seconds == 8


def test_parameters_apply_to_the_next_connection(server):
    with (
        FaultyProxy(server.base_url, Break(Fault.DROP, 60_000)) as proxy,
        vivavoce.connect(url=proxy.url, reconnect=KEEP) as session,
    ):
        session.update(format_turns=False)
        session.send(chunks())
        session.end()
        turns = [turn.transcript for turn in session if turn.end_of_turn]
    assert proxy.broken == 1
    assert turns == ["alpha bravo charlie", "delta echo", "foxtrot golf hotel"]


def test_the_error_of_a_lost_session_has_the_length_of_the_lost_audio(server):
    with FaultyProxy(server.base_url, *[Break(Fault.DROP, 30_000)] * 9) as proxy:
        rule = vivavoce.Reconnect(attempts=3, first_delay_s=0.01, longest_delay_s=0.02)
        session = vivavoce.connect(url=proxy.url, reconnect=rule)
        with pytest.raises(vivavoce.SessionLostError) as caught:
            send_all_and_close(session)
        error = caught.value
        assert error.status_code == 1006
        assert 0 < error.lost_ms <= len(DATA) // 32
        assert f"{error.lost_ms / 1000:.1f} s of audio were not transcribed" in str(error)
        session.close()  # the error is raised once
        with pytest.raises(vivavoce.RealtimeError):
            session.send(b"")
        assert session.closed.code == 1006
    assert proxy.connections == 4


def test_nothing_is_lost_by_giving_up_after_the_last_turn(server):
    with FaultyProxy(server.base_url, *[Break(Fault.DROP, 2_800, upstream=False)] * 9) as proxy:
        session = vivavoce.connect(url=proxy.url, reconnect=vivavoce.Reconnect(attempts=1))
        session.send(chunks())
        session.end()
        assert len([turn for turn in session.events() if turn.type == "Turn" and turn.end_of_turn]) == 3


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("at", [0, 80, 250])
def test_a_connection_that_breaks_in_the_handshake_raises(server, fault, at):
    broken = Break(fault, at, upstream=False)
    with FaultyProxy(server.base_url, broken) as proxy, pytest.raises(vivavoce.ConnectError):
        vivavoce.connect(url=proxy.url, timeout_s=0.7)


@pytest.mark.parametrize("fault", list(Fault))
def test_without_reconnecting_a_lost_connection_is_an_error_and_no_hang(server, hasty, fault):
    with FaultyProxy(server.base_url, Break(fault, 60_000)) as proxy:
        session = vivavoce.connect(url=proxy.url, reconnect=None)
        with pytest.raises(vivavoce.RealtimeError) as caught:
            send_all_and_close(session)
        assert not isinstance(caught.value, vivavoce.SessionLostError)
        events = list(session.events())
    assert [event.type for event in events][-1] == "Closed"
    assert sum(event.type == "Closed" for event in events) == 1


def test_closing_while_the_network_is_gone_is_bounded(server, hasty):
    with FaultyProxy(server.base_url, *[Break(Fault.STALL, 2_000)] * 99) as proxy:
        rule = dataclasses.replace(STALLS, attempts=2)
        session = vivavoce.connect(url=proxy.url, reconnect=rule, timeout_s=0.5)
        with pytest.raises(vivavoce.SessionLostError):
            send_all_and_close(session)
    assert proxy.connections == 3


def test_audio_waits_in_the_session_while_the_network_is_gone(server, undisturbed):
    with FaultyProxy(server.base_url, *[Break(Fault.STALL, 2_000)] * 3) as proxy:
        session = vivavoce.connect(url=proxy.url, reconnect=STALLS)
        send_all_and_close(session)
        assert proxy.connections == 4
    assert_same_events(list(session.events()), undisturbed)


def test_a_restarted_server_continues_the_session(undisturbed):
    events, has_turn = [], threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with scripted_server(max_lead_s=None, port=port, finish_s=30.0) as first:
        rule = vivavoce.Reconnect(attempts=10_000, first_delay_s=0.02, longest_delay_s=0.1)
        session = vivavoce.connect(url=first.base_url, reconnect=rule)
        half = DATA.index(bytes(20_000), 60_000) + 10_000  # in a pause: a server that goes ends the turn
        session.send(DATA[:half])

        def read():
            for event in session.events():
                events.append(event)
                if event.type == "Turn":
                    has_turn.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert has_turn.wait(HANG_S)
    with scripted_server(max_lead_s=None, port=port):
        session.send(DATA[half:])
        session.close()
        reader.join(HANG_S)
    assert any(event.type == "Reconnected" for event in events)
    assert [word[1] for word in words_of(events)] == [word[1] for word in undisturbed]


# --- the transcriber of Realtime v2 --------------------------------------------------------------


class Program:
    """A program that sends all audio, and what its handlers received."""

    def __init__(self, url, *, reconnect=KEEP, pace_s=0.0):
        self.words, self.errors, self.ends, self.reconnects = [], [], [], []
        transcriber = vivavoce.RealtimeTranscriber(
            on_data=self._receive,
            on_error=self.errors.append,
            on_close=lambda code, reason: self.ends.append((code, reason)),
            on_reconnect=self.reconnects.append,
            sample_rate=RATE,
            reconnect=reconnect,
            client=vivavoce.Client(settings=vivavoce.Settings(base_url=url)),
        )
        transcriber.connect()
        try:
            for chunk in chunks():
                transcriber.stream(chunk)
                time.sleep(pace_s)
        except vivavoce.RealtimeError as error:
            self.raised = error
        transcriber.close()

    def _receive(self, transcript):
        if isinstance(transcript, vivavoce.RealtimeFinalTranscript):
            assert transcript.text == " ".join(word.text for word in transcript.words)
            self.words += [(word.text, word.start, word.end) for word in transcript.words]


@pytest.fixture(scope="module")
def undisturbed_v2(server, undisturbed):
    program = Program(server.base_url)
    assert [text for text, _, _ in program.words] == [text for _, text, _, _ in undisturbed]
    assert (program.errors, program.ends, program.reconnects) == ([], [(1000, "")], [])
    return program.words


def assert_same_transcript(program, undisturbed):
    assert [word[0] for word in program.words] == [word[0] for word in undisturbed]
    for ours, theirs in zip(program.words, undisturbed, strict=True):
        assert ours[1:] == pytest.approx(theirs[1:], abs=40)
    assert (program.errors, program.ends) == ([], [(1000, "")])


V2_DOWN_BYTES = 1_300  # what comes however many partials there is time for
V2_PLACES = [
    *(Break(fault, at) for fault in LOUD for at in range(700, UP_BYTES, 40_009)),
    *(Break(fault, at, upstream=False) for fault in LOUD for at in range(400, V2_DOWN_BYTES, 173)),
    *(Break(Fault.STALL, at) for at in range(700, UP_BYTES, 110_001)),
    *(Break(Fault.STALL, at, upstream=False) for at in range(400, V2_DOWN_BYTES, 701)),
]


@pytest.mark.parametrize("place", V2_PLACES, ids=str)
def test_no_word_of_v2_is_lost_wherever_the_connection_breaks(server, undisturbed_v2, place):
    with FaultyProxy(server.base_url, place) as proxy:
        program = Program(proxy.url, reconnect=rule_for(place))
    assert proxy.broken == 1
    assert_same_transcript(program, undisturbed_v2)
    kinds = [event.type for event in program.reconnects]
    assert kinds == ["Reconnecting", "Reconnected"] * (proxy.connections - 1)


def test_no_word_of_v2_is_lost_when_it_breaks_again_and_again(server, undisturbed_v2):
    breaks = [Break(Fault.DROP, at, upstream=at % 2 == 0) for at in (40_000, 2_001, 90_000, 60_000, 2_501)]
    with FaultyProxy(server.base_url, *breaks) as proxy:
        program = Program(proxy.url, pace_s=0.01)
    assert proxy.connections > 2
    assert_same_transcript(program, undisturbed_v2)


def test_a_lost_session_of_v2_is_one_error_with_the_length_of_the_lost_audio(server):
    rule = vivavoce.Reconnect(attempts=3, first_delay_s=0.01, longest_delay_s=0.02)
    with FaultyProxy(server.base_url, *[Break(Fault.DROP, 30_000)] * 9) as proxy:
        program = Program(proxy.url, reconnect=rule, pace_s=0.01)
    assert proxy.connections == 4
    (error,) = program.errors
    assert isinstance(error, vivavoce.SessionLostError)
    assert program.raised is error
    assert 0 < error.lost_ms <= len(DATA) // 32
    assert program.ends == [(1006, str(error))]


@pytest.mark.parametrize("fault", list(Fault))
def test_without_reconnecting_v2_ends_with_one_error_and_one_close(server, monkeypatch, fault):
    monkeypatch.setattr(realtime, "CLOSE_LIMIT_S", 2.0)
    with FaultyProxy(server.base_url, Break(fault, 60_000)) as proxy:
        program = Program(proxy.url, reconnect=None)
    (error,) = program.errors
    assert not isinstance(error, vivavoce.SessionLostError)
    assert program.ends == [(1006, str(error))]
