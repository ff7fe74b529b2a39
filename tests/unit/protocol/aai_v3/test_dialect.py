import json
from urllib.parse import parse_qsl

import pytest

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.aai_v3.messages import ErrorEvent, TurnEvent, decode_event
from vivavoce.protocol.events import (
    Audio,
    Configure,
    ForceEndpoint,
    KeepAlive,
    SessionBegan,
    SessionEnded,
    SessionFailed,
    Terminate,
    TurnUpdated,
)
from vivavoce.types import Encoding, Failure, Word

FACTORY = V3Factory()


def dialect(query=""):
    return FACTORY.open(parse_qsl(query))


def violation(call):
    with pytest.raises(ProtocolViolation) as caught:
        call()
    return caught.value


def test_the_defaults_are_those_of_universal_streaming():
    options = dialect().options
    assert (options.sample_rate, options.encoding) == (16_000, Encoding.PCM_S16LE)
    assert (options.min_silence_ms, options.max_silence_ms, options.end_of_turn_threshold) == (400, 1280, 0.4)
    assert not options.format_finals
    assert options.commit_words
    assert dialect().limits.idle_s is None


def test_parameters_are_read_as_the_sdk_writes_them():
    it = dialect(
        "format_turns=True&keyterms_prompt=%5B%22a+b%22%5D&sample_rate=8000&encoding=pcm_mulaw"
        "&min_turn_silence=160&max_turn_silence=900&end_of_turn_confidence_threshold=0.7"
        "&vad_threshold=0.3&inactivity_timeout=30&include_partial_turns=False&speech_model=x"
    )
    options = it.options
    assert options.format_finals
    assert options.format_partials
    assert options.key_terms == ("a b",)
    assert (options.sample_rate, options.encoding) == (8_000, Encoding.PCM_MULAW)
    assert (options.min_silence_ms, options.max_silence_ms, options.end_of_turn_threshold) == (160, 900, 0.7)
    assert options.speech_threshold == 0.3
    assert not options.partials
    assert it.limits.idle_s == 30


def test_the_old_name_of_the_short_silence_still_works():
    assert dialect("min_end_of_turn_silence_when_confident=250").options.min_silence_ms == 250
    both = "min_end_of_turn_silence_when_confident=250&min_turn_silence=0"
    assert dialect(both).options.min_silence_ms == 0


def test_the_first_name_of_format_turns_still_works():
    for spelling in ("true", "True"):
        options = dialect(f"formatted_finals={spelling}").options
        assert (options.format_partials, options.format_finals, options.punctuate_finals) == (True,) * 3
    assert not dialect("formatted_finals=true&format_turns=false").options.format_finals
    assert violation(lambda: dialect("formatted_finals=x")).detail.startswith("formatted_finals must be ")
    (change,) = dialect().decode('{"type":"UpdateConfiguration","formatted_finals":true}')
    assert change.format_turns


@pytest.mark.parametrize(
    ("query", "failure"),
    [
        ("sample_rate=7999", Failure.BAD_SAMPLE_RATE),
        ("sample_rate=x", Failure.BAD_SAMPLE_RATE),
        ("encoding=flac", Failure.BAD_ENCODING),
        ("format_turns=perhaps", Failure.BAD_OPTION),
        ("min_turn_silence=-1", Failure.BAD_OPTION),
        ("max_turn_silence=60001", Failure.BAD_OPTION),
        ("max_turn_silence=1.5", Failure.BAD_OPTION),
        ("end_of_turn_confidence_threshold=1.01", Failure.BAD_OPTION),
        ("end_of_turn_confidence_threshold=nan", Failure.BAD_OPTION),
        ("vad_threshold=loud", Failure.BAD_OPTION),
        ("inactivity_timeout=4", Failure.BAD_OPTION),
        ("keyterms_prompt=[a", Failure.BAD_OPTION),
        ("keyterms_prompt=" + json.dumps(["a"] * 101), Failure.BAD_OPTION),
        ("keyterms_prompt=" + json.dumps(["a" * 51]), Failure.BAD_OPTION),
    ],
)
def test_a_bad_query_is_refused(query, failure):
    caught = violation(lambda: dialect(query))
    assert caught.failure is failure
    closing = FACTORY.refuse(SessionFailed(caught.failure, caught.detail))
    (frame,) = closing.frames
    message = json.loads(frame)
    assert (message["type"], message["error_code"]) == ("Error", closing.code)
    assert closing.code == 3006


@pytest.mark.parametrize(
    ("message", "command"),
    [
        (b"\0\0", Audio(b"\0\0")),
        ('{"type": "Terminate"}', Terminate()),
        ('{"type": "ForceEndpoint"}', ForceEndpoint()),
        ('{"type": "KeepAlive"}', KeepAlive()),
        ('{"max_turn_silence":900,"type":"UpdateConfiguration"}', Configure(max_silence_ms=900)),
        (
            (
                '{"type":"UpdateConfiguration","min_end_of_turn_silence_when_confident":5,'
                '"end_of_turn_confidence_threshold":0.5,"vad_threshold":1,"format_turns":true,'
                '"session_heartbeat":true,"acknowledge_silence":false,"interruption_delay":100,'
                '"continuous_partials":false,"keyterms_prompt":null,"later_field":{}}'
            ),
            Configure(
                min_silence_ms=5,
                end_of_turn_threshold=0.5,
                speech_threshold=1.0,
                format_turns=True,
                heartbeat=True,
                acknowledge_silence=False,
                first_partial_ms=356,
                partials_ms=3_000,
            ),
        ),
    ],
)
def test_messages_become_commands(message, command):
    assert dialect().decode(message) == (command,)


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        ("x", Failure.BAD_JSON),
        ("7", Failure.BAD_MESSAGE),
        ("{}", Failure.BAD_MESSAGE),
        ('{"type": "Dance"}', Failure.BAD_MESSAGE),
        ('{"type": ["Terminate"]}', Failure.BAD_MESSAGE),
        ('{"type":"UpdateConfiguration","max_turn_silence":"long"}', Failure.BAD_OPTION),
        ('{"type":"UpdateConfiguration","max_turn_silence":-5}', Failure.BAD_OPTION),
        ('{"type":"UpdateConfiguration","vad_threshold":2}', Failure.BAD_OPTION),
    ],
)
def test_unknown_messages_are_violations(message, failure):
    assert violation(lambda: dialect().decode(message)).failure is failure


def test_the_size_of_a_text_message_counts_in_bytes():
    message = '{"type":"KeepAlive","x":"%s"}'
    assert dialect().decode(message % ("e" * 131_000))
    assert (
        violation(lambda: dialect().decode(message % ("\u00e9" * 66_000))).failure
        is Failure.MESSAGE_TOO_LARGE
    )


def test_begin_has_whole_seconds_and_the_configuration():
    (frame,) = dialect("mode=min_latency").encode(SessionBegan("id", 1_700_000_000.9), 0)
    begin = json.loads(frame)
    assert (begin["type"], begin["id"], begin["expires_at"]) == ("Begin", "id", 1_700_000_000)
    assert begin["configuration"] == {
        "model": "universal-streaming-english",
        "mode": "min_latency",
        "api_version": "2025-05-12",
        "speaker_labels": False,
        "redact_pii": False,
        "filter_profanity": False,
        "domain": None,
        "voice_focus": None,
    }


def test_the_transcript_of_an_unfinished_turn_holds_only_final_words():
    words = (Word("hi,", 0, 100, 0.9, is_final=True), Word("son", 120, 300, 0.4))
    (frame,) = dialect().encode(TurnUpdated(2, 0, 400, words, end_of_turn_confidence=0.25), 0)
    message = json.loads(frame)
    assert message["transcript"] == "hi,"
    assert message["utterance"] == ""
    assert [word["word_is_final"] for word in message["words"]] == [True, False]
    assert (message["turn_order"], message["end_of_turn"]) == (2, False)
    assert message["end_of_turn_confidence"] == 0.25


@pytest.mark.parametrize("query", ["", "format_turns=true", "speech_model=universal-3-6-pro"])
@pytest.mark.parametrize("formatted", [False, True])
@pytest.mark.parametrize("ended", [False, True])
def test_only_the_formatted_end_of_a_turn_is_marked_as_formatted(query, formatted, ended):
    """Published programs print a turn as final when it is marked, whatever else it says."""
    words = (Word("Hi,", 0, 100, 0.5, is_final=True),)
    (frame,) = dialect(query).encode(TurnUpdated(0, 0, 400, words, ended=ended, formatted=formatted), 0.0)
    assert json.loads(frame)["turn_is_formatted"] is (formatted and ended)


@pytest.mark.parametrize("channel", [None, 1])
def test_turns_are_encoded_without_a_detour(monkeypatch, channel):
    """They are most of what a server writes; an optional field that is None makes each take much longer."""
    monkeypatch.setattr(TurnEvent, "model_dump", None)
    words = (Word("null,", 0, 100, 0.5, is_final=True), Word("null", 100, 200, 0.5))
    (frame,) = dialect().encode(TurnUpdated(0, 0, 400, words, channel=channel), 0.0)
    assert json.loads(frame).get("channel") == channel


def test_a_text_that_looks_like_a_missing_field_is_sent_as_it_is():
    words = (Word('"speaker":null,', 0, 100, 0.5, is_final=True),)
    (frame,) = dialect().encode(TurnUpdated(0, 0, 400, words), 0.0)
    assert json.loads(frame)["words"][0]["text"] == '"speaker":null,'
    assert "speaker" not in json.loads(frame)["words"][0]


def test_a_finished_turn_has_its_utterance():
    words = (Word("Hi.", 0, 100, 0.9, is_final=True),)
    (frame,) = dialect().encode(TurnUpdated(0, 0, 400, words, ended=True, formatted=True), 0)
    message = decode_event(frame)
    assert isinstance(message, TurnEvent)
    assert (message.transcript, message.utterance, message.turn_is_formatted) == ("Hi.", "Hi.", True)


def test_termination_has_whole_seconds():
    closing = dialect().closing(SessionEnded(audio_ms=10_600, session_ms=11_400))
    assert json.loads(closing.frames[0]) == {
        "type": "Termination",
        "audio_duration_seconds": 11,
        "session_duration_seconds": 11,
    }
    assert closing.code == 1000


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure.UNAUTHORIZED, 1008),
        (Failure.BAD_JSON, 3006),
        (Failure.BAD_MESSAGE, 3006),
        (Failure.AUDIO_TOO_SHORT, 3007),
        (Failure.AUDIO_TOO_LONG, 3007),
        (Failure.AUDIO_TOO_FAST, 3007),
        (Failure.IDLE, 3006),
        (Failure.EXPIRED, 3008),
        (Failure.BUSY, 3009),
        (Failure.INTERNAL, 3005),
    ],
)
def test_failures_have_the_documented_codes(failure, code):
    assert dialect().closing(SessionFailed(failure)).code == code


@pytest.mark.parametrize("failure", [Failure.AUDIO_TOO_SHORT, Failure.AUDIO_TOO_LONG])
def test_the_text_about_the_length_of_a_message_is_the_vendors_own(failure):
    detail = "25.0 ms. Expected between 50 and 1000 ms"
    text = "Input Duration Error: Input Duration Violation: 25.0 ms. Expected between 50 and 1000 ms"
    closing = dialect().closing(SessionFailed(failure, detail))
    assert (closing.code, closing.reason) == (3007, text)
    assert json.loads(closing.frames[0]) == {"type": "Error", "error": text, "error_code": 3007}


@pytest.mark.parametrize("failure", list(Failure))
def test_errors_have_all_details(failure):
    closing = dialect().closing(SessionFailed(failure, "€" * 100))
    assert json.loads(closing.frames[0])["error"].endswith("€" * 100)


def test_the_client_skips_messages_whose_type_is_no_text():
    assert decode_event('{"type": ["Turn"]}') is None


def test_the_client_reads_what_the_vendor_sends():
    error = decode_event('{"error": "No."}')
    assert error == ErrorEvent(error="No.")
    turn = decode_event(
        '{"turn_order":0,"turn_is_formatted":true,"end_of_turn":true,"transcript":"Hi.","words":[{"start":1,'
        '"end":2,"text":"Hi.","confidence":1,"word_is_final":true,"speaker":null}],"utterance":"Hi.",'
        '"end_of_turn_confidence":1.0,"language_code":"en","later":[1],"type":"Turn"}'
    )
    assert (turn.language_code, turn.words[0].speaker, turn.channel) == ("en", None, None)
    revision = decode_event(
        '{"type":"SpeakerRevision","revisions":[{"turn_order":0,"speaker_label":"A","words":[]}]}'
    )
    assert revision.revisions[0].speaker_label == "A"
    answer = decode_event(
        '{"type":"LLMGatewayResponse","turn_order":0,"transcript":"Hi.","data":{"choices":[]}}'
    )
    assert answer.data == {"choices": []}
