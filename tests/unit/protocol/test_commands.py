"""Both protocols take each other's messages, as text and in binary frames."""

import base64
import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v2.dialect import V2Factory
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.commands import text_in_binary
from vivavoce.protocol.events import Audio, Configure, ForceEndpoint, KeepAlive, Terminate
from vivavoce.types import Failure

QUERY = parse_qsl("sample_rate=16000")
both = pytest.mark.parametrize("factory", [V2Factory(), V3Factory()], ids=["v2", "v3"])

MESSAGES = [
    ({"type": "Terminate"}, (Terminate(),)),
    ({"terminate_session": True}, (Terminate(),)),
    ({"terminate_session": False}, ()),
    ({"type": "ForceEndpoint"}, (ForceEndpoint(),)),
    ({"force_end_utterance": True}, (ForceEndpoint(),)),
    ({"type": "KeepAlive"}, (KeepAlive(),)),
    ({"audio_data": base64.b64encode(b"abcd").decode()}, (Audio(b"abcd"),)),
    ({"end_utterance_silence_threshold": 500}, (Configure(min_silence_ms=500, max_silence_ms=500),)),
]


@both
@pytest.mark.parametrize(("message", "commands"), MESSAGES)
def test_each_protocol_takes_the_messages_of_both(factory, message, commands):
    assert factory.open(QUERY).decode(json.dumps(message)) == commands


@both
@pytest.mark.parametrize(("message", "commands"), MESSAGES)
def test_json_in_a_binary_frame_is_a_command(factory, message, commands):
    for indent in (None, 2):
        data = json.dumps(message, indent=indent).encode()
        assert factory.open(QUERY).decode(data) == commands
        assert factory.open(QUERY).decode(b" \r\n" + data + b"\n") == commands


def test_a_change_of_options_in_a_binary_frame_is_one_too():
    data = b'{"type": "UpdateConfiguration", "max_turn_silence": 900}'
    assert V3Factory().open(QUERY).decode(data) == (Configure(max_silence_ms=900),)


@both
@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"{}", b"{}}", b'{"a": 1}', b'{"type": "Dance"}', b'{"type": 7}', b'[{"type":"Terminate"}]',
     b'{"terminate_session": true', b"\xff\xfe{}"],
)  # fmt: skip
def test_other_binary_frames_are_audio(factory, data):
    assert factory.open(QUERY).decode(data) == (Audio(data),)


@given(st.binary(max_size=200))
def test_samples_are_never_taken_for_json(data):
    assert text_in_binary(data) is None


@both
@pytest.mark.parametrize("message", ['{"audio_data": "*"}', '{"end_utterance_silence_threshold": -1}'])
def test_a_known_message_with_a_wrong_value_is_refused_in_a_binary_frame_too(factory, message):
    for frame in (message, message.encode()):
        with pytest.raises(ProtocolViolation) as caught:
            factory.open(QUERY).decode(frame)
        assert caught.value.failure is Failure.BAD_MESSAGE


HUGE = ["1" * 310, "-" + "9" * 400, "1" * 5_000, "[" * 400 + "]" * 400, "[" * 976 + "]" * 976]


@both
@pytest.mark.parametrize("value", HUGE, ids=lambda value: f"{value[:2]}...{len(value)}")
@pytest.mark.parametrize(
    "message",
    [
        '{"end_utterance_silence_threshold": %s}',
        '{"type": %s}',
        '{"type": "UpdateConfiguration", "vad_threshold": %s}',
        '{"type": "UpdateConfiguration", "max_turn_silence": %s}',
        '{"type": "UpdateConfiguration", "prompt": %s}',
    ],
)
def test_values_too_large_to_convert_are_refused(factory, value, message):
    with pytest.raises(ProtocolViolation) as caught:
        factory.open(QUERY).decode(message % value)
    assert caught.value.failure in {Failure.BAD_JSON, Failure.BAD_MESSAGE, Failure.BAD_OPTION}
    assert len(caught.value.detail) < 250
