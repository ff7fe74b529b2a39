"""What the server writes, byte for byte, as it was recorded from the first complete version.

A difference is a change of the protocol that clients see: fields that appear, vanish or change places. If it
is intended, `record` writes the file anew.
"""

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from vivavoce.protocol import aai_v2, aai_v3
from vivavoce.protocol.dialects import DIALECTS
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
from vivavoce.types import Failure, Word

RECORDED = Path(__file__).parents[2] / "data" / "server_frames.json"
QUERIES = {
    "v2": (aai_v2.PATH, "sample_rate=16000"),
    "v2 with information": (aai_v2.PATH, "sample_rate=8000&enable_extra_session_information=True"),
    "v3": (aai_v3.PATH, ""),
    "v3 formatted": (aai_v3.PATH, "format_turns=true&mode=min_latency&filter_profanity=true"),
    "v3 redacted": (aai_v3.PATH, "redact_pii=true&redact_pii_policies=url"),
    "v3 Universal-3": (aai_v3.PATH, "speech_model=universal-3-6-pro"),
    "v3 unknown model": (aai_v3.PATH, "speech_model=tomorrow&channels=2"),
}
DIALECTS_ALONE = {"v2", "v3"}
HI = Word("Hi,", 0, 100, 0.123456789, is_final=True)
SO = Word("so \u201cs\u00fc\u00df\u201d \\ \u6771 \U0001f600", 120, 300, 1 / 3)
EVENTS = {
    "begin": SessionBegan("f14499a6-c399-4c30-b1eb-0a33af64b1d9", 1_700_000_000.9),
    "begin at a whole second": SessionBegan("f14499a6-c399-4c30-b1eb-0a33af64b1d9", 1_700_000_000.0),
    "empty turn": TurnUpdated(0, 0, 400),
    "partial turn": TurnUpdated(1, 10, 400, (HI, SO), end_of_turn_confidence=0.123456789),
    "formatted partial turn": TurnUpdated(2, 10, 400, (HI, SO), formatted=True, channel=0),
    "final turn": TurnUpdated(3, 10, 900, (HI,), ended=True, end_of_turn_confidence=2 / 3),
    "formatted final turn": TurnUpdated(
        4, 10, 900, (HI,), ended=True, formatted=True, end_of_turn_confidence=1.0, punctuated=True, channel=1
    ),
    "empty final turn": TurnUpdated(5, 900, 900, ended=True, channel=1),
    "speech": SpeechStarted(10, 2 / 3),
    "speech in a channel": SpeechStarted(10, 0.5, channel=1),
    "silence": SilenceDetected(0, 1_000),
    "silence in a channel": SilenceDetected(0, 1_000, channel=0),
    "heartbeat": Heartbeat(4_900, 5_001, 2 / 3),
    "heartbeat at the beginning": Heartbeat(0, 0, 0.0),
    "warning": Warned("prompt: \u201cno\u201d effect"),
    "end": SessionEnded(10_500, 11_500),
    "end without audio": SessionEnded(0, 0),
    "failure with a long detail": SessionFailed(Failure.BAD_OPTION, "\u20ac" * 60),
}
FAILURES = {f"failure {failure.name}": SessionFailed(failure) for failure in Failure}


def written():
    """All frames of all events, and how the socket is closed, by query and event."""
    frames = {}
    for query, (path, pairs) in QUERIES.items():
        dialect = DIALECTS[path].open(parse_qsl(pairs))
        frames[query] = {}
        for name, event in (EVENTS | (FAILURES if query in DIALECTS_ALONE else {})).items():
            record = {"frames": list(dialect.encode(event, 1_700_000_123.25))}
            if isinstance(event, SessionEnded | SessionFailed):
                closing = dialect.closing(event)
                record |= {"code": closing.code, "reason": closing.reason, "last": list(closing.frames)}
                if isinstance(event, SessionFailed):
                    assert DIALECTS[path].refuse(event) == closing
            frames[query][name] = record
    return frames


def record():
    RECORDED.write_text(json.dumps(written(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@pytest.mark.parametrize("query", QUERIES)
def test_the_server_writes_what_was_recorded(query):
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert written()[query] == recorded[query]
