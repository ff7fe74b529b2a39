"""docs/compatibility.md: a row for everything, and the test that each row names."""

import re
from pathlib import Path

import pytest

from vivavoce.protocol.aai_v2.close_codes import CLOSE_TEXTS
from vivavoce.protocol.aai_v2.dialect import V2Factory
from vivavoce.protocol.aai_v3.close_codes import CODES
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.describe import V2_QUERY, V3_QUERY, asyncapi
from vivavoce.protocol.events import SessionFailed
from vivavoce.types import Failure

TESTS = Path(__file__).parents[2]
PAGE = (TESTS.parent / "docs" / "compatibility.md").read_text()
NEVER = {"v2": {4103}, "v3": set()}


def rows(title):
    """The rows of the table under a heading: what it is about, the answer, the test."""
    section = re.split(r"^##+ ", PAGE.split(f"### {title}\n")[1], flags=re.MULTILINE)[0]
    cells = [re.split(r"\s*\|\s*", line.strip(" |")) for line in section.splitlines() if line.startswith("|")]
    return [(name.strip("`"), answer, test.strip("`")) for name, answer, test in cells[2:]]


TABLES = {
    "Query of `/v2/realtime/ws`": set(V2_QUERY),
    "Query of `/v3/ws`": set(V3_QUERY),
    "Close codes of v2": {"1000", *map(str, CLOSE_TEXTS)},
    "Close codes of v3": {"1000", *(str(code) for code, _ in CODES.values())},
    "Messages of v2": {
        "binary audio", "audio_data", "terminate_session", "force_end_utterance",
        "end_utterance_silence_threshold", "SessionBegins", "PartialTranscript", "FinalTranscript",
        "SessionInformation", "SpeakerRevision", "SessionTerminated", "error",
    },
    "Messages of v3": {
        "binary audio",
        *(
            message["name"]
            for name, message in asyncapi()["components"]["messages"].items()
            if name.startswith("V3") and message["name"] != "Audio"
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize("title", TABLES)
def test_everything_has_one_row(title):
    names = [name for name, _, _ in rows(title)]
    assert len(names) == len(set(names))
    assert set(names) == TABLES[title]


@pytest.mark.parametrize("title", TABLES)
def test_every_answer_is_explained(title):
    for name, answer, _ in rows(title):
        assert re.match(r"(same|accepted|refused|ours|never sent)\b", answer), name


def test_every_named_test_exists():
    defined = set()
    for file in TESTS.rglob("test_*.py"):
        defined |= set(re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= defined, sorted(named - defined)


def test_codes_without_a_cause_are_never_sent():
    for version, factory in (("v2", V2Factory()), ("v3", V3Factory())):
        sent = {factory.refuse(SessionFailed(failure)).code for failure in Failure}
        assert not sent & NEVER[version]
        table = {int(name): answer for name, answer, _ in rows(f"Close codes of {version}")}
        assert {code for code, answer in table.items() if answer.startswith("never sent")} == NEVER[version]
        assert sent | {1000} == set(table) - NEVER[version]
