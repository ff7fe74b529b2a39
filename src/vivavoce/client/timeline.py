"""One numbering of turns and one clock over all the connections of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

__all__ = ["Timeline"]


class Timeline:
    """Every connection counts turns and milliseconds from 0; a session goes on where the last one was.

    Attributes:
        offset_ms: Where the present connection's audio begins, in milliseconds of the session.
        turn_start_ms: Where the first word of the unfinished turn begins; None if nobody speaks.
    """

    def __init__(self) -> None:
        self.offset_ms = 0
        self.turn_start_ms: int | None = None
        self._first_order = 0
        self._next_order = 0
        self._heard_ms = -1

    def go_on(self, offset_ms: int) -> None:
        """Begin another connection.

        Args:
            offset_ms: Where its audio begins, in milliseconds of the session.
        """
        self.offset_ms = offset_ms
        self.turn_start_ms = None
        self._first_order = self._next_order

    def place(self, event: UpdateEvent) -> bool:
        """Put an event of the present connection where it belongs; whether it tells new words."""
        match event:
            case TurnEvent():
                return self._turn(event)
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

    def _turn(self, event: TurnEvent) -> bool:
        event.turn_order += self._first_order
        self._shift(event.words)
        if event.end_of_turn:
            self._next_order = event.turn_order + 1
        return self.heard(event.start, event.end, is_finished=event.end_of_turn)

    def heard(self, start_ms: int | None, end_ms: int | None, *, is_finished: bool) -> bool:
        """Take note of a turn; whether it has new words.

        Args:
            start_ms: Where its first word begins, in milliseconds of the session; None without words.
            end_ms: Where its last word ends.
            is_finished: Whether the turn is.
        """
        self.turn_start_ms = None if is_finished else start_ms
        if end_ms is None or end_ms <= self._heard_ms:
            return False
        self._heard_ms = end_ms
        return True

    def _shift(self, words: Sequence[Word]) -> None:
        for word in words:
            word.start += self.offset_ms
            word.end += self.offset_ms
