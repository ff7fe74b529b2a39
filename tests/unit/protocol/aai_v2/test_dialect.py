import base64
import json
from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import pytest

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS
from vivavoce.protocol.aai_v2.dialect import V2Factory
from vivavoce.protocol.aai_v2.messages import (
    ErrorMessage,
    RealtimeFinalTranscript,
    RealtimeSessionOpened,
    RealtimeSpeakerRevision,
    decode_server_message,
    end_utterance_silence_threshold,
    force_end_utterance,
    terminate_session,
)
from vivavoce.protocol.events import (
    Audio,
    Configure,
    ForceEndpoint,
    SessionBegan,
    SessionEnded,
    SessionFailed,
    SpeakerRequest,
    SpeakersRevised,
    SpeechStarted,
    Terminate,
    TurnUpdated,
)
from vivavoce.protocol.served_models import ServedModel, ServedModels
from vivavoce.types import Encoding, Failure, Word

FACTORY = V2Factory()
SESSION_ID = "f14499a6-c399-4c30-b1eb-0a33af64b1d9"


def dialect(query="sample_rate=16000"):
    return FACTORY.open(parse_qsl(query))


def violation(call):
    with pytest.raises(ProtocolViolation) as caught:
        call()
    return caught.value


def test_the_only_required_parameter_is_the_rate():
    options = dialect("sample_rate=44100").options
    assert (options.sample_rate, options.encoding, options.partials) == (44_100, Encoding.PCM_S16LE, True)
    assert (options.min_silence_ms, options.max_silence_ms) == (700, 700)
    assert not options.format_partials
    assert options.format_finals
    assert not options.commit_words


def test_booleans_come_capitalised_from_the_python_sdk():
    assert not dialect("sample_rate=8000&disable_partial_transcripts=True").options.partials
    assert dialect("sample_rate=8000&disable_partial_transcripts=false").options.partials


def test_word_boost_is_form_encoded_json():
    options = dialect("sample_rate=16000&word_boost=%5B%22foo+bar%22%2C+%22b%22%5D").options
    assert options.key_terms == ("foo bar", "b")


@pytest.mark.parametrize(
    ("query", "failure", "code"),
    [
        ("", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=abc", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=0", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=-16000", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=16000.5", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=16_000", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=\u0661\u0666000", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=4000", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=192000", Failure.BAD_SAMPLE_RATE, 4000),
        ("sample_rate=16000&encoding=mp3", Failure.BAD_ENCODING, 4101),
        ("sample_rate=16000&word_boost=foo", Failure.BAD_WORD_BOOST, 4104),
        ("sample_rate=16000&word_boost=[1]", Failure.BAD_WORD_BOOST, 4104),
        ('sample_rate=16000&word_boost=["' + "a" * 2_501 + '"]', Failure.BAD_WORD_BOOST, 4104),
        ("sample_rate=16000&disable_partial_transcripts=maybe", Failure.BAD_OPTION, 4101),
        ("sample_rate=16000&redact_pii=true", Failure.BAD_OPTION, 4101),
    ],
)
def test_a_bad_query_is_refused_with_the_protocols_code(query, failure, code):
    caught = violation(lambda: dialect(query))
    assert caught.failure is failure
    closing = FACTORY.refuse(SessionFailed(caught.failure, caught.detail))
    assert closing.code == code
    assert len(closing.reason.encode()) <= 123
    (frame,) = closing.frames
    assert "message_type" not in json.loads(frame)
    assert json.loads(frame)["error"].startswith(CLOSE_TEXTS[code])


@pytest.mark.parametrize(
    ("message", "commands"),
    [
        (b"\x01\x02", (Audio(b"\x01\x02"),)),
        (json.dumps({"audio_data": base64.b64encode(b"abcd").decode()}), (Audio(b"abcd"),)),
        (terminate_session(), (Terminate(),)),
        (force_end_utterance(), (ForceEndpoint(),)),
        (end_utterance_silence_threshold(0), (Configure(min_silence_ms=0, max_silence_ms=0),)),
        (
            end_utterance_silence_threshold(20_000),
            (Configure(min_silence_ms=20_000, max_silence_ms=20_000),),
        ),
        ('{"terminate_session": false}', ()),
    ],
)
def test_messages_become_commands(message, commands):
    assert dialect().decode(message) == commands


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        ("", Failure.BAD_JSON),
        ("{", Failure.BAD_JSON),
        ("[1]", Failure.BAD_MESSAGE),
        ("{}", Failure.BAD_MESSAGE),
        ('{"hello": 1}', Failure.BAD_MESSAGE),
        ('{"audio_data": "*"}', Failure.BAD_MESSAGE),
        ('{"audio_data": 7}', Failure.BAD_MESSAGE),
        ('{"terminate_session": "yes"}', Failure.BAD_MESSAGE),
        ('{"end_utterance_silence_threshold": -1}', Failure.BAD_MESSAGE),
        ('{"end_utterance_silence_threshold": 20001}', Failure.BAD_MESSAGE),
        ('{"end_utterance_silence_threshold": true}', Failure.BAD_MESSAGE),
        ('{"end_utterance_silence_threshold": 1.5}', Failure.BAD_MESSAGE),
    ],
)
def test_unknown_messages_are_violations(message, failure):
    assert violation(lambda: dialect().decode(message)).failure is failure


@pytest.mark.parametrize("value", [-1, 20_001, 1.5, "700", None, True, [700] * 99])
def test_an_invalid_threshold_is_refused_with_the_allowed_range(value):
    message = json.dumps({"end_utterance_silence_threshold": value})
    detail = violation(lambda: dialect().decode(message)).detail
    assert detail.startswith("end_utterance_silence_threshold must be a whole number in 0..20000, got ")
    assert len(detail) < 123


def test_session_begins_has_a_timestamp_without_a_zone():
    (frame,) = dialect().encode(SessionBegan(SESSION_ID, 1_700_000_000.5), 0)
    assert json.loads(frame)["expires_at"] == "2023-11-14T22:13:20.500000"
    message = decode_server_message(frame)
    expires_at = datetime.fromisoformat("2023-11-14T22:13:20.500000")
    assert message == RealtimeSessionOpened(session_id=UUID(SESSION_ID), expires_at=expires_at)
    assert message.expires_at.tzinfo is None


def test_partials_and_finals_carry_all_fields():
    words = (Word("hello", 10, 200, 0.91234), Word("world", 210, 400, 0.5))
    (partial,) = dialect().encode(TurnUpdated(0, 0, 500, words), 1_700_000_000)
    assert json.loads(partial) == {
        "message_type": "PartialTranscript",
        "audio_start": 0,
        "audio_end": 500,
        "confidence": 0.7062,
        "text": "hello world",
        "words": [
            {"start": 10, "end": 200, "confidence": 0.9123, "text": "hello"},
            {"start": 210, "end": 400, "confidence": 0.5, "text": "world"},
        ],
        "created": "2023-11-14T22:13:20",
    }
    (final,) = dialect().encode(TurnUpdated(0, 0, 500, words, ended=True, formatted=True, punctuated=True), 0)
    assert json.loads(final)["punctuated"] is True
    assert json.loads(final)["text_formatted"] is True
    assert isinstance(decode_server_message(final), RealtimeFinalTranscript)


def test_an_empty_update_has_an_empty_text_and_no_words():
    (frame,) = dialect().encode(TurnUpdated(3, 0, 1_000), 0)
    assert json.loads(frame)["text"] == ""
    assert json.loads(frame)["words"] == []


def test_v2_does_not_report_the_start_of_speech():
    assert dialect().encode(SpeechStarted(10, 0.9), 0) == ()


def test_session_information_comes_only_on_request():
    ended = SessionEnded(audio_ms=1_500, session_ms=2_000)
    assert dialect().closing(ended).frames == ('{"message_type":"SessionTerminated"}',)
    asked = dialect("sample_rate=16000&enable_extra_session_information=True")
    information, terminated = asked.closing(ended).frames
    assert json.loads(information) == {"message_type": "SessionInformation", "audio_duration_seconds": 1.5}
    assert json.loads(terminated) == {"message_type": "SessionTerminated"}
    assert asked.closing(ended).code == 1000


@pytest.mark.parametrize("failure", list(Failure))
def test_every_failure_has_a_documented_code(failure):
    closing = dialect().closing(SessionFailed(failure, "ä" * 200))
    assert closing.code in CLOSE_TEXTS
    assert "message_type" not in json.loads(closing.frames[0])


def test_the_client_knows_errors_without_a_type():
    assert decode_server_message('{"other": 1}') is None
    assert decode_server_message('{"error": "no"}') == ErrorMessage(error="no")


def test_unknown_fields_are_ignored():
    text = msgspec.json.encode(
        {
            "message_type": "SessionBegins",
            "session_id": SESSION_ID,
            "expires_at": "2031-01-02T03:04:05",
            "new": 1,
        }
    )
    expires_at = datetime.fromisoformat("2031-01-02T03:04:05")
    expected = RealtimeSessionOpened(session_id=UUID(SESSION_ID), expires_at=expires_at)
    assert decode_server_message(text) == expected


def test_v2_translates_where_a_model_can():
    english = ServedModel("moonshine-tiny-en", ("en",))
    many = ServedModel("whisper-base", ("en", "de"), translates=True)
    pairs = parse_qsl("sample_rate=16000&task=translate")
    options = FACTORY.open(pairs, ServedModels((english, many))).options
    assert (options.model, options.languages, options.translates) == ("whisper-base", (), True)
    options = FACTORY.open(pairs[:1], ServedModels((english, many))).options
    assert (options.model, options.languages, options.translates) == ("moonshine-tiny-en", ("en",), False)
    caught = violation(lambda: FACTORY.open(pairs, ServedModels((english,))))
    assert caught.failure is Failure.BAD_OPTION
    assert caught.detail == "task=translate: moonshine-tiny-en can't translate"
    assert violation(lambda: dialect("sample_rate=16000&task=x")).failure is Failure.BAD_OPTION


# --- speakers -----------------------------------------------------------------------------------

WITH_VOICES = ServedModels((ServedModel("moonshine-tiny-en", ("en",)),), labels_speakers=True)
SAID = TurnUpdated(
    turn_order=0,
    start_ms=100,
    end_ms=900,
    words=(Word("Hello.", 100, 400, 0.9), Word("Hi.", 500, 900, 0.9, speaker="B")),
    ended=True,
    speaker="A",
)


def labelled(query):
    return FACTORY.open(parse_qsl(f"sample_rate=16000&{query}"), WITH_VOICES)


def test_v2_labels_speakers_on_request():
    assert labelled("speaker_labels=true").options.speakers == SpeakerRequest()
    assert labelled("speaker_labels=True&max_speakers=3").options.speakers == SpeakerRequest(3)
    assert labelled("speaker_labels=false&max_speakers=3").options.speakers is None
    assert labelled("max_speakers=3").options.speakers is None
    caught = violation(lambda: labelled("speaker_labels=true&max_speakers=11"))
    assert "max_speakers" in caught.detail


def test_v2_refuses_speaker_labels_without_a_voice_encoder():
    caught = violation(lambda: dialect("sample_rate=16000&speaker_labels=true"))
    assert caught.failure is Failure.BAD_OPTION
    assert caught.detail == "speaker_labels: the server has no voice encoder"
    assert dialect("sample_rate=16000&speaker_labels=false").options.speakers is None


def test_a_labelled_final_says_who_speaks():
    [frame] = labelled("speaker_labels=true").encode(SAID, 0.0)
    fields = json.loads(frame)
    assert fields["speaker_label"] == "A"
    assert [word["speaker"] for word in fields["words"]] == ["A", "B"]
    final = decode_server_message(frame)
    assert (final.speaker_label, [word.speaker for word in final.words]) == ("A", ["A", "B"])


def test_without_labels_no_message_names_speakers():
    said = TurnUpdated(0, 100, 900, (Word("Hello.", 100, 400, 0.9),), ended=True)
    for turn in (said, TurnUpdated(0, 100, 900, said.words)):
        [frame] = dialect().encode(turn, 0.0)
        assert "speaker" not in frame
        message = decode_server_message(frame)
        assert message.words[0].speaker is None


def test_a_revision_names_utterances_by_their_times():
    [frame] = labelled("speaker_labels=true").encode(SpeakersRevised((SAID,)), 0.0)
    fields = json.loads(frame)
    assert fields["message_type"] == "SpeakerRevision"
    [item] = fields["revisions"]
    assert (item["audio_start"], item["audio_end"], item["speaker_label"]) == (100, 900, "A")
    assert [(word["text"], word["speaker"]) for word in item["words"]] == [("Hello.", "A"), ("Hi.", "B")]
    message = decode_server_message(frame)
    assert isinstance(message, RealtimeSpeakerRevision)
    assert message.revisions[0].words[1].speaker == "B"
