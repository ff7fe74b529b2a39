"""A v3 session without a socket, a thread or a clock."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.client.backoff import Reconnect
from vivavoce.client.event_queue import MANY
from vivavoce.client.events import (
    BeginEvent,
    ClosedEvent,
    ReconnectedEvent,
    ReconnectingEvent,
    TerminationEvent,
    TurnEvent,
)
from vivavoce.client.stream_core import MAX_BACKLOG, SessionState, StreamCore
from vivavoce.errors import ConnectError, RealtimeError, RefusedError, SessionLostError, SessionRefusedError
from vivavoce.protocol.aai_v3.choices import StreamEncoding

RATE = 16_000
MS = 32  # bytes
WHERE = "ws://127.0.0.1:8765"
BEGIN = '{"type": "Begin", "id": "first", "expires_at": 1900000000}'
AGAIN = '{"type": "Begin", "id": "second", "expires_at": 1900000000}'
TERMINATE = '{"type":"Terminate"}'
FORCE = '{"type":"ForceEndpoint"}'
RULE = Reconnect(attempts=3, first_delay_s=1.0, longest_delay_s=3.0)


def turn(order, *words, ended=False, **fields):
    return json.dumps(
        {
            "type": "Turn",
            "turn_order": order,
            "turn_is_formatted": ended,
            "end_of_turn": ended,
            "transcript": " ".join(text for text, _, _ in words),
            "end_of_turn_confidence": 0.5,
            "words": [
                {"text": text, "start": start, "end": end, "confidence": 0.9, "word_is_final": ended}
                for text, start, end in words
            ],
        }
        | fields
    )


def new_core(reconnect=RULE, encoding=StreamEncoding.pcm_s16le, channels=1):
    return StreamCore(
        where=WHERE, sample_rate=RATE, encoding=encoding, channels=channels, reconnect=reconnect
    )


def open_core(**options):
    core = new_core(**options)
    core.dial_succeeded()
    core.receive_message(BEGIN)
    events(core)
    return core


def events(core):
    return list(iter(core.take_event, None))


def outgoing(core, now=0.0):
    return list(iter(lambda: core.next_outgoing(now), None))


def sound(milliseconds, first=0):
    return bytes((first + index // MS) % 251 for index in range(milliseconds * MS))


# --- opening ---------------------------------------------------------------------------------


def test_a_session_begins():
    core = new_core()
    assert (core.state, core.delay_s) == (SessionState.DIALLING, 0.0)
    with pytest.raises(RealtimeError, match=r"connect\(\) first"):
        core.send_audio(b"ab")
    core.dial_succeeded()
    assert (core.state, core.delay_s) == (SessionState.OPENING, None)
    core.receive_message(BEGIN)
    assert core.state is SessionState.OPEN
    (begin,) = events(core)
    assert (begin.id, begin.expires_at.year, begin.expires_at.tzinfo is not None) == ("first", 2030, True)
    assert core.began is begin


@pytest.mark.parametrize(
    ("happens", "kind"),
    [
        (lambda core: core.receive_close(1008, "Missing Authorization header"), RefusedError),
        (lambda core: core.receive_close(3009, "Too many"), RefusedError),
        (lambda core: core.receive_close(1011, ""), ConnectError),
        (lambda core: core.receive_message("}"), ConnectError),
        (lambda core: core.give_up("no answer"), ConnectError),
        (lambda core: core.terminate(), ConnectError),
        (lambda core: core.drop(), ConnectError),
    ],
)
def test_a_session_that_never_began_is_an_error_without_events(happens, kind):
    core = new_core()
    core.dial_succeeded()
    happens(core)
    assert type(core.error) is kind
    assert core.is_finished
    assert events(core) == []
    assert core.closed is None


def test_a_failed_dial_is_the_error():
    core = new_core()
    error = ConnectError("no server")
    core.dial_failed(error)
    assert core.error is error
    assert core.is_finished


def test_a_refusal_says_what_to_do_about_the_key():
    core = new_core()
    core.dial_succeeded()
    core.receive_message('{"type": "Error", "error_code": 1008, "error": "Unauthorized Connection: no key"}')
    core.receive_close(1008, "Unauthorized")
    assert "no key" in str(core.error)
    assert "VIVAVOCE_API_KEY" in str(core.error)
    assert core.error.code == 1008


# --- sending ---------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 9_000), max_size=30))
def test_any_pieces_become_legal_chunks_of_the_same_bytes(pieces):
    core = open_core()
    data = sound(sum(pieces) // MS + 1)[: sum(pieces)]
    start, sent = 0, []
    for length in pieces:
        core.send_audio(data[start : start + length])
        start += length
        sent += outgoing(core)
    core.terminate()
    *tail, last = outgoing(core)
    assert last == TERMINATE
    for chunk in sent:
        assert 50 <= len(chunk) / MS <= 1000
    assert b"".join(sent + tail) == data[: len(data) // 2 * 2]


def test_compressed_audio_is_sent_as_it_comes():
    core = open_core(encoding=StreamEncoding.opus)
    core.send_audio(b"packet")
    core.send_audio(b"p")
    assert outgoing(core) == [b"packet", b"p"]
    assert not core.can_reconnect


def test_a_full_queue_is_reported():
    core = open_core()
    core.send_audio(sound(50 * MAX_BACKLOG - 50))
    assert not core.is_full
    core.send_audio(sound(50))
    assert core.is_full
    core.next_outgoing(0.0)
    assert not core.is_full


def test_control_messages():
    core = open_core()
    core.force_endpoint()
    core.update({"max_turn_silence": 900})
    core.terminate()
    core.terminate()
    assert outgoing(core) == [FORCE, '{"max_turn_silence":900,"type":"UpdateConfiguration"}', TERMINATE]
    with pytest.raises(RealtimeError, match="closed"):
        core.force_endpoint()


# --- messages --------------------------------------------------------------------------------


def test_an_invalid_message_does_not_end_the_session(caplog):
    core = open_core()
    with caplog.at_level(logging.WARNING):
        for text in ("}", "[]", '{"type": "Turn"}', b"\xff", '{"type": "New"}', '{"type": "Newer"}'):
            core.receive_message(text)
    assert events(core) == []
    assert core.state is SessionState.OPEN
    assert len(caplog.records) == 5, "unknown types are logged once"


def test_fields_that_a_server_leaves_out_have_defaults():
    core = open_core()
    core.receive_message('{"type": "Turn", "turn_order": 0, "end_of_turn": false, "more": [1]}')
    (event,) = events(core)
    assert (event.text, event.words, event.start, event.end) == ("", [], None, None)


def test_the_text_of_a_turn_has_the_words_that_may_still_change():
    core = open_core()
    core.receive_message(turn(0, ("it", 0, 90), ("was", 100, 190), transcript="it"))
    (event,) = events(core)
    assert (event.text, event.transcript) == ("it was", "it")
    assert json.loads(event.model_dump_json())["words"][1]["text"] == "was"
    assert event.model_dump()["turn_order"] == 0


def test_unread_partials_do_not_pile_up_and_no_final_is_lost():
    core = open_core()
    for order in range(200):
        for _ in range(5):
            core.receive_message(turn(order, ("a", 0, 1)))
        core.receive_message(turn(order, ("a", 0, 1), ended=True))
    found = events(core)
    assert len(found) < MANY + 2 * 200
    assert [event.turn_order for event in found if event.end_of_turn] == list(range(200))


# --- ends ------------------------------------------------------------------------------------


def test_a_good_end():
    core = open_core()
    core.terminate()
    outgoing(core)
    assert core.is_drained
    core.receive_message(turn(0, ("bye", 0, 9), ended=True))
    core.receive_message('{"type": "Termination", "audio_duration_seconds": 3}')
    core.receive_close(1006, "")
    received = events(core)
    assert [type(event) for event in received] == [TurnEvent, TerminationEvent, ClosedEvent]
    assert core.closed == ClosedEvent(code=1000, reason="")
    assert core.error is None


def test_an_error_and_the_close_after_it_are_one_error():
    core = open_core(reconnect=None)
    core.receive_message('{"type": "Error", "error_code": 3007, "error": "Input Duration Error: 25 ms"}')
    assert core.has_pending_error
    core.receive_close(3007, "See Error message for details")
    error, closed = events(core)
    assert (str(error), error.code) == ("Input Duration Error: 25 ms", 3007)
    assert (closed.code, closed.reason) == (3007, "Input Duration Error: 25 ms")
    with pytest.raises(RealtimeError) as caught:
        core.send_audio(b"")
    assert caught.value is core.error


@pytest.mark.parametrize("message", ['{"type":"Error","error":"bah"}', '{"error":"bah"}'])
def test_an_error_without_a_close_ends_the_session(message):
    core = open_core(reconnect=None)
    core.receive_message(message)
    core.expire_pending_error()
    assert [str(event) for event in events(core)][:1] == ["bah"]
    assert core.is_finished


def test_a_server_that_ends_the_session_by_itself():
    core = open_core(reconnect=None)
    core.receive_message('{"type": "Termination"}')
    assert [type(event) for event in events(core)] == [TerminationEvent, ClosedEvent]
    with pytest.raises(RealtimeError, match="ended"):
        core.send_audio(b"")


# --- reconnecting ----------------------------------------------------------------------------


def lost_and_found(core, offset=0.0):
    core.receive_close(1006, "")
    assert core.delay_s is not None
    core.dial_succeeded()
    core.receive_message(AGAIN)


def test_audio_after_the_last_turn_is_replayed_and_turns_and_times_continue():
    core = open_core()
    core.send_audio(sound(3000))
    outgoing(core)
    core.receive_message(turn(0, ("one", 100, 400), ("two", 500, 1000), ended=True))
    core.receive_message(turn(1, ("thr", 2100, 2400)))
    events(core)
    core.force_endpoint()
    core.update({"max_turn_silence": 900})
    core.update({"format_turns": True})
    assert outgoing(core)[0] == FORCE
    lost_and_found(core)
    reconnecting, reconnected = events(core)
    assert isinstance(reconnecting, ReconnectingEvent)
    assert isinstance(reconnected, ReconnectedEvent)
    assert reconnected.session_id == "second"
    settings, *again = outgoing(core)
    assert json.loads(settings) == {
        "type": "UpdateConfiguration", "max_turn_silence": 900, "format_turns": True
    }  # fmt: skip
    assert again.pop() == FORCE
    audio = b"".join(again)
    assert sound(3000).endswith(audio)
    begins_ms = 3000 - len(audio) // MS
    assert 1000 <= begins_ms <= 1200, "somewhere in the pause"
    assert reconnected.replayed_ms == len(audio) // MS
    core.receive_message(turn(0, ("three", 2100 - begins_ms, 2500 - begins_ms), ended=True))
    core.receive_message(json.dumps({"type": "SpeechStarted", "timestamp": 10}))
    three, started = events(core)
    assert (three.turn_order, three.words[0].start, three.words[0].end) == (1, 2100, 2500)
    assert started.timestamp == begins_ms + 10
    core.terminate()
    core.receive_message('{"type": "Termination", "audio_duration_seconds": 2}')
    assert events(core)[0].audio_duration_seconds == 3


def test_the_frames_of_two_channels_stay_whole_and_a_lost_connection_ends_them():
    core = new_core(channels=2)
    core.dial_succeeded()
    core.receive_message(BEGIN)
    for size in (1, 6_399, 6_403, 7):
        core.send_audio(bytes(size))
    core.terminate()
    *sent, last = outgoing(core)
    assert last == TERMINATE
    assert [len(piece) for piece in sent] == [3_200] * 4 + [8]  # 50 ms each, then the rest: whole frames
    assert not core.can_reconnect
    core.receive_close(1006, "")
    assert [type(event) for event in events(core)[1:]] == [RealtimeError, ClosedEvent]


def test_a_turn_of_one_channel_does_not_replace_that_of_another():
    core = open_core(channels=2)
    for order in range(MANY):
        core.receive_message(turn(order, ("a", 0, 1), ended=True, channel=0))
    for channel in (0, 1, 1):
        core.receive_message(turn(MANY, ("b", 0, 1), channel=channel))
    assert [event.channel for event in events(core)[MANY:]] == [0, 1]


def test_unsent_audio_follows_the_replay():
    core = open_core()
    core.send_audio(sound(500))
    core.next_outgoing(0.0)
    core.terminate()
    lost_and_found(core)
    *audio, last = outgoing(core)
    assert last == TERMINATE
    assert b"".join(audio) == sound(500)


def test_audio_can_be_sent_while_there_is_no_connection():
    core = open_core()
    core.receive_close(1006, "")
    core.send_audio(sound(200))
    assert outgoing(core) == []
    core.dial_succeeded()
    core.receive_message(AGAIN)
    assert b"".join(outgoing(core)) == sound(200)


def test_it_gives_up_after_the_allowed_attempts_without_progress():
    core = open_core()
    core.send_audio(sound(1000))
    outgoing(core)
    core.receive_close(1006, "")
    for _ in range(2):
        core.dial_failed(ConnectError("no server"))
    core.send_audio(sound(530))
    assert not core.is_finished
    core.dial_failed(ConnectError("no server"))
    *_, error, closed = events(core)
    assert isinstance(error, SessionLostError)
    assert error.lost_ms == 1530
    assert "1.5 s of audio were not transcribed" in str(error)
    assert isinstance(closed, ClosedEvent)


def test_progress_resets_the_attempts():
    core = open_core()
    for place in range(6):
        core.send_audio(sound(100))
        outgoing(core)
        core.receive_message(turn(0, (str(place), 1000 * place, 1000 * place + 90)))
        lost_and_found(core)
    assert not core.is_finished


@pytest.mark.parametrize("code", [1008, 3006, 3007, 4001])
def test_permanent_failures_are_not_retried(code):
    core = open_core()
    core.receive_close(code, "no")
    assert core.is_finished
    assert core.error.code == code


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 1013, 3005, 3008, 1000])
def test_temporary_failures_are_retried(code):
    core = open_core()
    core.receive_close(code, "")
    assert core.delay_s == 0.0


def test_a_server_that_shuts_down_sends_termination_first():
    core = open_core()
    core.receive_message('{"type": "Termination"}')
    core.receive_close(1000, "")
    assert [type(event) for event in events(core)] == [ReconnectingEvent]


@given(
    st.lists(
        st.sampled_from(
            [
                ("dial_succeeded",),
                ("dial_failed", ConnectError("no server")),
                ("receive_message", BEGIN),
                ("receive_message", turn(0, ("a", 0, 9))),
                ("receive_message", turn(0, ("a", 0, 9), ended=True)),
                ("receive_message", '{"error": "e"}'),
                ("receive_message", '{"type": "Termination"}'),
                ("receive_message", "}"),
                ("receive_close", 1000, ""),
                ("receive_close", 1006, ""),
                ("receive_close", 3006, "bad"),
                ("expire_pending_error",),
                ("stall",),
                ("terminate",),
                ("drop",),
                ("give_up", "enough"),
                ("next_outgoing", 0.0),
            ]
        ),
        max_size=30,
    ),
    st.booleans(),
)
def test_the_closed_event_comes_once_and_last(steps, keep):
    core = new_core(reconnect=RULE if keep else None)
    received = []
    for name, *arguments in steps:
        getattr(core, name)(*arguments)
        received += events(core)
        assert (core.delay_s is not None) == (core.state is SessionState.DIALLING)
    closes = [event for event in received if isinstance(event, ClosedEvent)]
    assert len(closes) == (core.has_opened and core.is_finished)
    assert not closes or received[-1] is closes[0]
    assert sum(isinstance(event, BeginEvent) for event in received) == core.has_opened
    assert sum(isinstance(event, RealtimeError) for event in received) <= 1


@pytest.mark.parametrize("code", [1008, 3006, 3007, 4001])
def test_a_session_that_the_server_ends_by_its_rules_is_refused(code):
    core = open_core()
    core.send_audio(sound(1000))
    outgoing(core)
    core.receive_close(code, "not any longer")
    *_, error, closed = events(core)
    assert isinstance(error, SessionRefusedError)
    assert (error.exit_code, error.lost_ms, closed.code) == (4, 1000, code)


def test_a_lost_session_that_no_server_takes_again_is_refused():
    core = open_core()
    core.receive_close(1006, "")
    core.dial_failed(RefusedError("no key", 401))
    *_, error, _ = events(core)
    assert isinstance(error, SessionRefusedError)
