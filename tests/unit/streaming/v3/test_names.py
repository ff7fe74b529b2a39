"""``vivavoce.streaming.v3`` has every name of the vendor's package.

The names beside this file are those of assemblyai 1.8.2, which has all that 1.0.0 and 0.63.0 had.
"""

import dataclasses
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vivavoce.errors import ConfigurationError, RealtimeError
from vivavoce.streaming import v3
from vivavoce.streaming.v3 import models

VENDOR = json.loads((Path(__file__).parent / "vendor_names.json").read_text())
ALIASES = {
    "StreamingClient": "RealTimeTranscriber",
    "AsyncStreamingClient": "AsyncRealTimeTranscriber",
    "StreamingClientOptions": "RealTimeTranscriberOptions",
    "StreamingParameters": "RealTimeParameters",
    "StreamingSessionParameters": "RealTimeSessionParameters",
    "StreamingEvents": "RealTimeEvents",
    "StreamingError": "RealTimeError",
    "StreamingErrorCodes": "RealTimeErrorCodes",
}


def field_names(cls):
    return (
        {field.name for field in dataclasses.fields(cls)}
        if dataclasses.is_dataclass(cls)
        else set(cls.__struct_fields__)
    )


def test_every_public_name_is_there():
    assert len(VENDOR["public"]) == 45
    assert set(VENDOR["public"]) <= set(v3.__all__)
    for name in v3.__all__:
        assert getattr(v3, name) is not None


def test_every_name_of_the_models_is_there():
    assert set(VENDOR["models"]) <= set(models.__all__)
    for name in models.__all__:
        assert getattr(models, name) is not None


@pytest.mark.parametrize("name", sorted(VENDOR["fields"]))
def test_every_field_is_there(name):
    assert set(VENDOR["fields"][name]) <= field_names(getattr(models, name))


@pytest.mark.parametrize("name", sorted(VENDOR["members"]))
def test_every_choice_is_there(name):
    assert set(VENDOR["members"][name]) <= set(getattr(models, name).__members__)


@pytest.mark.parametrize("name", sorted(VENDOR["methods"]))
def test_every_method_takes_the_same_arguments(name):
    for method, wanted in VENDOR["methods"][name].items():
        ours = getattr(getattr(v3, name), method)
        accepted = list(inspect.signature(ours).parameters)
        extra = accepted[len(wanted) :]
        assert accepted[: len(wanted)] == wanted, method
        assert extra in ([], ["transport"]), method
        if name.startswith("Async") and method not in {"__init__", "on"}:
            assert inspect.iscoroutinefunction(ours), method


def test_old_and_new_names_are_the_same_objects():
    for old, new in ALIASES.items():
        assert getattr(v3, old) is getattr(v3, new)
    assert v3.RealTimeError is RealtimeError
    error = v3.StreamingError("no", code=3005)
    assert (error.code, error.status_code, str(error)) == (3005, 3005, "no")
    assert v3.RealTimeErrorCodes[3009] == "Too many concurrent sessions"
    assert v3.RealTimeErrorCodes[4001] == "Not Authorized"


def test_enumerations_print_as_what_is_sent():
    assert str(v3.SpeechModel.universal_streaming_english) == "universal-streaming-english"
    assert str(v3.Encoding.pcm_mulaw) == "pcm_mulaw"
    assert len(v3.StreamingPiiPolicy) == 47


def test_parameters_become_a_query(caplog):
    params = v3.StreamingParameters(
        sample_rate=16_000,
        format_turns=True,
        keyterms_prompt=["a b"],
        speech_model="universal-streaming-english",
        noise_suppression_model="near-field",
        min_end_of_turn_silence_when_confident=300,
        redact_pii_policies=["date", v3.StreamingPiiPolicy.url],
        mode="balanced",
        formatted_finals=True,
        llm_gateway=models.LLMGatewayConfig(
            model="m", messages=[models.LLMGatewayMessage(role="user", content="c")], max_tokens=3
        ),
    )
    assert dict(params.to_query()) == {
        "sample_rate": "16000",
        "format_turns": "True",
        "keyterms_prompt": '["a b"]',
        "speech_model": "universal-streaming-english",
        "voice_focus": "near-field",
        "min_turn_silence": "300",
        "redact_pii_policies": '["date", "url"]',
        "mode": "balanced",
        "llm_gateway": '{"model": "m", "messages": [{"role": "user", "content": "c"}], "max_tokens": 3}',
    }
    assert params.mode is v3.StreamingMode.balanced
    assert "formatted_finals" in caplog.text
    assert "min_end_of_turn_silence_when_confident" in caplog.text
    assert params.model_dump(exclude_none=True)["format_turns"] is True


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "sample_rate is required"),
        ({"sample_rate": 0}, "sample_rate"),
        ({"sample_rate": 16_000, "mode": "quick"}, "min_latency, balanced, max_accuracy, got 'quick'"),
        ({"sample_rate": 16_000, "encoding": "mp3"}, "pcm_mulaw"),
        ({"sample_rate": 16_000, "vad_threshold": 1.5}, r"vad_threshold must be a number in 0\.\.1, got 1.5"),
        ({"sample_rate": 16_000, "max_turn_silence": -1}, "max_turn_silence"),
        ({"sample_rate": 16_000, "min_turn_silence": True}, "min_turn_silence"),
        (
            {"sample_rate": 16_000, "keyterms_prompt": "word"},
            "keyterms_prompt must be a JSON list of strings",
        ),
    ],
)
def test_invalid_parameters_are_refused_by_name(fields, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        v3.RealTimeParameters(**fields)
    assert isinstance(caught.value, ValueError)


def test_compressed_audio_needs_no_sample_rate():
    assert v3.StreamingParameters(encoding="opus").to_query() == [("encoding", "opus")]


@pytest.mark.parametrize(
    "fields",
    [{"connect_timeout": 0}, {"max_connection_retries": -1}, {"terminate_timeout": -0.1}],
)
def test_invalid_options_are_refused_by_name(fields):
    with pytest.raises(ConfigurationError, match=next(iter(fields))):
        v3.StreamingClientOptions(**fields)


def test_the_import_loads_no_sockets():
    code = (
        "import sys, vivavoce.streaming.v3; print(*({'websockets', 'numpy', 'starlette'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.split() == []


def test_the_files_for_type_checkers_use_every_public_name():
    import vivavoce

    text = "".join(path.read_text() for path in (Path(__file__).parents[3] / "typing").glob("*.py"))
    used = set(re.findall(r"\w+", text))
    errors = {name for name in vivavoce.__all__ if name.endswith("Error")}
    assert set(v3.__all__) <= used
    assert set(vivavoce.__all__) - errors - {"__version__"} <= used
