"""A v3 session without a socket, a thread or a clock."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.client.backoff import Backoff, Reconnect, is_retryable
from vivavoce.client.chunking import Chunker, as_bytes
from vivavoce.client.event_queue import MANY
from vivavoce.client.events import (
    BeginEvent,
    ClosedEvent,
    ReconnectedEvent,
    ReconnectingEvent,
    TerminationEvent,
    TurnEvent,
)
from vivavoce.client.replay_buffer import ReplayBuffer, merge_short_audio
from vivavoce.client.stream_core import MAX_BACKLOG, SessionState, StreamCore
from vivavoce.errors import ConfigurationError, ConnectError, RealtimeError, RefusedError, SessionLostError
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


def test_the_beginning():
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
def test_what_never_began_is_a_fault_and_no_event(happens, kind):
    core = new_core()
    core.dial_succeeded()
    happens(core)
    assert type(core.error) is kind
    assert core.is_finished
    assert events(core) == []
    assert core.closed is None


def test_nobody_there_is_the_fault_of_the_dialling():
    core = new_core()
    fault = ConnectError("nobody")
    core.dial_failed(fault)
    assert core.error is fault
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
def test_any_pieces_go_out_as_legal_chunks_of_the_same_bytes(pieces):
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


def test_what_is_no_pcm_goes_out_as_it_comes():
    core = open_core(encoding=StreamEncoding.opus)
    core.send_audio(b"packet")
    core.send_audio(b"p")
    assert outgoing(core) == [b"packet", b"p"]
    assert not core.can_reconnect


def test_the_queue_says_when_it_is_full():
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


def test_a_message_that_cannot_be_read_ends_nothing(caplog):
    core = open_core()
    with caplog.at_level(logging.WARNING):
        for text in ("}", "[]", '{"type": "Turn"}', b"\xff", '{"type": "New"}', '{"type": "Newer"}'):
            core.receive_message(text)
    assert events(core) == []
    assert core.state is SessionState.OPEN
    assert len(caplog.records) == 5, "unknown types are told once"


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
    said = events(core)
    assert [type(event) for event in said] == [TurnEvent, TerminationEvent, ClosedEvent]
    assert core.closed == ClosedEvent(code=1000, reason="")
    assert core.error is None


def test_an_error_and_the_close_after_it_are_one_fault():
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
def test_an_error_that_no_close_follows_is_the_end(message):
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


def test_what_followed_the_last_turn_is_sent_again_and_turns_and_times_go_on():
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


def test_what_was_not_sent_yet_follows_what_is_sent_again():
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


def test_it_gives_up_after_so_many_attempts_without_progress():
    core = open_core()
    core.send_audio(sound(1000))
    outgoing(core)
    core.receive_close(1006, "")
    for _ in range(2):
        core.dial_failed(ConnectError("nobody"))
    core.send_audio(sound(530))
    assert not core.is_finished
    core.dial_failed(ConnectError("nobody"))
    *_, error, closed = events(core)
    assert isinstance(error, SessionLostError)
    assert error.lost_ms == 1530
    assert "1.5 s of audio were not transcribed" in str(error)
    assert isinstance(closed, ClosedEvent)


def test_progress_makes_it_patient_again():
    core = open_core()
    for place in range(6):
        core.send_audio(sound(100))
        outgoing(core)
        core.receive_message(turn(0, (str(place), 1000 * place, 1000 * place + 90)))
        lost_and_found(core)
    assert not core.is_finished


@pytest.mark.parametrize("code", [1008, 3006, 3007, 4001])
def test_what_trying_again_cannot_help_is_not_tried(code):
    core = open_core()
    core.receive_close(code, "no")
    assert core.is_finished
    assert core.error.code == code


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 1013, 3005, 3008, 1000])
def test_what_it_can_help_is(code):
    core = open_core()
    core.receive_close(code, "")
    assert core.delay_s == 0.0


def test_a_server_that_goes_says_termination_first():
    core = open_core()
    core.receive_message('{"type": "Termination"}')
    core.receive_close(1000, "")
    assert [type(event) for event in events(core)] == [ReconnectingEvent]


def test_delays_grow_and_are_spread():
    for jitter, factor in ((0.0, 0.75), (1.0, 1.25)):
        backoff = Backoff(Reconnect(attempts=5, first_delay_s=1.0, longest_delay_s=3.0), lambda j=jitter: j)
        delays = [backoff.next_delay_s() for _ in range(6)]
        assert delays == [0.0, factor, 2 * factor, 3 * factor, 3 * factor, None]
    with pytest.raises(ConfigurationError):
        Reconnect(attempts=-1)


def test_only_some_refusals_may_pass():
    assert is_retryable(RefusedError("full", 503))
    assert not is_retryable(RefusedError("key", 401))
    assert is_retryable(ConnectError("nobody"))
    assert not is_retryable(RealtimeError("bad", 3006))


@given(
    st.lists(
        st.sampled_from(
            [
                ("dial_succeeded",),
                ("dial_failed", ConnectError("nobody")),
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
def test_whatever_happens_the_end_is_told_once_and_last(steps, keep):
    core = new_core(reconnect=RULE if keep else None)
    said = []
    for name, *arguments in steps:
        getattr(core, name)(*arguments)
        said += events(core)
        assert (core.delay_s is not None) == (core.state is SessionState.DIALLING)
    closes = [event for event in said if isinstance(event, ClosedEvent)]
    assert len(closes) == (core.has_opened and core.is_finished)
    assert not closes or said[-1] is closes[0]
    assert sum(isinstance(event, BeginEvent) for event in said) == core.has_opened
    assert sum(isinstance(event, RealtimeError) for event in said) <= 1


# --- the replay --------------------------------------------------------------------------------


def test_a_cut_is_where_it_is_quietest():
    replay = ReplayBuffer(RATE, 2)
    loud = (12_000).to_bytes(2, "little") * 2 * RATE
    quiet = bytes(20 * MS)
    replay.push(loud[: 1100 * MS] + quiet + loud[: 500 * MS], 0.0)
    replay.finish_turn(1000)
    assert replay.to_ms(replay.start) in range(1100, 1120)


def test_silence_is_not_kept_for_ever():
    replay = ReplayBuffer(RATE, 2)
    for second in range(300):
        replay.push(bytes(1000 * MS), float(second))
        replay.trim(None, float(second))
    assert 60_000 <= replay.to_ms(replay.end - replay.start) <= 62_000
    assert replay.lost_bytes == 0


def test_what_was_just_sent_is_kept_however_long_it_is():
    replay = ReplayBuffer(RATE, 2)
    for _ in range(200):
        replay.push(bytes(1000 * MS), 1.0)
        replay.trim(None, 2.0)
    assert replay.start == 0


def test_a_turn_is_kept_from_its_first_word_and_memory_is_finite():
    replay = ReplayBuffer(RATE, 2)
    for second in range(400):
        replay.push(bytes(1000 * MS), float(second))
        replay.trim(50_000, float(second))
    assert replay.to_ms(replay.end - replay.start) == 300_000
    assert replay.to_ms(replay.lost_bytes) == 51_000


@given(st.lists(st.one_of(st.binary(max_size=3_000), st.just(FORCE)), max_size=12))
def test_joining_keeps_all_audio_and_makes_it_legal(items):
    shortest = 1_600
    queue = merge_short_audio(items, shortest)
    audio = [item for item in queue if isinstance(item, bytes)]
    assert b"".join(audio) == b"".join(item for item in items if isinstance(item, bytes))
    assert all(len(item) >= shortest for item in audio[:-1])
    assert [item for item in queue if item == FORCE] == [item for item in items if item == FORCE]


# --- audio of many types ---------------------------------------------------------------------


def test_arrays_are_taken_as_samples():
    np = pytest.importorskip("numpy")
    floats = np.array([[0.5], [-1.0], [2.0], [np.nan]], np.float32)
    assert np.frombuffer(as_bytes(floats), "<i2").tolist() == [16_384, -32_767, 32_767, 0]
    assert np.frombuffer(as_bytes(floats.astype(float)), "<i2").tolist() == [16_384, -32_767, 32_767, 0]
    whole = np.arange(6, dtype=np.int16)
    assert np.frombuffer(as_bytes(whole[::2]), "<i2").tolist() == [0, 2, 4]
    assert bytes(as_bytes(np.array([], np.float32))) == b""
    with pytest.raises(TypeError, match=r"one channel.*\(3, 2\)"):
        as_bytes(whole.reshape(3, 2))
    with pytest.raises(TypeError, match="int16 or float32"):
        as_bytes(whole.astype(np.int64))
    with pytest.raises(TypeError, match="must be bytes"):
        as_bytes(whole, is_pcm=False)


def test_the_shortest_chunk_is_a_matter_of_the_protocol():
    assert [len(chunk) for chunk in Chunker(RATE, 2, 50).push(bytes(5_000))] == [1_600, 1_600, 1_800]
