"""A transcript as the command line shows it: printable, on one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from vivavoce.printing.cells import printable
from vivavoce.types import Word

if TYPE_CHECKING:
    from vivavoce.client import RealtimeTranscript
    from vivavoce.client.events import TurnEvent

__all__ = ["TranscriptLine"]


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """The partial or final transcript of one utterance.

    Attributes:
        text: Printable text without line breaks.
        is_final: True for a final, False for a partial.
        start_ms: Start of the utterance, in milliseconds since the audio of the session began.
        end_ms: End of the utterance, on the same timeline.
        confidence: 0 to 1.
        words: Words with their times.
        file: Name of the recording, where there are several; else None.
    """

    text: str
    is_final: bool
    start_ms: int = 0
    end_ms: int = 0
    confidence: float = 0.0
    words: tuple[Word, ...] = ()
    file: str | None = None

    @classmethod
    def from_sdk(cls, transcript: RealtimeTranscript, *, is_final: bool) -> Self:
        """Convert a transcript of the SDK."""
        words = tuple(
            Word(printable(word.text), word.start, word.end, word.confidence, is_final=is_final)
            for word in transcript.words
        )
        return cls(
            printable(transcript.text),
            is_final,
            transcript.audio_start,
            transcript.audio_end,
            transcript.confidence,
            words,
        )

    @classmethod
    def from_turn(cls, turn: TurnEvent) -> Self:
        """Convert a turn of v3; its confidence is the mean of its words'."""
        is_final = turn.end_of_turn
        words = tuple(
            Word(printable(word.text), word.start, word.end, word.confidence, is_final=is_final)
            for word in turn.words
        )
        return cls(
            printable(turn.text),
            is_final,
            words[0].start_ms if words else 0,
            words[-1].end_ms if words else 0,
            round(sum(word.confidence for word in words) / len(words), 4) if words else 0.0,
            words,
        )

    def json_fields(self) -> dict[str, Any]:
        """Return the fields of ``--json``; times are milliseconds since the audio of the session began."""
        return {
            **({} if self.file is None else {"file": self.file}),
            "type": "final" if self.is_final else "partial",
            "text": self.text,
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "confidence": self.confidence,
            "words": [
                {
                    "text": word.text,
                    "start_ms": word.start_ms,
                    "end_ms": word.end_ms,
                    "confidence": word.confidence,
                }
                for word in self.words
            ],
        }
