"""One utterance: its place in the audio, what was made of it so far, and its words as they are shown."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models import Hypothesis, HypothesisWord
from vivavoce.asr.session.speech import confidence_after
from vivavoce.asr.text import Stability, calibrated, plain_word
from vivavoce.types import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Pause", "Utterance"]

_SAMPLES_PER_S = 16_000
_SAMPLES_PER_MS = 16
# By measurement on music and noise against real speech, see docs/performance.md.
_VOICED: Final = 0.9
_LEAST_CONFIDENCE: Final = 0.15
_LEAST_CONFIDENCE_UNVOICED: Final = 0.4
_SHORT_MS: Final = 1_000
_RATHER_SHORT_MS: Final = 1_600
_AMPLE_CONFIDENCE: Final = 0.75
_LEAST_EVIDENCE_SHORT: Final = 5.9  # log odds
_LEAST_EVIDENCE: Final = 3.9
_MOST_WORDS_A_SECOND: Final = 7  # the fastest real utterance tried has 5.5


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence behind speech.

    Attributes:
        speech_end: Position behind the last frame of speech.
        ms: How long it has lasted.
        usual_ms: After how long a pause the speaker usually goes on.
    """

    speech_end: int
    ms: float
    usual_ms: float


@dataclass(slots=True)
class Utterance:
    """An utterance, open or waiting for its final pass.

    Partials of a long utterance are decoded over a window that begins at one of its words; the words
    before it are its head and stay as they are. Its final sees all of it.

    Attributes:
        number: Counts utterances within the session.
        start: Position of its first sample.
        commits: Whether words are committed while it grows.
        turn_start: Position of the first sample of its turn.
        part: Which part of its turn it is, from 1.
        asked_end: Position behind the last sample of the newest pass.
        settled_end: Position behind the span of the settled hypothesis; None without one.
        end: Position behind its last sample once it is over, else None.
        goes_on: Whether its turn goes on behind it: it was cut because it was too long.
        must_answer: Whether its end is told even if it holds no words.
        window: Position of the first sample of the window.
        strongest: Highest speech probability in it so far, 0 to 1.
        voiced_ms: How much of it the speech detector takes for speech, in milliseconds.
        terms: Words and phrases that are expected in it: those in force when it ended, or now.
        pause: The silence in which it ended; None if it is open, or was ended while somebody spoke.
        log_odds: That it is over after a second of silence; None until that was judged.
    """

    number: int
    start: int
    commits: bool
    turn_start: int
    part: int = 1
    asked_end: int = 0
    settled_end: int | None = None
    end: int | None = None
    goes_on: bool = False
    must_answer: bool = False
    window: int = -1
    strongest: float = 0.0
    voiced_ms: float = 0.0
    terms: tuple[str, ...] = ()
    pause: Pause | None = None
    log_odds: float | None = None
    _head: tuple[HypothesisWord, ...] = ()
    _head_tokens: tuple[int, ...] = ()
    _tail: Hypothesis = field(default_factory=Hypothesis)
    _stability: Stability = field(default_factory=Stability)
    _committed: tuple[HypothesisWord, ...] = ()

    def __post_init__(self) -> None:
        self.window = self.start

    # --- what is known --------------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Whether it is over and its words are known."""
        return self.end is not None and self.settled_end == self.end

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was recognised in it so far."""
        return not (self._head or self._tail.words)

    def _is_credible(self, words: Sequence[HypothesisWord]) -> bool:
        """Whether these words, the first of it, can be believed to have been said.

        What the model makes of music, of a cough or a door it hardly believes itself; where even the
        speech detector was never sure, it must be surer, most of all of what was short. And nobody says
        eight words a second.
        """
        if not words:
            return False
        if len(words) > _MOST_WORDS_A_SECOND * self.voiced_ms / 1000 + 0.5:
            return False
        confidence = sum(word.confidence for word in words) / len(words)
        is_voiced = self.strongest >= _VOICED
        if confidence < (_LEAST_CONFIDENCE if is_voiced else _LEAST_CONFIDENCE_UNVOICED):
            return False
        if self.voiced_ms >= _RATHER_SHORT_MS:
            return True
        evidence = _log_odds(self.strongest) + _log_odds(confidence)
        if self.voiced_ms >= _SHORT_MS or confidence >= _AMPLE_CONFIDENCE:
            return evidence >= _LEAST_EVIDENCE
        return evidence >= _LEAST_EVIDENCE_SHORT

    @property
    def text(self) -> str:
        """All words of the newest hypothesis in a row."""
        return " ".join(word.text for word in (*self._head, *self._tail.words))

    @property
    def last_words(self) -> tuple[tuple[str, ...], float, float | None]:
        """Its words by the newest hypothesis, and how probable their last mark and their end are."""
        words = tuple(word.text for word in (*self._head, *self._tail.words))
        return words, self._tail.last_probability, self._tail.end_probability

    @property
    def end_confidence(self) -> float:
        """How sure it was that it was over when it ended, 0 to 1."""
        return 0.0 if self.pause is None else self.confidence_after(self.pause.ms)

    def confidence_after(self, pause_ms: float) -> float:
        """How sure it is that it is over after a pause, in milliseconds; 0 until it was judged."""
        return 0.0 if self.log_odds is None else confidence_after(pause_ms, self.log_odds)

    @property
    def committed_end(self) -> int:
        """Position in the session behind the last committed word; the start without any."""
        end_s = self._committed[-1].end_s if self._committed else 0.0
        return self.start + round(end_s * _SAMPLES_PER_S)

    @property
    def memory(self) -> object:
        """What the engine made of the window so far."""
        return self._tail.memory

    @property
    def window_prefix(self) -> tuple[int, ...]:
        """Tokens of the locked words within the window: what a partial must begin with."""
        return self._tail.tokens[: _count_tokens(self._tail.words[: self._stability.locked])]

    @property
    def window_draft(self) -> tuple[int, ...]:
        """Tokens of the newest hypothesis of the window behind them."""
        return self._tail.tokens[len(self.window_prefix) :]

    @property
    def draft(self) -> tuple[int, ...]:
        """Tokens of the newest hypothesis of the whole behind the committed words."""
        return (*self._head_tokens, *self._tail.tokens)[len(self.committed_tokens) :]

    @property
    def committed_tokens(self) -> tuple[int, ...]:
        """Tokens of the committed words: what the final must begin with."""
        return (*self._head_tokens, *self._tail.tokens)[: _count_tokens(self._committed)]

    def _shifted(self, words: Sequence[HypothesisWord]) -> tuple[HypothesisWord, ...]:
        """Words of the window on the utterance's timeline."""
        offset_s = (self.window - self.start) / _SAMPLES_PER_S
        return tuple(
            dataclasses.replace(word, start_s=word.start_s + offset_s, end_s=word.end_s + offset_s)
            for word in words
        )

    # --- what happens ---------------------------------------------------------------------------

    def close(self, end: int) -> None:
        """End the utterance behind a position; a hypothesis for any other end no longer counts."""
        self.end = end
        if self.settled_end != end:
            self.settled_end = None

    def expect(self, terms: tuple[str, ...]) -> None:
        """Expect other terms from now on; what was settled without them no longer counts."""
        if terms != self.terms:
            self.terms = terms
            self.settled_end = None

    def take_partial(self, hypothesis: Hypothesis, window: int, end: int) -> None:
        """Take a newer hypothesis of the window, which begins with the locked words.

        Args:
            hypothesis: The hypothesis.
            window: Position of its first sample; another one than today's is not taken.
            end: Position behind its last sample.
        """
        if window != self.window:
            return
        self._tail = hypothesis
        self.settled_end = None
        self._stability.update(
            [word.text for word in hypothesis.words],
            [word.confidence for word in hypothesis.words],
            end / _SAMPLES_PER_MS,
        )
        if self.commits:
            n = len(self._head) + self._stability.committed
            so_far = (*self._head, *self._shifted(hypothesis.words))
            self._committed += so_far[len(self._committed) : n]

    def take_whole(self, hypothesis: Hypothesis, end: int) -> None:
        """Take a hypothesis of all of it up to a pause, made with regard to nothing but committed words.

        It corrects what was locked: it has seen more than any window.

        Args:
            hypothesis: The hypothesis.
            end: Position behind its last sample.
        """
        self.take_settled(hypothesis, end)
        self.settled_end = None

    def take_settled(self, hypothesis: Hypothesis, end: int) -> None:
        """Take the hypothesis of all of it, which stands if it ends behind position ``end``."""
        if self._head:
            self._unfold()
        self._tail = hypothesis
        self.settled_end = end
        self._stability.committed = len(self._committed)
        self._stability.replace([word.text for word in hypothesis.words], end / _SAMPLES_PER_MS)

    def _unfold(self) -> None:
        """Let the window begin where the utterance does."""
        locked = len(self._head) + self._stability.locked
        words = (*self._head, *self._shifted(self._tail.words))
        tokens = (*self._head_tokens, *self._tail.tokens)
        self._head, self._head_tokens, self.window = (), (), self.start
        self._tail = Hypothesis(tokens, words)
        self._stability = Stability.with_locked([word.text for word in words], locked)

    def advance_window(self, earliest: int, margin: int, step: int = 1) -> None:
        """Let the window begin later: at the last locked word that begins at ``earliest`` or before.

        Args:
            earliest: Position in the session.
            margin: Samples in front of that word that stay in the window, and rather more.
            step: The window moves by a multiple of so many samples.
        """
        words = self._tail.words
        n = 0
        for index in range(1, self._stability.locked):
            if self.window + words[index].start_s * _SAMPLES_PER_S > earliest:
                break
            n = index
        if not n:
            return
        moved = round(words[n].start_s * _SAMPLES_PER_S) - margin
        start = self.window + moved // step * step
        n_tokens = _count_tokens(words[:n])
        moved_s = (start - self.window) / _SAMPLES_PER_S
        rest = tuple(
            dataclasses.replace(
                word, start_s=max(0.0, word.start_s - moved_s), end_s=max(0.0, word.end_s - moved_s)
            )
            for word in words[n:]
        )
        self._head += self._shifted(words[:n])
        self._head_tokens += self._tail.tokens[:n_tokens]
        self._tail = dataclasses.replace(self._tail, tokens=self._tail.tokens[n_tokens:], words=rest)
        self._stability.drop(n)
        self.window = start

    # --- what is shown --------------------------------------------------------------------------

    def words(self, *, final: bool) -> tuple[Word, ...]:
        """The words to be shown, as the recogniser wrote them, on the session's timeline.

        Args:
            final: Whether all of them are committed.
        """
        n_committed = len(self._committed)
        all_words = (*self._head, *self._shifted(self._tail.words))
        n_shown = len(all_words) if final else len(self._head) + self._stability.shown
        if not (n_committed or self._is_credible(all_words[:n_shown])):
            return ()
        spoken = (*self._committed, *all_words[n_committed:n_shown])
        offset_ms = self.start / _SAMPLES_PER_MS
        words: list[Word] = []
        last_ms = 0
        for index, word in enumerate(spoken):
            if not plain_word(word.text):
                continue
            start_ms = max(last_ms, round(offset_ms + word.start_s * 1000))
            end_ms = max(start_ms, round(offset_ms + word.end_s * 1000))
            last_ms = end_ms  # where two hypotheses meet, the model's own times overlap
            words.append(
                Word(word.text, start_ms, end_ms, calibrated(word.confidence), final or index < n_committed)
            )
        return tuple(words)


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


def _count_tokens(words: Sequence[HypothesisWord]) -> int:
    return sum(word.n_tokens for word in words)
