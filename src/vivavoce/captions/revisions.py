"""The finished turns of a session, with the speakers that later revisions gave them."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, Final

__all__ = ["TurnLog"]

_V2_FINAL: Final = "FinalTranscript"


class TurnLog:
    """Keeps the finished turns of a session, and applies revisions of their speakers.

    Give it every event of the session; what it has no use for is skipped::

        log = TurnLog()
        for event in session.events():
            log.add(event)
        print(to_srt(captions(log.turns, speakers="dash")))

    It takes the events of v3 and the transcripts of v2, of this package or of the vendor's, and those of the
    server. A turn that ends twice, first without formatting, is kept once.
    """

    def __init__(self) -> None:
        self._turns: dict[object, Any] = {}  # finished, by channel and number
        self._revisions: dict[object, Any] = {}  # the latest of each turn; it may come before the turn ends

    def add(self, event: Any) -> None:
        """Keep a finished turn, or apply a revision."""
        if _is_finished(event):
            self._turns[_key(event)] = event
            return
        items = getattr(event, "revisions", None)
        for item in (getattr(event, "turns", None) or ()) if items is None else items:
            self._revisions[_key(item)] = item

    @property
    def turns(self) -> list[Any]:
        """The finished turns with their speakers as last revised, in the order in which they ended."""
        return [
            _revised(turn, self._revisions[key]) if key in self._revisions else turn
            for key, turn in self._turns.items()
        ]


def _is_finished(event: Any) -> bool:
    if getattr(event, "message_type", None) == _V2_FINAL:
        return True
    return getattr(event, "end_of_turn", False) is True or getattr(event, "ended", False) is True


def _key(turn: Any) -> object:
    """What a turn and its revision have in common: channel and number, or in v2 the start."""
    order = getattr(turn, "turn_order", None)
    if order is None:
        return getattr(turn, "audio_start", None)
    return getattr(turn, "channel", None), order


def _revised(turn: Any, revision: Any) -> Any:
    if hasattr(revision, "ended"):  # the server revises whole turns
        return revision
    words = revision.words or [
        _changed(word, speaker=revision.speaker_label) for word in getattr(turn, "words", ())
    ]
    return _changed(turn, speaker_label=revision.speaker_label, words=list(words))


def _changed(value: Any, **fields: Any) -> Any:
    """Return a copy with other fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **fields)
    changed = copy.copy(value)
    for name, content in fields.items():
        setattr(changed, name, content)
    return changed
