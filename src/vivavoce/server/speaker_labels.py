"""Labels the finished turns of a stream by their speakers: A, B, and so on."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import string
from typing import TYPE_CHECKING, Final

from vivavoce.asr.speakers import VoiceBook
from vivavoce.protocol.events import SpeakersRevised

if TYPE_CHECKING:
    from vivavoce.asr.audio import Samples
    from vivavoce.asr.engine import Voices
    from vivavoce.protocol.events import SpeakerRequest, TurnUpdated

__all__ = ["PENDING", "SpeakerLabels"]

_log = logging.getLogger(__name__)

PENDING: Final = "PENDING"
"""The label of a turn with too little speech; it gets that of a neighbour when labels are revised."""

_LIMIT_S: Final = 1.0  # how long a finished turn waits for its label


class SpeakerLabels:
    """Labels turns; each channel of a stream has speakers of its own."""

    def __init__(self, request: SpeakerRequest, voices: Voices, *, patient: bool = False) -> None:
        """Begin without speakers, and let the voice encoder be loaded; called on the event loop.

        Args:
            request: What the session asked for.
            voices: Computes embeddings.
            patient: Whether turns wait for their labels however long that takes, as those of a recording do.
        """
        self._request = request
        self._voices = voices
        self._limit_s = None if patient else _LIMIT_S
        self._books: dict[int | None, VoiceBook] = {}  # by channel
        self._turns: dict[int | None, dict[int, TurnUpdated]] = {}  # as last reported, by channel and number
        self._revised_ms = 0  # up to where labels were revised
        self._has_failed = False
        self._late: set[asyncio.Task[int | None]] = set()  # turns that are reported already
        voices.prepare()

    async def label(self, turn: TurnUpdated, speech: Samples | None) -> TurnUpdated:
        """Label a finished turn.

        Args:
            turn: The turn.
            speech: Its speech, shape (n,), float32, 16 kHz; None: there is none.

        Returns:
            The turn with its speaker, which is `PENDING` if it is not known.
        """
        number = None
        if speech is not None and not self._has_failed:
            hearing = asyncio.create_task(self._hear(turn, speech))
            done, late = await asyncio.wait({hearing}, timeout=self._limit_s)
            self._late |= late
            hearing.add_done_callback(self._late.discard)
            number = hearing.result() if done else None
        labelled = dataclasses.replace(turn, speaker=PENDING if number is None else _letters(number))
        self._turns.setdefault(turn.channel, {})[turn.turn_order] = labelled
        return labelled

    async def _hear(self, turn: TurnUpdated, speech: Samples) -> int | None:
        """The number of the speaker; None: it can't be told."""
        try:
            windows = await self._voices.embed(speech)
        except Exception as error:  # noqa: BLE001 - words matter more than labels
            if not self._has_failed:
                _log.error("turns are not labelled any more: %s", error)
            self._has_failed = True
            return None
        return self._books.setdefault(turn.channel, VoiceBook(self._request.most)).hear(
            turn.turn_order, windows
        )

    async def end(self) -> SpeakersRevised | None:
        """Return the last revision, once the turns that are late have been heard or the limit has passed."""
        if self._late:
            await asyncio.wait(self._late, timeout=self._limit_s)
        return self.revise()

    def close(self) -> None:
        """Hear nothing more."""
        for late in self._late:
            late.cancel()

    def revise(self, position_ms: int | None = None) -> SpeakersRevised | None:
        """Return the turns whose speakers are others than were reported, if it is time.

        Args:
            position_ms: The position in the audio; None: the session is over.
        """
        interval_ms = self._request.revision_ms
        if position_ms is not None:
            if interval_ms is None or position_ms - self._revised_ms < interval_ms:
                return None
            self._revised_ms = position_ms
        changed: list[TurnUpdated] = []
        for channel, turns in self._turns.items():
            labels = self._books[channel].revised() if channel in self._books else {}
            for order, label in _with_neighbours(labels, sorted(turns)).items():
                if turns[order].speaker != label:
                    turns[order] = dataclasses.replace(turns[order], speaker=label)
                    changed.append(turns[order])
        return SpeakersRevised(tuple(changed)) if changed else None


def _with_neighbours(labels: dict[int, int], orders: list[int]) -> dict[int, str]:
    """The label of each turn; without one of its own, that of the turn before it, else of the one after."""
    found: dict[int, str] = {}
    for run in (orders, orders[::-1]):
        last: str | None = None
        for order in run:
            if order in labels:
                last = _letters(labels[order])
            if last is not None:
                found.setdefault(order, last)
    return {order: found[order] for order in orders if order in found}


def _letters(number: int) -> str:
    """A to Z, then AA, AB and so on."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = string.ascii_uppercase[rest] + letters
    return letters
