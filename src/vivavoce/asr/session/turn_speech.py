"""The speech of turns, for whoever tells voices apart."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from vivavoce.asr.audio.rate import SAMPLES_PER_MS
from vivavoce.asr.speakers import LONGEST_SAMPLES, Stretch, parts_of

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
        self._new: list[Stretch] = []  # of `_open`, until it is taken ahead
        self._paused: tuple[int, int | None] | None = (
            None  # utterance and end of the pause before which its speech was taken ahead
        )
        self._growing: tuple[int, int] | None = (
            None  # utterance, and end of its newest pass when it was last looked at
        )
        self._reach = 0  # up to where it was taken ahead while it grew

    def keep(self, utterance: Utterance) -> None:
        """Copy the speech of an utterance that has ended, before the segmenter drops it."""
        speech = self._of(utterance)
        self._open += speech
        self._new += speech

    def end_turn(self) -> None:
        """What was kept is the speech of a finished turn."""
        self._finished.append(tuple(self._open))
        self._open.clear()
        self._new.clear()

    def take(self) -> tuple[Stretch, ...]:
        """The speech of the oldest finished turn whose speech was not taken; none if there is none."""
        return self._finished.popleft() if self._finished else ()

    def take_ahead(self) -> tuple[Stretch, ...]:
        """Parts of the speech of the open turn that can be heard before it ends, each once.

        Returns:
            Parts of utterances that have ended, or that will stay as they are however the utterance goes on;
            and, shortly before the pause that has begun ends the turn, what is left of it.
        """
        found = [part for each in self._new for part in parts_of(each)]
        self._new.clear()
        current = self._segmenter.current
        if current is not None:
            found += self._grown(current) + self._paused_parts(current)
        return tuple(found)

    def _paused_parts(self, utterance: Utterance) -> list[Stretch]:
        """All parts of an utterance that is about to end, once for each pause; none if they may change."""
        here = utterance.number, utterance.settled_end
        if here == self._paused or not self._segmenter.is_over_within(_AHEAD_MS):
            return []
        self._paused = here
        return [part for each in self._of(utterance) for part in parts_of(each)]

    def _grown(self, utterance: Utterance) -> list[Stretch]:
        """The parts of an utterance that stay as they are, once it has grown by one."""
        if self._growing is None or self._growing[0] != utterance.number:
            self._reach = utterance.start
        here = utterance.number, utterance.requested_end
        if here == self._growing or utterance.requested_end - self._reach < LONGEST_SAMPLES:
            return []
        self._growing = here
        parts = [part for each in self._of(utterance, final=False) for part in parts_of(each)]
        found = [part for part in parts[:-1] if part.span[1] > self._reach]
        self._reach = max((part.span[1] for part in found), default=self._reach)
        return found

    def _of(self, utterance: Utterance, *, final: bool = True) -> list[Stretch]:
        """The speech of an utterance, from its first word to its last; none without words.

        Args:
            utterance: The utterance.
            final: Whether it is over, or would be if it ended now.
        """
        words, buffer = utterance.words(final=final), self._segmenter.buffer
        if not words:
            return []
        start = max(buffer.start, words[0].start_ms * SAMPLES_PER_MS)
        # What lies after the utterance is no speech of it, and how much has come depends on the chunks.
        limit = utterance.end or utterance.settled_end or buffer.end
        end = min(limit, buffer.end, words[-1].end_ms * SAMPLES_PER_MS)
        return [Stretch(start, buffer.copy(start, end))] if start < end else []
