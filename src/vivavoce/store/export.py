"""Kept transcripts in the formats that people and programs read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.captions import SpeakerMark, captions, to_srt, to_vtt
from vivavoce.protocol.speaker_runs import PENDING
from vivavoce.store.voices import VoiceNames
from vivavoce.store.words import named, parts
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vivavoce.captions import Cue
    from vivavoce.store.records import StoredLine, StoredSession
    from vivavoce.store.voices import VoiceKey
    from vivavoce.store.words import NamedTurn
    from vivavoce.types import Word

__all__ = ["EXPORTS", "Export", "line_fields", "session_fields", "with_names", "written_parts"]

_NOBODY: Final = "?"  # in place of a name: the words of a speaker that nobody knows


@dataclass(frozen=True, slots=True)
class Export:
    """A format.

    Attributes:
        media_type: Its media type.
        write: Writes a session, its lines, and the names that people gave to its speakers.
    """

    media_type: str
    write: Callable[[StoredSession, Sequence[StoredLine], Mapping[VoiceKey, str]], str]


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


def line_fields(line: StoredLine, names: VoiceNames) -> dict[str, object]:
    """Return a turn as its JSON object.

    Args:
        line: The turn.
        names: The names of its speakers.
    """
    fields: dict[str, object] = {
        "turn": line.key.turn,
        "channel": line.key.channel,
        "at": round(line.at_unix, 3),
        "text": line.text,
        "corrected": line.is_corrected,
    }
    if line.is_labelled:
        fields["parts"] = [
            {
                "speaker": part[0].speaker,
                "name": names.name(*line.key[:2], part[0].speaker),
                "text": _text(part),
            }
            for part in parts(line.words)
        ]
    return {**fields, "words": [_word_fields(word) for word in line.words]}


def _word_fields(word: Word) -> dict[str, object]:
    fields: dict[str, object] = {
        "text": word.text,
        "start": word.start_ms,
        "end": word.end_ms,
        "confidence": word.confidence,
    }
    if word.speaker is not None:
        fields |= {"speaker": word.speaker, "speaker_confidence": word.speaker_confidence}
    return fields


def with_names(line: StoredLine, names: VoiceNames) -> NamedTurn:
    """Return a turn with the names of its speakers.

    Args:
        line: The turn.
        names: The names of its speakers.
    """
    found = [names.name(*line.key[:2], part[0].speaker) for part in parts(line.words)]
    return named(line.words, line.key.channel, found)


def written_parts(turn: NamedTurn) -> list[str]:
    """Return a turn as rows of text: one for each change of speaker, which begins with the name."""
    if turn.channel is not None:  # its session labels no speakers
        return [_text(turn.words)]
    found = ((part[0].speaker, _text(part)) for part in parts(turn.words))
    return [f"{_NOBODY if name == PENDING else name}: {text}" for name, text in found]


def _text(words: Sequence[Word]) -> str:
    return join_words(word.text for word in words)


def _json(session: StoredSession, lines: Sequence[StoredLine], given: Mapping[VoiceKey, str]) -> str:
    names = VoiceNames(given)
    content = {**session_fields(session), "lines": [line_fields(line, names) for line in lines]}
    return msgspec.json.format(msgspec.json.encode(content)).decode() + "\n"


def _named(lines: Sequence[StoredLine], given: Mapping[VoiceKey, str]) -> list[NamedTurn]:
    names = VoiceNames(given)
    return [with_names(line, names) for line in lines]


def _plain(lines: Sequence[StoredLine], given: Mapping[VoiceKey, str]) -> str:
    return "".join(f"{row}\n" for turn in _named(lines, given) for row in written_parts(turn))


def _cues(lines: Sequence[StoredLine], given: Mapping[VoiceKey, str]) -> list[Cue]:
    return captions(_named(lines, given), speakers=SpeakerMark.NAME)


EXPORTS: Final = {
    "txt": Export("text/plain", lambda _, lines, given: _plain(lines, given)),
    "srt": Export("application/x-subrip", lambda _, lines, given: to_srt(_cues(lines, given))),
    "vtt": Export("text/vtt", lambda _, lines, given: to_vtt(_cues(lines, given))),
    "json": Export("application/json", _json),
}
"""The formats, by suffix."""
