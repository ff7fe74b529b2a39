"""One numbering of turns and one clock over all connections of a session."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

from vivavoce.client.events import (
    LLMGatewayResponseEvent,
    SilenceEvent,
    SpeakerRevisionEvent,
    SpeechStartedEvent,
    TurnEvent,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.client.events import UpdateEvent, Word
    from vivavoce.protocol.aai_v2.messages import (
        RealtimeSpeakerRevision,
        RealtimeSpeakerRevisionItem,
        RealtimeTranscript,
    )

__all__ = ["Timeline"]

_TranscriptT = TypeVar("_TranscriptT", bound="RealtimeTranscript")


class Timeline:
    """Converts the turns and times of a connection, which begin at 0, to those of the session.

    Attributes:
        offset_ms: Where the audio of the present connection begins, in milliseconds of the session.
        turn_start_ms: Where the first word of the unfinished turn begins; None between turns.
    """

    def __init__(self) -> None:
        self.offset_ms = 0
        self.turn_start_ms: int | None = None
        self._first_order = 0  # the session's number for the connection's turn 0
        self._next_order = 0  # the session's number after the last finished turn
        self._latest_ms = -1  # end of the latest word so far, in ms of the session

    def resume(self, offset_ms: int) -> None:
        """Begin another connection.

        Args:
            offset_ms: Where its audio begins, in milliseconds of the session.
        """
        self.offset_ms = offset_ms
        self.turn_start_ms = None
        self._first_order = self._next_order

    def place(self, event: UpdateEvent) -> bool:
        """Convert an event of the present connection in place; return whether it has new words."""
        match event:
            case TurnEvent():
                return self._place_turn(event)
            case SpeechStartedEvent():
                event.timestamp += self.offset_ms
            case SilenceEvent():
                event.start_ms += self.offset_ms
                event.end_ms += self.offset_ms
            case LLMGatewayResponseEvent():
                event.turn_order += self._first_order
            case SpeakerRevisionEvent():
                for revision in event.revisions:
                    revision.turn_order += self._first_order
                    self._shift(revision.words)
            case _:
                pass
        return False

    def placed(self, transcript: _TranscriptT) -> _TranscriptT:
        """Return a v2 transcript of the present connection with the times of the session."""
        return dataclasses.replace(transcript, **self._moved(transcript))

    def placed_revision(self, revision: RealtimeSpeakerRevision) -> RealtimeSpeakerRevision:
        """Return a v2 revision of speakers in the present connection with the times of the session."""
        items = [dataclasses.replace(item, **self._moved(item)) for item in revision.revisions]
        return dataclasses.replace(revision, revisions=items)

    def _moved(self, part: RealtimeTranscript | RealtimeSpeakerRevisionItem) -> dict[str, Any]:
        return {
            "audio_start": part.audio_start + self.offset_ms,
            "audio_end": part.audio_end + self.offset_ms,
            "words": [
                dataclasses.replace(word, start=word.start + self.offset_ms, end=word.end + self.offset_ms)
                for word in part.words
            ],
        }

    def record_turn(self, start_ms: int | None, end_ms: int | None, *, is_finished: bool) -> bool:
        """Record the state of a turn; return whether it has new words.

        Args:
            start_ms: Where its first word begins, in milliseconds of the session; None without words.
            end_ms: Where its last word ends.
            is_finished: Whether the turn is finished.
        """
        self.turn_start_ms = None if is_finished else start_ms
        if end_ms is None or end_ms <= self._latest_ms:
            return False
        self._latest_ms = end_ms
        return True

    def _place_turn(self, event: TurnEvent) -> bool:
        event.turn_order += self._first_order
        self._shift(event.words)
        if event.end_of_turn:
            self._next_order = max(self._next_order, event.turn_order + 1)  # each channel counts its own
        return self.record_turn(event.start, event.end, is_finished=event.end_of_turn)

    def _shift(self, words: Sequence[Word]) -> None:
        for word in words:
            word.start += self.offset_ms
            word.end += self.offset_ms
