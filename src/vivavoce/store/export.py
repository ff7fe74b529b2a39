"""Kept transcripts in the formats that people and programs read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.captions import captions, to_srt, to_vtt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.store.records import StoredLine, StoredSession

__all__ = ["EXPORTS", "Export", "line_fields", "session_fields"]


@dataclass(frozen=True, slots=True)
class Export:
    """A format.

    Attributes:
        media_type: Its media type.
        write: Writes a session and its lines.
    """

    media_type: str
    write: Callable[[StoredSession, Sequence[StoredLine]], str]


def session_fields(session: StoredSession) -> dict[str, object]:
    """Return a session as its JSON object."""
    return {
        "id": session.id,
        "began": session.began_unix,
        "ended": session.ended_unix,
        "room": session.room,
        "title": session.title,
        "turns": session.n_lines,
    }


def line_fields(line: StoredLine) -> dict[str, object]:
    """Return a turn as its JSON object."""
    return {
        "turn": line.key.turn,
        "channel": line.key.channel,
        "at": round(line.at_unix, 3),
        "text": line.text,
        "corrected": line.is_corrected,
        "words": [
            {
                "text": word.text,
                "start": word.start_ms,
                "end": word.end_ms,
                "confidence": word.confidence,
            }
            for word in line.words
        ],
    }


def _json(session: StoredSession, lines: Sequence[StoredLine]) -> str:
    content = {**session_fields(session), "lines": [line_fields(line) for line in lines]}
    return msgspec.json.format(msgspec.json.encode(content)).decode() + "\n"


EXPORTS: Final = {
    "txt": Export("text/plain", lambda _, lines: "".join(f"{line.text}\n" for line in lines)),
    "srt": Export("application/x-subrip", lambda _, lines: to_srt(captions(lines))),
    "vtt": Export("text/vtt", lambda _, lines: to_vtt(captions(lines))),
    "json": Export("application/json", _json),
}
"""The formats, by suffix."""
