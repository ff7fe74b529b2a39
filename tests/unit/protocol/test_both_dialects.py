"""What holds for both protocols."""

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v2.dialect import V2Factory
from vivavoce.protocol.aai_v2.messages import decode_server_message
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.aai_v3.messages import decode_event
from vivavoce.protocol.events import Audio, SessionEnded, SessionFailed, Terminate
from vivavoce.types import Failure

RATE = "sample_rate=16000"
FACTORIES = {"v2": V2Factory(), "v3": V3Factory()}
READERS = {"v2": decode_server_message, "v3": decode_event}

both = pytest.mark.parametrize("name", FACTORIES)


def dialect(name, query=RATE):
    return FACTORIES[name].open(parse_qsl(query))


def violation(call):
    with pytest.raises(ProtocolViolation) as caught:
        call()
    return caught.value


@both
def test_unknown_parameters_are_ignored(name):
    assert dialect(name, f"{RATE}&colour=blue").options.sample_rate == 16_000


@both
@pytest.mark.parametrize(
    ("query", "failure"),
    [
        ("sample_rate=x", Failure.BAD_SAMPLE_RATE),
        ("sample_rate=7999", Failure.BAD_SAMPLE_RATE),
        (f"{RATE}&encoding=flac", Failure.BAD_ENCODING),
    ],
)
def test_a_bad_query_is_refused_in_one_frame(name, query, failure):
    caught = violation(lambda: dialect(name, query))
    assert caught.failure is failure
    closing = FACTORIES[name].refuse(SessionFailed(caught.failure, caught.detail))
    (frame,) = closing.frames
    assert json.loads(frame)["error"]
    assert len(closing.reason.encode()) <= 123


@both
@pytest.mark.parametrize(
    ("message", "command"),
    [
        (b"\1\2", Audio(b"\1\2")),
        ('{"type": "Terminate"}', Terminate()),
        ('{"terminate_session": true}', Terminate()),
        (b'{"terminate_session": true}', Terminate()),
    ],
)
def test_audio_and_the_end_are_commands(name, message, command):
    assert dialect(name).decode(message) == (command,)


@both
@given(text=st.text())
def test_any_text_is_a_command_or_a_violation(name, text):
    try:
        dialect(name).decode(text)
    except ProtocolViolation as error:
        assert error.failure in {Failure.BAD_JSON, Failure.BAD_MESSAGE}  # noqa: PT017


@both
def test_a_session_ends_with_code_1000(name):
    assert dialect(name).closing(SessionEnded(audio_ms=1_500, session_ms=2_000)).code == 1000


@both
@pytest.mark.parametrize("failure", list(Failure))
@pytest.mark.parametrize("detail", ["", "ä" * 200, "€" * 100])
def test_the_reason_of_every_failure_fits_a_close_frame(name, failure, detail):
    closing = dialect(name).closing(SessionFailed(failure, detail))
    assert 0 < len(closing.reason.encode()) <= 123


@both
def test_the_client_skips_unknown_messages_and_refuses_broken_ones(name):
    read = READERS[name]
    assert read('{"message_type": "News", "type": "Applause", "a": 1}') is None
    assert violation(lambda: read("[")).failure is Failure.BAD_JSON
    broken = {"v2": '{"message_type": "SessionBegins"}', "v3": '{"type": "Turn"}'}[name]
    assert violation(lambda: read(broken)).failure is Failure.BAD_MESSAGE
