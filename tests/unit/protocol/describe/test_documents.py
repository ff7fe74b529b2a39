"""What scripts/describe writes: current, valid, and true of the code."""

import importlib
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import jsonschema
import pytest
from openapi_spec_validator import validate

import vivavoce
import vivavoce.streaming.v3
from vivavoce import captions, errors, extras, mic, recordings
from vivavoce.errors import ProtocolViolation
from vivavoce.protocol import query as fields
from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS
from vivavoce.protocol.aai_v2.dialect import V2Factory
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.describe import V2_QUERY, V3_QUERY, asyncapi, openapi
from vivavoce.protocol.events import (
    Heartbeat,
    SessionBegan,
    SessionEnded,
    SessionFailed,
    SilenceDetected,
    SpeechStarted,
    TurnUpdated,
    Warned,
)
from vivavoce.protocol.served_models import ENGLISH_ONLY, ServedModel, ServedModels
from vivavoce.types import Failure, Word

DOCS = Path(__file__).parents[4] / "docs"
FACTORIES = {"v2": (V2Factory(), V2_QUERY), "v3": (V3Factory(), V3_QUERY)}
ABLE = ServedModels(
    (*ENGLISH_ONLY.models, ServedModel("whisper-base", ("en", "de"), translates=True)), labels_speakers=True
)
"""Models that can do all that is described."""
NEEDED = {
    "voice_focus_threshold": "voice_focus=near-field",
    "noise_suppression_threshold": "noise_suppression_model=near-field",
    "room_key": "room=hall",
    "room_title": "room=hall",
}


@pytest.fixture(scope="module")
def pages():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS.parent / "scripts")
        patch.setenv("COLUMNS", "80")
        return importlib.import_module("describe").pages()


def test_the_files_are_current(pages):
    for name, text in pages.items():
        assert (DOCS / name).read_text() == text, f"{name}: run scripts/describe"
    written = {path.name for path in (DOCS / "reference").iterdir()}
    assert written == {name.rpartition("/")[2] for name in pages if name.startswith("reference/")}


HEADING = re.compile(r"^#+ `([\w.]+)`$", re.MULTILINE)
LINK = re.compile(r"\]\(([\w.\-/]+)(?:#([\w\-]+))?\)")


def test_the_reference_has_every_public_name(pages):
    described = {name for text in pages.values() for name in HEADING.findall(text)}
    listed = set(re.findall(r"^- `(\w+)`: \[", pages["reference/streaming-v3.md"], re.MULTILINE))
    missing = {
        "AssemblyAIError",
        "AssemblyAIExtrasNotInstalledError",
        "__version__",
        "extras",
        "settings",
        "from_reader",
    }
    for module in (vivavoce, vivavoce.streaming.v3, extras, captions, errors, mic, recordings):
        assert set(module.__all__) - missing <= described | listed, module.__name__


def test_every_link_of_the_reference_has_a_target(pages):
    anchors = {
        name: {
            re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)
        }
        for name, text in pages.items()
    }
    links = [link for name, text in pages.items() if name.endswith(".md") for link in LINK.findall(text)]
    assert len(links) > 100
    for page, anchor in links:
        if page.startswith("../"):
            assert (DOCS / "reference" / page).exists()
        else:
            assert not anchor or anchor in anchors[f"reference/{page}"], (page, anchor)


def test_the_reference_leaves_no_markup_of_docstrings_behind(pages):
    for name, text in pages.items():
        if name.startswith("reference/"):
            assert not re.search(
                r":(?:meth|class|func|data|mod|attr):|(?<!`)``(?!`)|ServerEvent \||::$", text, re.MULTILINE
            ), name


def test_the_page_of_the_command_line_has_every_command(pages):
    commands = re.findall(r"^## `vivavoce (\w+)`$", pages["cli.md"], re.MULTILINE)
    assert commands == [
        "demo",
        "mic",
        "stream",
        "live",
        "serve",
        "doctor",
        "capacity",
        "bench",
        "models",
        "transcripts",
        "keys",
        "voices",
    ]
    assert "- `-o, --output PATH`: " in pages["cli.md"]


def test_openapi_is_valid():
    validate(openapi())


def references(node):
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.parametrize("document", [asyncapi(), openapi()], ids=["asyncapi", "openapi"])
def test_every_schema_reference_has_a_target(document):
    found = list(references(document))
    assert found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node


def test_schemas_are_valid():
    document = asyncapi()
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for channel in document["channels"].values():
        jsonschema.Draft202012Validator.check_schema(channel["bindings"]["ws"]["query"])


EVENTS = [
    SessionBegan("f14499a6-c399-4c30-b1eb-0a33af64b1d9", 1_700_000_000.5),
    TurnUpdated(0, 0, 400, (Word("Hi,", 0, 100, 0.9, True), Word("so", 120, 300, 0.4))),
    TurnUpdated(0, 0, 900, (Word("Hi.", 0, 100, 0.9, True),), True, True, 1.0, channel=1),
    SpeechStarted(10, 0.5),
    SilenceDetected(0, 1_000),
    Heartbeat(5_000, 5_000, 0.9),
    Warned("well"),
    SessionEnded(1_000, 2_000),
    SessionFailed(Failure.BAD_JSON, "no"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("version", ["v2", "v3"])
def test_what_the_server_sends_is_what_is_described(version, event):
    document = asyncapi()
    dialect = FACTORIES[version][0].open(
        [("sample_rate", "16000"), ("enable_extra_session_information", "1"), ("speech_model", "u3-rt-pro")]
    )
    tag = {"v2": "message_type", "v3": "type"}[version]
    for frame in dialect.encode(event, 1_700_000_000.0):
        message = json.loads(frame)
        name = f"{version.upper()}Server{message.get(tag, 'ErrorMessage')}"
        payload = document["components"]["messages"][name]["payload"]
        jsonschema.validate(message, {**payload, "components": document["components"]})


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_every_parameter_that_is_read_is_described_and_no_other(version, monkeypatch):
    read = set()
    raw = fields.Query.raw

    def note(self, name):
        read.add(name)
        return raw(self, name)

    monkeypatch.setattr(fields.Query, "raw", note)
    factory, described = FACTORIES[version]
    redacts = {"v2": 0, "v3": 1}[version]
    pairs = f"sample_rate=16000&webhook_url=http://a/&redact_pii={redacts}&redact_pii_policies=date"
    factory.open(parse_qsl(pairs))
    assert read | {"token"} == set(described)


def cases():
    for version, (_, described) in FACTORIES.items():
        for name, schema in described.items():
            if name in {"token", "sample_rate"}:
                continue
            if "minimum" in schema:
                low, high = schema["minimum"], schema["maximum"]
                yield version, name, [low, high], [low - 1, high + 1, "x"]
            elif "enum" in schema:
                yield version, name, schema["enum"], ["something else"]
            elif schema["type"] == "boolean":
                yield version, name, ["true", "True", "false", "False"], ["perhaps"]
            elif "maxLength" in schema:
                yield version, name, ["a" * schema["maxLength"]], ["a" * (schema["maxLength"] + 1)]
            elif "contentMediaType" in schema:
                good = "{}" if name == "llm_gateway" else '["en"]'
                yield version, name, [good], ["{", "7"]


@pytest.mark.parametrize(
    ("version", "name", "good", "bad"), list(cases()), ids=lambda it: it if str(it) == it else ""
)
def test_the_server_accepts_what_is_described_and_nothing_else(version, name, good, bad):
    factory, _ = FACTORIES[version]

    def opened(value):
        pairs = [("sample_rate", "16000"), *parse_qsl(NEEDED.get(name, ""))]
        return factory.open([*pairs, (name, str(value))], ABLE)

    for value in good:
        opened(value)
    for value in bad:
        with pytest.raises(ProtocolViolation):
            opened(value)


def test_every_close_code_of_v2_has_its_text():
    assert set(CLOSE_TEXTS) >= {FACTORIES["v2"][0].refuse(SessionFailed(failure)).code for failure in Failure}
