"""The speech of turns, for whoever tells voices apart."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from vivavoce.asr.audio.rate import SAMPLES_PER_MS
from vivavoce.asr.speakers import Stretch

if TYPE_CHECKING:
    from vivavoce.asr.session.segmenter import Segmenter
    from vivavoce.asr.session.utterance import Utterance

__all__ = ["TurnSpeech"]

_AHEAD_MS: Final = 160.0  # it takes about as long to hear; earlier, more speakers go on after all


class TurnSpeech:
    """Keeps the speech of a session's turns, from the first word of each utterance to its last."""

    def __init__(self, segmenter: Segmenter) -> None:
        """Begin without speech.

        Args:
            segmenter: That of the session; it has the audio.
        """
        self._segmenter = segmenter
        self._open: list[Stretch] = []  # of the utterances of the open turn that have ended
        self._finished: deque[tuple[Stretch, ...]] = deque()  # of turns, until it is taken
        self._ahead: tuple[int, int | None] | None = (
            None  # utterance and end of what `take_ahead` returned last
        )

    def keep(self, utterance: Utterance) -> None:
        """Copy the speech of an utterance that has ended, before the segmenter drops it."""
        self._open += self._of(utterance)

    def end_turn(self) -> None:
        """What was kept is the speech of a finished turn."""
        self._finished.append(tuple(self._open))
        self._open.clear()

    def take(self) -> tuple[Stretch, ...]:
        """The speech of the oldest finished turn whose speech was not taken; none if there is none."""
        return self._finished.popleft() if self._finished else ()

    def take_ahead(self) -> tuple[Stretch, ...]:
        """The speech of the open turn, shortly before the pause that has begun ends it.

        Returns:
            A stretch for each utterance; none if the speaker does not pause, if the pause must last longer
            to end the turn, if the words are not known yet, or if the speech up to it was taken before.
        """
        segmenter, current = self._segmenter, self._segmenter.current
        if current is None or segmenter.closing or not segmenter.is_over_within(_AHEAD_MS):
            return ()
        here = current.number, current.settled_end
        if here == self._ahead:
            return ()
        self._ahead = here
        return tuple(self._open + self._of(current))

    def _of(self, utterance: Utterance) -> list[Stretch]:
        words, buffer = utterance.words(final=True), self._segmenter.buffer
        if not words:
            return []
        start = max(buffer.start, words[0].start_ms * SAMPLES_PER_MS)
        # What lies after the utterance is no speech of it, and how much has come depends on the chunks.
        limit = utterance.end or utterance.settled_end or buffer.end
        end = min(limit, buffer.end, words[-1].end_ms * SAMPLES_PER_MS)
        return [Stretch(start, buffer.copy(start, end))] if start < end else []
