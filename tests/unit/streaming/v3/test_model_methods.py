"""Messages and parameters behave as the vendor's pydantic models where programs rely on that."""

import json
from datetime import UTC, datetime

import pytest

import vivavoce
from vivavoce.streaming.v3 import (
    BeginEvent,
    DualChannelTurnEvent,
    DualChannelWord,
    LLMGatewayConfig,
    LLMGatewayMessage,
    SessionConfiguration,
    SpeakerRevisionEvent,
    StreamingMode,
    StreamingParameters,
    StreamingSessionParameters,
    TurnEvent,
    Word,
)

WORD = {"start": 0, "end": 300, "text": "Good", "confidence": 0.9, "word_is_final": True}
TURN = {
    "type": "Turn",
    "turn_order": 1,
    "turn_is_formatted": True,
    "end_of_turn": True,
    "transcript": "Good",
    "end_of_turn_confidence": 0.8,
    "words": [WORD],
}


@pytest.mark.parametrize(
    "make", [TurnEvent.parse_obj, TurnEvent.model_validate, lambda turn: TurnEvent(**turn)]
)
def test_a_turn_is_made_of_nested_dictionaries(make):
    turn = make(TURN)
    assert turn.words == [Word(**WORD)]
    assert turn.words[0].text == "Good"
    assert TurnEvent.model_validate(turn) is turn


@pytest.mark.parametrize("make", [TurnEvent.parse_raw, TurnEvent.model_validate_json])
@pytest.mark.parametrize(
    "encode", [json.dumps, lambda turn: json.dumps(turn).encode()], ids=["text", "bytes"]
)
def test_a_turn_is_made_of_json(make, encode):
    assert make(encode(TURN)) == TurnEvent(**TURN)


def test_a_message_becomes_plain_data():
    turn = TurnEvent.parse_obj(TURN)
    assert turn.dict() == turn.model_dump()
    assert turn.dict()["words"][0] == {**WORD, "speaker": None, "speaker_confidence": None}
    assert turn.model_dump(exclude_none=True)["words"] == [WORD]
    assert json.loads(turn.json()) == json.loads(turn.model_dump_json()) == turn.dict()
    assert json.loads(turn.json(exclude_none=True)) == {**TURN, "utterance": ""}
    assert TurnEvent.parse_obj(turn.dict()) == turn


def test_all_nested_fields_are_converted():
    begin = BeginEvent(id="a", expires_at=datetime(2030, 1, 1, tzinfo=UTC), configuration={"model": "m"})
    assert begin.configuration == SessionConfiguration(model="m")
    mixed = DualChannelTurnEvent(**{**TURN, "words": [{**WORD, "channel": "mic"}]})
    assert mixed.words == [DualChannelWord(**WORD, channel="mic")]
    revision = SpeakerRevisionEvent(revisions=[{"turn_order": 1, "words": [WORD]}])
    assert revision.revisions[0].words == [Word(**WORD)]
    config = LLMGatewayConfig(model="m", messages=[{"role": "user", "content": "hi"}], max_tokens=9)
    assert config.messages == [LLMGatewayMessage(role="user", content="hi")]


def test_texts_count_as_the_numbers_that_they_contain():
    turn = TurnEvent.parse_obj({**TURN, "turn_order": "1", "end_of_turn": "true"})
    assert (turn.turn_order, turn.end_of_turn) == (1, True)
    begin = BeginEvent.model_validate({"id": "a", "expires_at": 1_893_456_000})
    assert begin.expires_at == datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("broken", [{}, {**TURN, "turn_order": "one"}, {**TURN, "words": [{}]}, None, [TURN]])
def test_an_invalid_message_is_a_value_error(broken):
    with pytest.raises(ValueError, match="TurnEvent must have valid fields"):
        TurnEvent.model_validate(broken)
    with pytest.raises(vivavoce.ConfigurationError):
        TurnEvent.parse_raw(json.dumps(broken))
    with pytest.raises(vivavoce.ConfigurationError, match="JSON"):
        TurnEvent.parse_raw("{")


def test_messages_of_v2_have_the_methods_too():
    given = {
        "message_type": "FinalTranscript",
        "audio_start": 0,
        "audio_end": 300,
        "confidence": 0.9,
        "text": "Good",
        "words": [{"start": 0, "end": 300, "confidence": 0.9, "text": "Good"}],
        "created": "2030-01-01T00:00:00",
        "punctuated": True,
        "text_formatted": True,
    }
    transcript = vivavoce.RealtimeFinalTranscript.parse_obj(given)
    assert transcript.words == [vivavoce.RealtimeWord(start=0, end=300, confidence=0.9, text="Good")]
    assert json.loads(transcript.json()) == given
    assert transcript.dict()["created"] == datetime(2030, 1, 1)  # noqa: DTZ001  - v2 has no zones
    made = vivavoce.RealtimeFinalTranscript(**{**given, "created": transcript.created})
    assert made.words == transcript.words


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("sample_rate", "16000", 16_000),
        ("sample_rate", 16_000.0, 16_000),
        ("max_turn_silence", " 800 ", 800),
        ("format_turns", "true", True),
        ("format_turns", "False", False),
        ("format_turns", "yes", True),
        ("format_turns", "off", False),
        ("format_turns", 1, True),
        ("format_turns", 0, False),
        ("vad_threshold", "0.5", 0.5),
        ("end_of_turn_confidence_threshold", "1e-1", 0.1),
        ("mode", "balanced", StreamingMode.balanced),
        ("prompt", "16000", "16000"),
    ],
)
def test_texts_as_values_of_parameters(name, given, value):
    parameters = StreamingParameters.parse_obj({"sample_rate": 16_000, name: given})
    found = getattr(parameters, name)
    assert (found, type(found)) == (value, type(value))
    assert StreamingParameters(**parameters.dict()) == parameters
    assert json.loads(parameters.json(exclude_none=True))[name] == value


@pytest.mark.parametrize(
    ("name", "given"),
    [("sample_rate", "16_000"), ("sample_rate", "16 kHz"), ("format_turns", "maybe"), ("format_turns", 2)],
)
def test_texts_that_are_no_values(name, given):
    with pytest.raises(vivavoce.ConfigurationError, match=f"{name} must be"):
        StreamingParameters(**{"sample_rate": 16_000, name: given})


def test_parameters_that_cannot_be_made():
    with pytest.raises(vivavoce.ConfigurationError, match="must be made of a mapping"):
        StreamingSessionParameters.parse_obj([1])
    with pytest.raises(vivavoce.ConfigurationError, match="LLMGatewayMessage must have valid fields"):
        LLMGatewayConfig(model="m", messages=[{"role": "user"}], max_tokens=9)
