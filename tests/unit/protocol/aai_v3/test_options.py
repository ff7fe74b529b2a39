"""Every parameter of v3 has its effect, is refused, or gives a warning."""

import dataclasses
import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.aai_v3.parameters import PARAMETERS, UPDATE_PARAMETERS
from vivavoce.protocol.events import (
    Configure,
    Heartbeat,
    SessionBegan,
    SilenceDetected,
    SpeechStarted,
    TurnUpdated,
    Warn,
    Warned,
    Webhook,
)
from vivavoce.types import Codec, Failure, PiiPolicy, Word


def dialect(query="", **values):
    pairs = parse_qsl(query) + [(name, str(value)) for name, value in values.items()]
    return V3Factory().open(pairs)


def refusal(query):
    with pytest.raises(ProtocolViolation) as caught:
        dialect(query)
    assert len(caught.value.detail) < 123
    return caught.value


def sent(it, event):
    return [json.loads(frame) for frame in it.encode(event, 0)]


# --- models -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", ["universal-streaming-english", "universal-streaming-next", "moonshine-tiny-en"]
)
def test_universal_streaming_models_commit_words(model):
    it = dialect(speech_model=model)
    assert it.options.commit_words
    assert it.options.warnings == ()
    assert sent(it, SessionBegan("id", 0))[0]["configuration"]["model"] == model


@pytest.mark.parametrize(
    "model",
    [
        "universal-3-6-pro", "universal-3-5-pro", "u3-rt-pro", "u3-rt-pro-beta-1", "u3-pro",
        "assemblyai-stt-3-7-realtime", "assemblyai-stt-4", "universal-3-7-pro", "u3-next",
    ],
)  # fmt: skip
def test_universal_3_models_restate_formatted_turns(model):
    it = dialect(speech_model=model)
    options = it.options
    assert (options.commit_words, options.format_partials, options.format_finals) == (False, True, True)
    assert (options.min_silence_ms, options.max_silence_ms, options.warnings) == (128, 1_280, ())
    (partial,) = sent(it, TurnUpdated(0, 0, 1, (Word("Hi.", 0, 1, 0.5),), end_of_turn_confidence=0.8))
    assert (partial["transcript"], partial["end_of_turn_confidence"], partial["utterance"]) == ("Hi.", 0, "")
    (final,) = sent(it, TurnUpdated(0, 0, 1, (Word("Hi.", 0, 1, 0.5, True),), True, True, 0.3))
    assert (final["transcript"], final["end_of_turn_confidence"], final["utterance"]) == ("Hi.", 1, "Hi.")


def test_only_universal_3_models_report_the_start_of_speech():
    event = SpeechStarted(4_480, 0.95)
    assert sent(dialect(), event) == []
    assert sent(dialect(speech_model="universal-3-6-pro"), event) == [
        {"type": "SpeechStarted", "timestamp": 4_480, "confidence": 0.95}
    ]


@pytest.mark.parametrize(
    "model", ["universal-streaming-multilingual", "whisper-rt", "tomorrow-s-model", "universal", "u4-pro"]
)
def test_other_models_are_accepted_with_a_warning(model):
    (warning,) = dialect(speech_model=model).options.warnings
    assert model in warning


def test_the_documented_defaults_are_those_that_apply():
    documented = {name: each.default for name, each in PARAMETERS.items() if each.default is not None}
    given = dialect(**documented).options
    (warning,) = given.warnings  # redact_pii_sub is given, but redact_pii is off
    expected = dataclasses.replace(dialect().options, speech_threshold=0.5, warnings=(warning,))
    assert given == expected
    assert len(documented) > 10


# --- parameters with an effect ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("min_latency", (128, 640, 256)), ("balanced", (128, 1_280, 756)), ("max_accuracy", (512, 2_560, 756))],
)
def test_modes(mode, expected):
    options = dialect(mode=mode, speech_model="universal-3-6-pro").options
    assert (options.min_silence_ms, options.max_silence_ms, options.first_partial_ms) == expected
    options = dialect(f"mode={mode}&min_turn_silence=300&max_turn_silence=301&interruption_delay=9").options
    assert (options.min_silence_ms, options.max_silence_ms, options.first_partial_ms) == (300, 301, 265)


def test_universal_3_models_limit_the_short_silence():
    for asked, used in ((0, 50), (400, 400), (20_000, 10_000)):
        options = dialect(speech_model="u3-rt-pro", min_turn_silence=asked).options
        assert options.min_silence_ms == used
    assert dialect("min_turn_silence=0").options.min_silence_ms == 0


def test_lists_are_json_or_have_commas():
    for terms in ('["Ada", "Grace Hopper"]', "Ada, Grace Hopper", "Ada,Grace Hopper,"):
        assert dialect(keyterms_prompt=terms).options.key_terms == ("Ada", "Grace Hopper")
    assert not any("'en'" in warning for warning in dialect(language_codes="en,de").options.warnings)
    assert any("'de'" in warning for warning in dialect(language_codes="en,de").options.warnings)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (400, 1_280)),
        ("min_turn_silence=2000", (2_000, 2_000)),
        ("max_turn_silence=300", (300, 300)),
        ("min_turn_silence=800&max_turn_silence=800", (800, 800)),
        ("mode=min_latency&min_turn_silence=900", (900, 900)),
        ("mode=max_accuracy&max_turn_silence=100", (100, 100)),
    ],
)
def test_a_default_silence_gives_way_to_one_that_was_set(query, expected):
    options = dialect(query).options
    assert (options.min_silence_ms, options.max_silence_ms) == expected


def test_the_vendors_presets():
    options = dialect(
        "end_of_turn_confidence_threshold=0.7&min_turn_silence=800&max_turn_silence=3600"  # conservative
    ).options
    assert (options.end_of_turn_threshold, options.min_silence_ms, options.max_silence_ms) == (
        0.7,
        800,
        3_600,
    )
    assert dialect().options.end_of_turn_threshold == 0.4  # balanced


def test_partials_can_be_rare_at_an_interval_or_off():
    assert dialect().options.partials_ms is None
    assert dialect("continuous_partials=False").options.partials_ms == 3_000
    assert not dialect("continuous_partials=True").options.partials_ms
    assert dialect("partials_ms=500&continuous_partials=false").options.partials_ms == 500
    assert not dialect("include_partial_turns=False").options.partials


def test_heartbeats_silence_and_warnings():
    options = dialect("session_heartbeat=True&acknowledge_silence=true").options
    assert (options.heartbeat, options.acknowledge_silence) == (True, True)
    it = dialect()
    assert sent(it, Heartbeat(audio_ms=4_900, session_ms=5_000, max_speech_probability=0.5)) == [
        {
            "type": "Heartbeat",
            "total_audio_received_ms": 4_900,
            "total_duration_ms": 5_000,
            "realtime_factor": 0.98,
            "max_speech_probability": 0.5,
        }
    ]
    assert sent(it, SilenceDetected(10, 1_010)) == [{"type": "Silence", "start_ms": 10, "end_ms": 1_010}]
    (message,) = sent(it, Warned("well"))
    assert message == {"type": "Warning", "warning_code": 2001, "warning": "well"}


@pytest.mark.parametrize("codec", list(Codec))
def test_codecs(codec):
    assert dialect(encoding=codec.value).options.encoding is codec


def test_webhooks():
    assert dialect().webhook is None
    assert dialect(webhook_url="https://a.example/x?y").webhook == Webhook("https://a.example/x?y")
    it = dialect(
        "webhook_url=http://a:8/&webhook_auth_header_name=X-Key&webhook_auth_header_value=topsecret"
    ).webhook
    assert it == Webhook("http://a:8/", ("X-Key", "topsecret"))
    assert "topsecret" not in repr(it)


def test_redaction_turns_partials_off():
    for policies in ('["phone_number"]', "phone_number", " phone_number ,"):
        options = dialect(redact_pii="True", redact_pii_policies=policies).options
        assert options.redaction.policies == ("phone_number",)
        assert not options.partials
    everything = dialect("redact_pii=true").options
    assert set(everything.redaction.policies) == set(PiiPolicy)
    (warning,) = everything.warnings
    assert "email_address" in warning
    (warning,) = dialect(
        "redact_pii=true&redact_pii_policies=url&include_partial_turns=true"
    ).options.warnings
    assert warning.startswith("include_partial_turns")
    assert dialect("redact_pii=true&redact_pii_policies=[]").options == everything
    assert refusal("redact_pii=true&redact_pii_policies=phone_number,blood_type").detail.startswith(
        "redact_pii_policies: this server can't redact 'blood_type'"
    )


@pytest.mark.parametrize(
    "query",
    ["redact_pii_policies=person_name", "redact_pii=false&redact_pii_policies=url", "redact_pii_sub=hash"],
)
def test_redaction_details_without_redaction_give_a_warning(query):
    options = dialect(query).options
    assert options.redaction is None
    (warning,) = options.warnings
    assert "no effect without redact_pii" in warning


@pytest.mark.parametrize(
    ("name", "value"), [("redact_pii", True), ("redact_pii_policies", ["url"]), ("redact_pii_sub", "hash")]
)
def test_redaction_cannot_be_changed_during_a_session(name, value):
    with pytest.raises(ProtocolViolation, match=f"{name} can't be changed") as caught:
        dialect().decode(json.dumps({"type": "UpdateConfiguration", name: value}))
    assert caught.value.failure is Failure.BAD_OPTION


# --- parameters without effect ----------------------------------------------------------------

WITHOUT_EFFECT = {
    "prompt": "Be exact.",
    "agent_context": "A bank.",
    "previous_context_n_turns": 3,
    "language_detection": "true",
    "speaker_labels": True,
    "domain": "medical-v1",
    "voice_focus": "near-field",
    "noise_suppression_model": "far-field",
    "turn_left_pad_ms": 100,
    "max_turn_duration": 9_000,
    "customer_support_audio_capture": True,
    "llm_gateway": '{"model": "x"}',
    "language_code": "de",
    "language": "multi",
    "language_codes": '["fr"]',
}


@pytest.mark.parametrize(("name", "value"), WITHOUT_EFFECT.items(), ids=list(WITHOUT_EFFECT))
def test_parameters_without_effect_give_a_warning(name, value):
    (warning,) = dialect(**{name: value}).options.warnings
    assert warning.startswith(name)


@pytest.mark.parametrize("query", ["max_speakers=2", "speaker_labels_revision_interval_ms=300000"])
def test_a_detail_of_an_option_that_is_off_asks_for_nothing(query):
    assert dialect(query).options.warnings == ()
    (warning,) = dialect(f"speaker_labels=true&{query}").options.warnings
    assert warning.startswith("speaker_labels is accepted")


def test_key_terms_apply_from_the_start_and_from_a_change():
    options = dialect(keyterms_prompt=json.dumps(["Vivavoce", " viva  voce ", "Vivavoce"])).options
    assert options.key_terms == ("Vivavoce", "viva voce")
    assert options.warnings == ()
    message = '{"type":"UpdateConfiguration","keyterms_prompt":["L\u00fcbeck"]}'
    assert dialect().decode(message) == (Configure(key_terms=("Lübeck",)),)


def test_key_terms_that_the_model_cannot_write_give_a_warning():
    terms = ["Vivavoce", "\u041b\u0435\u0432", "", "\u6771\u4eac"]
    options = dialect(keyterms_prompt=json.dumps(terms)).options
    assert options.key_terms == ("Vivavoce",)
    (warning,) = options.warnings
    assert warning == "keyterms_prompt: the model can't write 'Лев', '', '東京': no effect"
    change, warn = dialect().decode(json.dumps({"type": "UpdateConfiguration", "keyterms_prompt": terms}))
    assert change == Configure(key_terms=("Vivavoce",))
    assert warn == Warn(warning)


@pytest.mark.parametrize(
    "query",
    [
        "prompt=&domain=&speaker_labels=False&max_speakers=&llm_gateway={}&keyterms_prompt=[]",
        "language_code=en&language=en_US",
        "language_codes=" + json.dumps(["en-GB"]),
        "filter_profanity=false&language_detection=0&customer_support_audio_capture=false",
        "previous_context_n_turns=0&speaker_labels_revision_interval_ms=0&turn_left_pad_ms=0",
        "something_new=1",
    ],
)
def test_parameters_that_are_off_give_no_warning(query):
    assert dialect(query).options.warnings == ()


def test_thresholds_without_effect_give_a_warning_too():
    warnings = dialect("voice_focus=near-field&voice_focus_threshold=0.5").options.warnings
    assert len(warnings) == 2


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("prompt=" + "a" * 1_751, "1751"),
        ("agent_context=" + "a" * 1_751, "1751"),
        ("previous_context_n_turns=101", "101"),
        ("max_speakers=11", "11"),
        ("max_speakers=two", "'two'"),
        ("speaker_labels_revision_interval_ms=-1", "-1"),
        ("domain=legal", "'legal'"),
        ("voice_focus=mid-field", "'mid-field'"),
        ("voice_focus_threshold=0.5", "voice_focus"),
        ("voice_focus=near-field&voice_focus_threshold=1.5", "1.5"),
        ("voice_focus=near-field&voice_focus_threshold=0_1", "0_1"),
        ("voice_focus=near-field&voice_focus_threshold=nan", "nan"),
        ("noise_suppression_threshold=0.5", "noise_suppression_model"),
        ("mode=warp", "'warp'"),
        ("interruption_delay=1001", "1001"),
        ("min_turn_silence=-1", "0..60000"),
        ("max_turn_silence=60001", "0..60000"),
        ("end_of_turn_confidence_threshold=1.1", "0..1"),
        (
            "min_turn_silence=900&max_turn_silence=800",
            "min_turn_silence must be at most max_turn_silence, 800, got 900",
        ),
        (
            "min_end_of_turn_silence_when_confident=9&max_turn_silence=8",
            "when_confident must be at most max_turn_silence, 8, got 9",
        ),
        ("turn_left_pad_ms=-1", "-1"),
        ("partials_ms=10", "10"),
        ("language_codes=" + json.dumps(["a"] * 11), "11"),
        ("language_codes=" + json.dumps(["multi", "en"]), "multi"),
        ("language_codes={en", "{en"),
        ("keyterms_prompt=7", "7"),
        ("llm_gateway=[]", "'[]'"),
        ("redact_pii=true&redact_pii_policies=person_name", "person_name"),
        ("redact_pii=true&redact_pii_policies=" + json.dumps(["phone_number", "drug"]), "drug"),
        ("redact_pii_sub=stars", "'stars'"),
        ("webhook_url=ftp://a/", "ftp://a/"),
        ("webhook_url=nonsense", "nonsense"),
        ("webhook_url=http://[a/", "http or https address, got 'http://[a/'"),
        ("channels=2&encoding=opus", "channels must be 1 for opus, got 2"),
        ("channels=3", "channels must be a whole number in 1..2, got '3'"),
        ("webhook_url=http://a:99999/", "99999"),
        ("webhook_url=http://a/&webhook_auth_header_name=X", "go together"),
        ("webhook_url=http://a/&webhook_auth_header_name=X:%0A&webhook_auth_header_value=1", "X:"),
        ("webhook_url=http://a/&webhook_auth_header_name=X&webhook_auth_header_value=%0A1", "header_value"),
        ("session_heartbeat=maybe", "'maybe'"),
        ("acknowledge_silence=2", "'2'"),
        ("inactivity_timeout=3601", "3601"),
    ],
)
def test_invalid_values_are_refused_by_name_and_value(query, named):
    violation = refusal(query)
    assert violation.failure is Failure.BAD_OPTION
    assert named in violation.detail


# --- during a session -------------------------------------------------------------------------


def test_changes_come_with_their_warnings():
    message = '{"type":"UpdateConfiguration","prompt":"Hm","max_turn_silence":900,"language_codes":["de"]}'
    change, *warnings = dialect().decode(message)
    assert change == Configure(max_silence_ms=900)
    assert [warning.text.split(" ")[0] for warning in warnings] == ["language_codes", "prompt"]
    assert all(isinstance(warning, Warn) for warning in warnings)


def test_cleared_parameters_give_no_warning():
    message = '{"type":"UpdateConfiguration","prompt":"","language_codes":[],"keyterms_prompt":[]}'
    assert dialect().decode(message) == (Configure(key_terms=()),)


def test_universal_3_models_always_format():
    it = dialect(speech_model="universal-3-6-pro")
    change, warning = it.decode('{"type":"UpdateConfiguration","format_turns":false}')
    assert change == Configure()
    assert "always formatted" in warning.text


@pytest.mark.parametrize("name", UPDATE_PARAMETERS)
def test_every_field_of_an_update_is_read(name):
    with pytest.raises(ProtocolViolation, match=name):
        dialect().decode(json.dumps({"type": "UpdateConfiguration", name: {"wrong": 1}}))


@pytest.mark.parametrize("message", ["x" * 131_073, bytes(131_073)])
def test_a_message_may_have_128_kib(message):
    with pytest.raises(ProtocolViolation) as caught:
        dialect().decode(message)
    assert caught.value.failure is Failure.MESSAGE_TOO_LARGE
    assert dialect().decode(bytes(131_072))


names = st.sampled_from(
    [
        *WITHOUT_EFFECT,
        *UPDATE_PARAMETERS,
        *["sample_rate", "encoding", "speech_model", "inactivity_timeout", "voice_focus_threshold"],
        *["redact_pii", "redact_pii_policies", "redact_pii_sub", "webhook_url", "webhook_auth_header_name"],
        *["webhook_auth_header_value", "include_partial_turns", "channels"],
    ]
)
texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["true", "False", "0", "1", "-1", "1e999", "nan", "[]", '["a"]', "{}", "null", "[" * 2_000]
    ),
)


@given(st.lists(st.tuples(names, texts), max_size=6))
def test_any_query_is_accepted_or_refused(pairs):
    try:
        dialect_options = V3Factory().open(pairs).options
    except ProtocolViolation as violation:
        assert violation.failure in {  # noqa: PT017
            Failure.BAD_OPTION,
            Failure.BAD_ENCODING,
            Failure.BAD_SAMPLE_RATE,
        }
        assert violation.detail  # noqa: PT017
    else:
        assert all(isinstance(warning, str) for warning in dialect_options.warnings)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(0, 2), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)


@given(st.dictionaries(names, json_values, max_size=5))
def test_any_update_is_accepted_or_refused(fields):
    try:
        commands = dialect().decode(json.dumps({**fields, "type": "UpdateConfiguration"}))
    except ProtocolViolation as violation:
        assert violation.failure is Failure.BAD_OPTION  # noqa: PT017
    else:
        assert isinstance(commands[0], Configure)
