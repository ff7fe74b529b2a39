"""A transcript as the command line shows it: printable, on one line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from vivavoce.printing.cells import printable
from vivavoce.protocol.speaker_runs import Voice, runs_by_voice
from vivavoce.types import Word
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.client import RealtimeTranscript
    from vivavoce.client.events import SpeakerRevisionItem, TurnEvent
    from vivavoce.client.events import Word as SdkWord

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
        order: Number of the turn in its channel; None in Realtime v2.
        channel: The channel, from 0; None if the session has only one.
        speaker: Label of who says most of it, if the session labels speakers; else None.
        is_revised: Whether this is a final that was shown before, with other speakers now.
    """

    text: str
    is_final: bool
    start_ms: int = 0
    end_ms: int = 0
    confidence: float = 0.0
    words: tuple[Word, ...] = ()
    file: str | None = None
    order: int | None = None
    channel: int | None = None
    speaker: str | None = None
    is_revised: bool = False

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
        line = cls._of_words(turn, turn.words, is_final=turn.end_of_turn)
        return replace(line, text=printable(turn.text))

    @classmethod
    def from_revision(cls, item: SpeakerRevisionItem) -> Self:
        """Convert a turn of v3 whose speakers are others than were reported."""
        return replace(cls._of_words(item, item.words, is_final=True), is_revised=True)

    @classmethod
    def _of_words(
        cls, turn: TurnEvent | SpeakerRevisionItem, said: Sequence[SdkWord], *, is_final: bool
    ) -> Self:
        words = tuple(
            Word(
                printable(word.text),
                word.start,
                word.end,
                word.confidence,
                is_final=is_final,
                speaker=_printable_label(word.speaker),
            )
            for word in said
        )
        return cls(
            join_words(word.text for word in words),
            is_final,
            words[0].start_ms if words else 0,
            words[-1].end_ms if words else 0,
            round(sum(word.confidence for word in words) / len(words), 4) if words else 0.0,
            words,
            order=turn.turn_order,
            channel=turn.channel,
            speaker=_printable_label(turn.speaker_label),
        )

    @property
    def key(self) -> tuple[object, ...]:
        """Identifies the turn among those of its recording."""
        return self.file, self.channel, self.order

    @property
    def is_labelled(self) -> bool:
        """Whether it says who speaks, as far as that is known; a server without a voice encoder does not."""
        return self.speaker is not None or any(word.speaker is not None for word in self.words)

    def with_speakers_of(self, revised: TranscriptLine) -> TranscriptLine:
        """Return this final with the speakers of a revision."""
        words = revised.words or tuple(replace(word, speaker=revised.speaker) for word in self.words)
        return replace(self, words=words, speaker=revised.speaker)

    def runs(self) -> list[tuple[Voice, str]]:
        """Return who says what, in order: voices, and their part of the text."""
        runs = runs_by_voice(self)
        if len(runs) > 1:
            return [(voice, join_words(word.text for word in words)) for voice, words in runs]
        return [(runs[0][0] if runs else Voice(self.channel, self.speaker), self.text)]

    def json_fields(self) -> dict[str, Any]:
        """Return the fields of ``--json``; times are milliseconds since the audio of the session began."""
        kind = "partial"
        if self.is_final:
            kind = "revision" if self.is_revised else "final"
        return {
            **_given(file=self.file),
            "type": kind,
            **_given(channel=self.channel, speaker=self.speaker),
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
                    **_given(speaker=word.speaker),
                }
                for word in self.words
            ],
        }


def _given(**fields: Any) -> dict[str, Any]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def _printable_label(label: str | None) -> str | None:
    return None if label is None else printable(label)
