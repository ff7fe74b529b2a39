"""The real-time client without a socket."""

import errno
import functools
import json
import logging
import threading
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
from vivavoce.client.address import Address, request_headers
from vivavoce.client.backoff import Reconnect
from vivavoce.client.chunking import Chunker, as_bytes
from vivavoce.client.close_errors import close_text
from vivavoce.client.dial_errors import status_error, unreachable_error
from vivavoce.client.event_queue import MANY
from vivavoce.client.events import ClosedEvent
from vivavoce.client.handlers import close_handler
from vivavoce.client.realtime import check_silence_ms
from vivavoce.client.realtime_core import MAX_BACKLOG, RealtimeCore, SessionState
from vivavoce.errors import (
    ConfigurationError,
    ConnectError,
    RealtimeError,
    RefusedError,
    SessionLostError,
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


# --- cutting ---------------------------------------------------------------------------------


@given(
    pieces=st.lists(st.integers(0, 9_000), max_size=30),
    rate=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]),
    encoding=st.sampled_from(Encoding),
)
def test_any_pieces_go_out_as_legal_chunks_of_the_same_bytes(pieces, rate, encoding):
    width = encoding.bytes_per_sample
    chunker = Chunker(rate, width)
    sound = bytes(index * 7 % 251 for index in range(sum(pieces)))
    chunks, start = [], 0
    for length in pieces:
        chunks += chunker.push(sound[start : start + length])
        start += length
    tail = chunker.finish()
    for chunk in chunks:
        assert len(chunk) % width == 0
        assert 100 <= 1000 * len(chunk) / (width * rate) <= 2000
    assert 1000 * len(tail) / (width * rate) < 100
    assert b"".join(chunks) + tail == sound[: len(sound) // width * width]
    assert chunker.finish() == b""


@given(st.integers(3_200, 100_000))
def test_nothing_long_enough_is_held_back(length):
    chunker = Chunker(RATE, 2)
    assert sum(map(len, chunker.push(bytes(length)))) == length // 2 * 2


def test_one_long_piece_is_divided_into_short_chunks():
    assert [len(chunk) for chunk in Chunker(RATE, 2).push(bytes(10_000))] == [3200, 3200, 3600]


@pytest.mark.parametrize(
    "data", [b"abcd", bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"a-b-c-d-")[::2]]
)
def test_all_kinds_of_bytes_are_taken(data):
    assert bytes(as_bytes(data)) == b"abcd"


@pytest.mark.parametrize("data", ["text", 7, None, [1, 2]])
def test_what_is_no_audio_is_named(data):
    with pytest.raises(TypeError, match=type(data).__name__):
        as_bytes(data)


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


def test_the_error_before_such_a_close_says_more_than_the_close():
    core = new_core()
    core.receive_message('{"error": "Not Authorized: the key ends in x"}')
    core.receive_close(4001, "Not Authorized")
    text = "Not Authorized: the key ends in x; set VIVAVOCE_API_KEY, or settings.api_key"
    assert str(core.error) == f"{WHERE} refused the session: {text}"
    assert taken(core) == []


def test_an_error_before_the_beginning_that_no_close_follows_is_a_failed_connection():
    core = new_core()
    core.receive_message('{"error": "no"}')
    assert core.has_pending_error
    core.expire_pending_error()
    assert isinstance(core.error, ConnectError)
    assert "no" in str(core.error)
    assert taken(core) == []


@pytest.mark.parametrize("code", [1000, 1006, 1011])
def test_any_other_end_before_the_beginning_is_a_failed_connection(code):
    core = new_core()
    core.receive_close(code, "")
    assert isinstance(core.error, ConnectError)


@pytest.mark.parametrize(
    "message", ["nonsense", '{"message_type": "SessionBegins"}', json.dumps(begins() | {"session_id": "7"})]
)
def test_a_first_message_that_cannot_be_read_is_a_failed_connection(message):
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
def test_a_message_that_cannot_be_read_is_one_error_and_no_end(message):
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


def test_short_audio_is_gathered_and_the_tail_goes_out_at_the_end():
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


def test_the_queue_says_when_it_is_full():
    core = open_core()
    for _ in range(MAX_BACKLOG):
        assert not core.is_full
        core.send_audio(CHUNK)
    assert core.is_full
    core.next_outgoing(0.0)
    assert not core.is_full


# --- errors ----------------------------------------------------------------------------------


def test_an_error_message_is_held_for_the_close_that_may_follow():
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


def test_an_error_message_that_no_close_follows_is_given_out():
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


@pytest.mark.parametrize(
    ("code", "reason", "said", "expected"),
    [
        (4999, "told so", None, "told so"),
        (4999, "", None, "the server closed the session with code 4999"),
        (4001, "Not Authorized", None, "Not Authorized"),
        (4001, "no such key", None, "Not Authorized: no such key"),
        (
            4032,
            "Audio duration is too sh",
            "Audio duration is too short: 20 ms",
            "Audio duration is too short: 20 ms",
        ),
        (1006, "", None, "the connection was lost"),
        (1011, "", "it broke", "it broke"),
    ],
)
def test_what_a_close_is_called(code, reason, said, expected):
    assert close_text(code, reason, said) == expected


def test_audio_after_a_failure_raises_that_failure():
    core = open_core()
    core.receive_close(4008, "")
    for _ in range(2):
        with pytest.raises(RealtimeError) as caught:
            core.send_audio(CHUNK)
        assert caught.value is core.error


# --- the end ---------------------------------------------------------------------------------


def test_a_good_end_is_told_once():
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
def test_an_unasked_clean_end_is_no_error_but_audio_is_refused(code):
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


def test_closing_what_has_failed_is_no_closing_by_the_user():
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
def test_whatever_happens_the_end_is_told_once_and_faults_are_told_once(steps):
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


def test_what_followed_the_last_final_is_sent_again_and_times_go_on():
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


def test_a_silence_that_was_changed_holds_for_the_next_connection():
    core = lasting_core(silence_ms=300)
    core.set_silence_ms(900)
    outgoing(core)
    lose(core)
    assert outgoing(core) == ['{"end_utterance_silence_threshold": 900}']


def test_the_wish_to_end_is_told_to_the_next_connection():
    core = lasting_core()
    core.send_audio(CHUNK)
    core.terminate()
    outgoing(core)
    lose(core)
    assert outgoing(core) == [CHUNK, '{"terminate_session": true}']
    with pytest.raises(RealtimeError, match="closed"):
        core.send_audio(CHUNK)


def test_a_server_that_goes_is_followed_by_another():
    core = lasting_core()
    core.receive_message(TERMINATED)
    assert core.state is SessionState.OPEN
    lose(core, 1000)
    assert [event.type for event in taken(core)] == ["Reconnecting", "Reconnected"]


def test_giving_up_says_how_much_was_not_transcribed():
    core = lasting_core()
    core.send_audio(bytes(64_000))
    outgoing(core)
    core.send_audio(bytes(32_000))
    core.receive_close(1006, "")
    for _ in range(2):
        core.dial_failed(ConnectError("nobody"))
    *_, error, closed = taken(core)
    assert isinstance(error, SessionLostError)
    assert error.lost_ms == 3000
    assert error is core.error
    assert closed.code == 1006
    assert "3.0 s of audio were not transcribed" in closed.reason


@pytest.mark.parametrize("code", [4001, 4029, 4031, 4100])
def test_a_server_that_says_no_is_not_asked_again(code):
    core = lasting_core()
    core.receive_close(code, "")
    error, closed = taken(core)
    assert isinstance(error, SessionLostError)
    assert (error.status_code, closed.code) == (code, code)


def test_unfinished_utterances_that_nobody_reads_replace_each_other():
    core = open_core()
    for number in range(2 * MANY):
        core.receive_message(json.dumps(transcript(f"w{number}")))
    core.receive_message(json.dumps(transcript("all", final=True)))
    events = taken(core)
    assert len(events) == MANY
    assert [event.text for event in events[-2:]] == [f"w{MANY - 2}", "all"]


# --- handlers ----------------------------------------------------------------------------------


def test_a_handler_for_the_end_is_called_as_it_wants():
    calls = []
    event = threading.Event()

    class Program:
        def ended(self):
            calls.append("method")

        def ended_with(self, code, reason):
            calls.append((code, reason))

    handlers = [
        lambda: calls.append("none"),
        lambda given=calls: given.append("default"),
        lambda code, reason: calls.append((code, reason)),
        lambda *arguments: calls.append(arguments),
        Program().ended,
        Program().ended_with,
        functools.partial(calls.append, "partial"),
        event.set,
    ]
    for handler in handlers:
        close_handler(handler)(4031, "idle")
    both = (4031, "idle")
    assert calls == ["none", "default", both, (), "method", both, "partial"]
    assert event.is_set()
    assert close_handler(None) is None


@pytest.mark.parametrize("handler", [lambda code: code, lambda a, b, c: a, lambda *, code: code])
def test_a_handler_for_the_end_that_cannot_be_called_is_refused_at_once(handler):
    with pytest.raises(ConfigurationError, match="on_close must take no arguments, or code and reason"):
        close_handler(handler)


@pytest.mark.parametrize("milliseconds", [-1, 20_001, 1.5, True, "700", None])
def test_a_silence_out_of_bounds_is_refused(milliseconds):
    with pytest.raises(ConfigurationError, match=r"0\.\.20000"):
        check_silence_ms(milliseconds)


# --- addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "websocket", "http"),
    [
        ("ws://127.0.0.1:8765", "ws://127.0.0.1:8765/p?a=b+c", "http://127.0.0.1:8765/p"),
        ("http://Example.org", "ws://example.org/p?a=b+c", "http://example.org/p"),
        ("https://example.org/asr/", "wss://example.org/asr/p?a=b+c", "https://example.org/asr/p"),
        ("wss://[::1]:1", "wss://[::1]:1/p?a=b+c", "https://[::1]:1/p"),
    ],
)
def test_every_scheme_serves_both_protocols(base_url, websocket, http):
    address = Address.parse(base_url)
    assert address.websocket_url("/p", [("a", "b c")]) == websocket
    assert address.http_url("/p") == http


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("[::1]", True),
        ("127.8.9.1", True),
        ("10.0.0.1", False),
        ("a.b", False),
    ],
)
def test_loopback_is_known(host, loopback):
    assert Address.parse(f"ws://{host}:1").is_loopback is loopback


@pytest.mark.parametrize(
    "base_url",
    ["127.0.0.1:8765", "ftp://a", "ws://", "ws://a:x", "ws://u:secret@a", "ws://a?token=secret", "http://["],
)
def test_what_is_no_address_is_refused_without_its_secrets(base_url):
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        Address.parse(base_url)
    assert "secret" not in str(caught.value)


def test_keys_that_cannot_be_sent_are_refused_without_saying_them():
    assert request_headers(None) == request_headers("") == {}
    assert request_headers(" k \n") == {"Authorization": "k"}
    with pytest.raises(ConfigurationError) as caught:
        request_headers("secret\r\nX: y")
    assert "secret" not in str(caught.value)


# --- failed requests --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_statuses_that_are_refusals(status):
    fault = status_error(WHERE, status, b'{"error": "no"}', "7")
    assert isinstance(fault, RefusedError)
    assert fault.status_code == status
    assert f"no (HTTP {status})" in str(fault)
    assert "try again after 7 s" in str(fault)
    assert ("VIVAVOCE_API_KEY" in str(fault)) is (status == 401)


@pytest.mark.parametrize("body", [None, b"", b"<html>", b"\xff", b"[]"])
def test_other_statuses_are_failed_connections(body):
    fault = status_error(WHERE, 502, body, None)
    assert isinstance(fault, ConnectError)
    assert str(fault) == f"{WHERE} answered HTTP 502"


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 8765)"),
        OSError(
            f"Multiple exceptions: [Errno {errno.ECONNREFUSED}] Connect call failed ('::1', 8765, 0, 0), "
            f"[Errno {errno.ECONNREFUSED}] Connect call failed ('127.0.0.1', 8765)"
        ),
    ],
)
def test_what_the_event_loop_says_of_a_refused_connection_is_put_into_words(error):
    fault = unreachable_error(Address.parse(WHERE), error)
    assert str(fault) == f"no server at {WHERE} (Connection refused); `vivavoce serve` starts one"


def test_no_answer_says_what_to_do_on_this_machine_only():
    here = unreachable_error(Address.parse(WHERE), ConnectionRefusedError(111, "Connection refused"))
    assert str(here) == f"no server at {WHERE} (Connection refused); `vivavoce serve` starts one"
    there = unreachable_error(Address.parse("ws://asr.example"), TimeoutError())
    assert str(there) == "no answer from ws://asr.example in time"
