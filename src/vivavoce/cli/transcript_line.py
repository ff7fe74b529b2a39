"""What came back from the server, in the command line's own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.types import Word

if TYPE_CHECKING:
    from vivavoce.client import RealtimeTranscript

__all__ = ["TranscriptLine", "from_sdk", "json_fields", "printable"]


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One utterance, finished or as far as it was heard.

    Attributes:
        text: Printable, on one line.
        is_final: Whether the utterance is finished.
        start_ms: Where it begins, in milliseconds of the session's audio.
        end_ms: Where it ends, on the same timeline.
        confidence: 0 to 1.
        words: Its words with their times.
    """

    text: str
    is_final: bool
    start_ms: int = 0
    end_ms: int = 0
    confidence: float = 0.0
    words: tuple[Word, ...] = ()


def printable(text: str) -> str:
    """The text on one line, without what could steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def from_sdk(heard: RealtimeTranscript, *, is_final: bool) -> TranscriptLine:
    """Take over a transcript of the SDK."""
    words = tuple(
        Word(printable(word.text), word.start, word.end, word.confidence, is_final=is_final)
        for word in heard.words
    )
    return TranscriptLine(
        printable(heard.text), is_final, heard.audio_start, heard.audio_end, heard.confidence, words
    )


def json_fields(caption: TranscriptLine) -> dict[str, Any]:
    """The fields of ``--json``; times in milliseconds of the session's audio."""
    return {
        "type": "final" if caption.is_final else "partial",
        "text": caption.text,
        "start_ms": caption.start_ms,
        "end_ms": caption.end_ms,
        "confidence": caption.confidence,
        "words": [
            {
                "text": word.text,
                "start_ms": word.start_ms,
                "end_ms": word.end_ms,
                "confidence": word.confidence,
            }
            for word in caption.words
        ],
    }
