"""A session of v2 without a socket, a thread or a clock."""

import json
import logging
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted_server import SESSION_ID, begins, transcript
from vivavoce.client import (
    RealtimeFinalTranscript,
    RealtimeMessageTypes,
    RealtimePartialTranscript,
    RealtimeSessionInformation,
    RealtimeSessionOpened,
    RealtimeTranscript,
)
from vivavoce.client.backoff import Reconnect
from vivavoce.client.event_queue import MANY
from vivavoce.client.events import ClosedEvent
from vivavoce.client.realtime import RealtimeTranscriber, check_silence_ms
from vivavoce.client.realtime_core import MAX_BACKLOG, RealtimeCore, SessionState
from vivavoce.errors import (
    ConfigurationError,
    ConnectError,
    RealtimeError,
    RefusedError,
    SessionLostError,
    SessionRefusedError,
)
from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS
from vivavoce.types import Encoding

RATE = 16_000
CHUNK = bytes(3200)  # 100 ms
WHERE = "ws://127.0.0.1:8765"
TERMINATED = '{"message_type": "SessionTerminated"}'


def new_core(**options):
    core = RealtimeCore(where=WHERE, sample_rate=RATE, encoding=Encoding.PCM_S16LE, **options)
    core.dial_succeeded()
    return core


def taken(core):
    return list(iter(core.take_event, None))


def open_core(**options):
    core = new_core(**options)
    core.receive_message(json.dumps(begins()))
    taken(core)
    return core


def outgoing(core):
    return list(iter(lambda: core.next_outgoing(0.0), None))


# --- opening ---------------------------------------------------------------------------------


def test_the_first_message_opens_the_session():
    core = new_core()
    assert core.state is SessionState.OPENING
    core.receive_message(json.dumps(begins()))
    assert core.state is SessionState.OPEN
    assert taken(core) == [
        RealtimeSessionOpened(
            session_id=UUID(SESSION_ID), expires_at=datetime.fromisoformat("2031-01-02T03:04:05.678900")
        )
    ]
    assert taken(core) == []
    assert outgoing(core) == []


def test_the_silence_is_set_before_anything_else():
    core = new_core(silence_ms=300)
    assert outgoing(core) == []
    core.receive_message(json.dumps(begins()))
    core.send_audio(CHUNK)
    assert outgoing(core) == ['{"end_utterance_silence_threshold": 300}', CHUNK]


def test_audio_before_the_beginning_is_refused():
    with pytest.raises(RealtimeError, match=r"connect\(\) first"):
        new_core().send_audio(CHUNK)


@pytest.mark.parametrize("code", [4001, 4002, 4003, 4102, 1008, 1013, 3009, 4000])
def test_a_close_before_the_beginning_is_a_refusal(code):
    core = new_core()
    core.receive_close(code, "because")
    assert isinstance(core.error, RefusedError)
    assert core.error.status_code == code
    assert WHERE in str(core.error)
    assert "because" in str(core.error)
    assert "\n" not in str(core.error)
    assert taken(core) == []


def test_the_error_message_before_a_close_has_more_detail():
    core = new_core()
    core.receive_message('{"error": "Not Authorized: the key ends in x"}')
    core.receive_close(4001, "Not Authorized")
    text = "Not Authorized: the key ends in x; set VIVAVOCE_API_KEY, or settings.api_key"
    assert str(core.error) == f"{WHERE} refused the session: {text}"
    assert taken(core) == []


def test_an_error_message_before_the_beginning_without_a_close_is_a_failed_connection():
    core = new_core()
    core.receive_message('{"error": "no"}')
    assert core.has_pending_error
    core.expire_pending_error()
    assert isinstance(core.error, ConnectError)
    assert "no" in str(core.error)
    assert taken(core) == []


@pytest.mark.parametrize("code", [1000, 1006, 1011])
def test_any_other_close_before_the_beginning_is_a_failed_connection(code):
    core = new_core()
    core.receive_close(code, "")
    assert isinstance(core.error, ConnectError)


@pytest.mark.parametrize(
    "message", ["nonsense", '{"message_type": "SessionBegins"}', json.dumps(begins() | {"session_id": "7"})]
)
def test_an_unreadable_first_message_is_a_failed_connection(message):
    core = new_core()
    core.receive_message(message)
    assert isinstance(core.error, ConnectError)
    assert core.is_finished


def test_closing_before_the_beginning_gives_up():
    core = new_core()
    core.terminate()
    assert isinstance(core.error, ConnectError)
    assert taken(core) == []


# --- running ---------------------------------------------------------------------------------


def test_transcripts_become_the_public_types():
    core = open_core()
    core.receive_message(json.dumps(transcript("hello there")))
    core.receive_message(json.dumps(transcript("Hello there.", final=True)))
    core.receive_message('{"message_type": "SessionInformation", "audio_duration_seconds": 1.5}')
    partial, final, information = taken(core)
    assert isinstance(partial, RealtimePartialTranscript)
    assert isinstance(partial, RealtimeTranscript)
    assert partial.message_type is RealtimeMessageTypes.partial_transcript
    assert [word.text for word in partial.words] == ["hello", "there"]
    assert partial.created == datetime.fromisoformat("2031-01-02T03:04:06.100000")
    assert isinstance(final, RealtimeFinalTranscript)
    assert not isinstance(final, RealtimePartialTranscript)
    assert final.message_type == "FinalTranscript"
    assert (final.text, final.punctuated, final.text_formatted) == ("Hello there.", True, True)
    assert information == RealtimeSessionInformation(audio_duration_seconds=1.5)


def test_unknown_types_are_skipped_with_one_warning(caplog):
    core = open_core()
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            core.receive_message(json.dumps({"message_type": f"New{number}"}))
    assert taken(core) == []
    assert len(caplog.records) == 1
    assert core.state is SessionState.OPEN


@pytest.mark.parametrize(
    "message", ["nonsense", b"\xff\xfe", json.dumps(transcript("a") | {"created": "noon"})]
)
def test_an_unreadable_message_is_one_error_and_not_the_end(message):
    core = open_core()
    core.receive_message(message)
    (error,) = taken(core)
    assert isinstance(error, RealtimeError)
    assert error.status_code is None
    assert core.state is SessionState.OPEN


def test_a_second_beginning_changes_nothing():
    core = open_core(silence_ms=100)
    outgoing(core)
    core.receive_message(json.dumps(begins()))
    assert taken(core) == []
    assert outgoing(core) == []


def test_short_audio_is_joined_and_the_rest_is_sent_at_the_end():
    core = open_core()
    for _ in range(5):
        core.send_audio(bytes(1000))
    core.force_endpoint()
    core.set_silence_ms(900)
    core.terminate()
    sent = outgoing(core)
    assert [message if isinstance(message, str) else len(message) for message in sent] == [
        4000,
        '{"force_end_utterance": true}',
        '{"end_utterance_silence_threshold": 900}',
        1000,
        '{"terminate_session": true}',
    ]


def test_the_queue_reports_that_it_is_full():
    core = open_core()
    for _ in range(MAX_BACKLOG):
        assert not core.is_full
        core.send_audio(CHUNK)
    assert core.is_full
    core.next_outgoing(0.0)
    assert not core.is_full


# --- errors ----------------------------------------------------------------------------------


def test_an_error_message_waits_for_its_close():
    core = open_core()
    core.receive_message('{"error": "Client sent audio too fast: 61 s ahead"}')
    assert taken(core) == []
    assert core.has_pending_error
    core.receive_close(4029, "Client sent audio too fast")
    error, closed = taken(core)
    assert (str(error), error.status_code) == ("Client sent audio too fast: 61 s ahead", 4029)
    assert closed == ClosedEvent(code=4029, reason=str(error))
    assert core.error is error
    assert core.state is SessionState.FAILED


def test_an_error_message_without_a_close_is_emitted():
    core = open_core()
    core.receive_message('{"error": "hiccup"}')
    core.receive_message('{"error": "again"}')
    core.receive_message(json.dumps(transcript("a")))
    first, second, text = taken(core)
    assert (str(first), first.status_code, str(second)) == ("hiccup", None, "again")
    assert text.text == "a"
    core.receive_message('{"error": "last"}')
    core.expire_pending_error()
    core.expire_pending_error()
    assert [str(event) for event in taken(core)] == ["last"]
    assert core.state is SessionState.OPEN


@pytest.mark.parametrize("code", sorted(CLOSE_TEXTS))
def test_every_known_code_has_its_text(code):
    core = open_core()
    core.receive_close(code, "")
    error, closed = taken(core)
    assert (str(error), error.status_code) == (CLOSE_TEXTS[code], code)
    assert (closed.code, closed.reason) == (code, CLOSE_TEXTS[code])


def test_audio_after_a_failure_raises_that_failure():
    core = open_core()
    core.receive_close(4008, "")
    for _ in range(2):
        with pytest.raises(RealtimeError) as caught:
            core.send_audio(CHUNK)
        assert caught.value is core.error


# --- the end ---------------------------------------------------------------------------------


def test_a_regular_end_is_one_event():
    core = open_core()
    core.terminate()
    core.terminate()
    assert core.is_terminating
    assert outgoing(core) == ['{"terminate_session": true}']
    core.receive_message(json.dumps(transcript("Bye.", final=True)))
    core.receive_message(TERMINATED)
    core.receive_close(1006, "")
    assert core.state is SessionState.ENDED
    final, closed = taken(core)
    assert final.text == "Bye."
    assert closed == ClosedEvent(code=1000, reason="") == core.closed
    assert core.closed_by_user
    with pytest.raises(RealtimeError, match="closed"):
        core.send_audio(CHUNK)


@pytest.mark.parametrize("code", [1000, 1005])
def test_a_clean_close_by_the_server_is_no_error_but_audio_is_refused(code):
    core = open_core()
    core.send_audio(CHUNK)
    core.receive_close(code, "")
    assert taken(core) == [ClosedEvent(code=code, reason="")]
    assert outgoing(core) == []
    with pytest.raises(RealtimeError, match="ended") as caught:
        core.send_audio(CHUNK)
    assert caught.value.status_code == code


def test_a_connection_lost_while_closing_is_an_error():
    core = open_core()
    core.terminate()
    core.receive_close(1006, "")
    error, closed = taken(core)
    assert error.status_code == closed.code == 1006


def test_giving_up_is_one_error():
    core = open_core()
    core.receive_message('{"error": "hm"}')
    core.give_up("too slow")
    core.give_up("too slow")
    *errors, closed = taken(core)
    assert [str(error) for error in errors] == ["hm", "too slow"]
    assert (closed.code, closed.reason) == (1006, "too slow")
    core.receive_message(json.dumps(transcript("late")))
    assert taken(core) == []


def test_closing_a_failed_session_is_not_closing_by_the_user():
    core = open_core()
    core.receive_close(4031, "")
    core.terminate()
    assert not core.closed_by_user
    assert core.state is SessionState.FAILED


@given(
    st.lists(
        st.sampled_from(
            [
                ("receive_message", TERMINATED),
                ("receive_message", json.dumps(begins())),
                ("receive_message", json.dumps(transcript("a"))),
                ("receive_message", '{"error": "e"}'),
                ("receive_message", "}"),
                ("receive_close", 1000, ""),
                ("receive_close", 4031, ""),
                ("receive_close", 1006, ""),
                ("terminate",),
                ("give_up", "enough"),
                ("expire_pending_error",),
                ("stall",),
                ("drop",),
            ]
        ),
        max_size=12,
    )
)
def test_any_order_of_calls_emits_one_end_and_each_error_once(steps):
    core, ends, errors = new_core(), 0, []
    for name, *arguments in steps:
        getattr(core, name)(*arguments)
        events = taken(core)
        errors += [event for event in events if isinstance(event, RealtimeError)]
        ends += sum(isinstance(event, ClosedEvent) for event in events)
    assert ends == (core.has_opened and core.is_finished)
    assert len({id(error) for error in errors}) == len(errors)
    assert sum(error.status_code is not None for error in errors) <= 1


# --- another connection ------------------------------------------------------------------------


def lasting_core(**options):
    return open_core(reconnect=Reconnect(attempts=2, first_delay_s=1.0), **options)


def lose(core, code=1006):
    core.receive_close(code, "")
    assert core.state is SessionState.DIALLING
    core.dial_succeeded()
    core.receive_message(json.dumps(begins()))


def timed(text, start, end, *, final=False):
    """A transcript of one word."""
    words = [{"start": start, "end": end, "confidence": 0.9, "text": text}]
    return json.dumps(
        transcript(text, final=final) | {"words": words, "audio_start": start, "audio_end": end}
    )


def test_audio_after_the_last_final_is_sent_again_and_times_continue():
    core = lasting_core(silence_ms=300)
    sound = [bytes([number]) * 3200 for number in range(1, 11)]  # a second
    for chunk in sound:
        core.send_audio(chunk)
    assert len(outgoing(core)) == 11
    core.receive_message(timed("one", 100, 500, final=True))
    core.receive_message(timed("two", 700, 900))
    assert core.error is None
    lose(core)
    _, _, reconnecting, reconnected = taken(core)
    assert (reconnecting.attempt, reconnecting.delay_s) == (1, 0.0)
    assert reconnected.session_id == SESSION_ID
    silence, *again = outgoing(core)
    assert silence == '{"end_utterance_silence_threshold": 300}'
    start = reconnected.replayed_ms
    assert b"".join(again) == b"".join(sound)[-32 * start :]
    assert 300 <= start <= 500
    core.receive_message(timed("two", 50, 250, final=True))
    (final,) = taken(core)
    (word,) = final.words
    offset = 1000 - start
    assert (word.start, word.end) == (final.audio_start, final.audio_end) == (50 + offset, 250 + offset)
    core.terminate()
    core.receive_message('{"message_type": "SessionInformation", "audio_duration_seconds": 0.4}')
    core.receive_message(TERMINATED)
    information, closed = taken(core)
    assert information.audio_duration_seconds == 1.0
    assert closed.code == 1000


def test_a_changed_silence_applies_to_the_next_connection():
    core = lasting_core(silence_ms=300)
    core.set_silence_ms(900)
    outgoing(core)
    lose(core)
    assert outgoing(core) == ['{"end_utterance_silence_threshold": 900}']


def test_the_request_to_end_is_sent_over_the_next_connection():
    core = lasting_core()
    core.send_audio(CHUNK)
    core.terminate()
    outgoing(core)
    lose(core)
    assert outgoing(core) == [CHUNK, '{"terminate_session": true}']
    with pytest.raises(RealtimeError, match="closed"):
        core.send_audio(CHUNK)


def test_a_server_that_shuts_down_is_replaced():
    core = lasting_core()
    core.receive_message(TERMINATED)
    assert core.state is SessionState.OPEN
    lose(core, 1000)
    assert [event.type for event in taken(core)] == ["Reconnecting", "Reconnected"]


def test_the_error_of_a_lost_session_has_the_length_of_the_lost_audio():
    core = lasting_core()
    core.send_audio(bytes(64_000))
    outgoing(core)
    core.send_audio(bytes(32_000))
    core.receive_close(1006, "")
    for _ in range(2):
        core.dial_failed(ConnectError("no server"))
    *_, error, closed = taken(core)
    assert isinstance(error, SessionLostError)
    assert error.lost_ms == 3000
    assert error is core.error
    assert closed.code == 1006
    assert "3.0 s of audio were not transcribed" in closed.reason


@pytest.mark.parametrize("code", [4001, 4029, 4031, 4100])
def test_a_refusal_is_final(code):
    core = lasting_core()
    core.receive_close(code, "")
    error, closed = taken(core)
    assert isinstance(error, SessionRefusedError)
    assert error.exit_code == RefusedError.exit_code
    assert (error.status_code, closed.code) == (code, code)


def test_an_expired_session_that_can_not_be_continued_is_lost_and_not_refused():
    core = lasting_core()
    core.receive_close(4008, "")
    for _ in range(2):
        core.dial_failed(ConnectError("no server"))
    assert type(core.error) is SessionLostError


def test_unread_states_of_an_utterance_replace_each_other():
    core = open_core()
    for number in range(2 * MANY):
        core.receive_message(json.dumps(transcript(f"w{number}")))
    core.receive_message(json.dumps(transcript("all", final=True)))
    events = taken(core)
    assert len(events) == MANY
    assert [event.text for event in events[-2:]] == [f"w{MANY - 2}", "all"]


# --- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("milliseconds", [-1, 20_001, 1.5, True, "700", None])
def test_a_silence_out_of_bounds_is_refused(milliseconds):
    with pytest.raises(ConfigurationError, match=r"0\.\.20000"):
        check_silence_ms(milliseconds)


def test_a_revision_of_speakers_is_an_event():
    core = open_core()
    word = {"start": 100, "end": 400, "confidence": 0.9, "text": "Hello.", "speaker": "B"}
    item = {"audio_start": 100, "audio_end": 400, "speaker_label": "B", "words": [word]}
    core.receive_message(json.dumps({"message_type": "SpeakerRevision", "revisions": [item]}))
    [event] = taken(core)
    assert event.message_type == RealtimeMessageTypes.speaker_revision
    assert event.revisions[0].speaker_label == event.revisions[0].words[0].speaker == "B"


@pytest.mark.parametrize(
    ("arguments", "pairs"),
    [
        ({}, []),
        ({"speaker_labels": True}, [("speaker_labels", "true")]),
        ({"speaker_labels": False}, [("speaker_labels", "false")]),
        ({"max_speakers": 3}, [("speaker_labels", "true"), ("max_speakers", "3")]),
    ],
)
def test_the_query_asks_for_speaker_labels(arguments, pairs):
    transcriber = RealtimeTranscriber(on_data=print, on_error=print, sample_rate=RATE, **arguments)
    assert transcriber._pairs[1:] == pairs


@pytest.mark.parametrize(
    "arguments", [{"max_speakers": 0}, {"max_speakers": 11}, {"max_speakers": 2, "speaker_labels": False}]
)
def test_an_odd_number_of_speakers_is_refused(arguments):
    with pytest.raises(ConfigurationError, match="max_speakers must be"):
        RealtimeTranscriber(on_data=print, on_error=print, sample_rate=RATE, **arguments)
