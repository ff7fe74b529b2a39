"""One utterance: its place in the audio, its hypotheses so far, and its words as they are shown."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vivavoce.asr.audio import SAMPLES_PER_MS
from vivavoce.asr.models import Hypothesis, HypothesisWord
from vivavoce.asr.session.credibility import is_clear, is_credible
from vivavoce.asr.session.revision import Revision, after_promise
from vivavoce.asr.session.speech import confidence_after
from vivavoce.asr.text import Stability, calibrated, plain_word
from vivavoce.types import MODEL_RATE_HZ, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.session.joints import Joint

__all__ = ["Pause", "Utterance"]

_BELIEVED: Final = 0.5  # languages that were mistaken for others had less; see benchmarks/studies/whisper.md


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence after speech.

    Attributes:
        speech_end: Position after the last frame of speech.
        ms: How long it has lasted.
        usual_ms: The length of the pauses after which this speaker usually continues.
    """

    speech_end: int
    ms: float
    usual_ms: float


@dataclass(slots=True)
class Utterance:
    """An utterance, open or waiting for its final pass.

    Partials of a long utterance are decoded over a window that begins at one of its words. The words
    before the window are its head and do not change until a pass covers the whole utterance again.

    Attributes:
        number: Counts utterances within the session.
        start: Position of its first sample.
        commits: Whether words are committed while it grows.
        turn_start: Position of the first sample of its turn.
        part: Which part of its turn it is, from 1.
        requested_end: Position after the last sample of the newest pass.
        settled_end: Position after the span of the hypothesis that stands for the whole; None without one.
        end: Position after its last sample once it has ended, else None.
        continues: Whether its turn continues in the next utterance: it was cut because it was too long.
        must_answer: Whether its end is reported even if it holds no words.
        window: Position of the first sample of the window.
        peak: Highest speech probability in it so far, 0 to 1.
        voiced_ms: Speech in it by the speech detector, in milliseconds.
        longest_voiced_ms: The same in its longest stretch without a long pause.
        terms: Words and phrases expected in it: those in force when it ended, or now.
        prompt: Text before it for the recogniser: the one in force when it began.
        pause: The silence in which it ended; None if it is open, or was ended during speech.
        log_odds: Of being over after a second of silence; None until that was judged.
        joint_before: The cut where it begins; None if it begins after silence.
        joint_after: The cut where it ends; None if it ended in silence.
        language: The language that the recogniser heard last, as an ISO 639-1 code; None if it can't tell.
        language_probability: Its probability, 0 to 1.
        revises: Whether its final words wait for a better recogniser.
        revision: What that one heard; None: nothing yet.
    """

    number: int
    start: int
    commits: bool
    turn_start: int
    part: int = 1
    requested_end: int = 0
    settled_end: int | None = None
    end: int | None = None
    continues: bool = False
    must_answer: bool = False
    window: int = -1
    peak: float = 0.0
    voiced_ms: float = 0.0
    longest_voiced_ms: float = 0.0
    terms: tuple[str, ...] = ()
    prompt: str = ""
    pause: Pause | None = None
    log_odds: float | None = None
    joint_before: Joint | None = None
    joint_after: Joint | None = None
    language: str | None = None
    language_probability: float = 0.0
    revises: bool = False
    revision: Revision | None = None
    _stretch_ms: float = 0.0  # speech in the newest stretch without a long pause
    _head: tuple[HypothesisWord, ...] = ()  # words before the window, on the utterance's timeline
    _head_tokens: tuple[int, ...] = ()  # that spell them
    _tail: Hypothesis = field(default_factory=Hypothesis)  # newest hypothesis of the window, on its timeline
    _stability: Stability = field(default_factory=Stability)  # of the words of the window
    _committed: tuple[HypothesisWord, ...] = ()  # the first words, as they were when they were committed
    _was_clear: bool = False  # the words of a hypothesis of the whole were spoken for certain

    def __post_init__(self) -> None:
        self.window = self.start

    # --- what is known --------------------------------------------------------------------------

    @property
    def is_decoded(self) -> bool:
        """Whether it has ended and its words are known."""
        return self.end is not None and self.settled_end == self.end

    @property
    def is_done(self) -> bool:
        """Whether it has ended and its words and what is between them and the next are final."""
        is_joined = self.joint_after is None or self.joint_after.is_known
        return self.is_decoded and is_joined and not self.awaits_revision

    @property
    def needs_revision(self) -> bool:
        """Whether a better recogniser should hear what its newest hypothesis of the whole is about."""
        heard = self.settled_end
        is_heard = self.revision is not None and self.revision.end == heard
        return self.revises and heard is not None and self.has_words and not is_heard

    @property
    def awaits_revision(self) -> bool:
        """Whether it has ended, and its final words wait for a better recogniser only."""
        return self.is_decoded and self.needs_revision

    @property
    def has_words(self) -> bool:
        """Whether any hypothesis had words so far."""
        return bool(self._head or self._tail.words)

    @property
    def _words(self) -> tuple[HypothesisWord, ...]:
        """All words of the newest hypothesis, on the utterance's timeline."""
        return (*self._head, *self._shifted(self._tail.words))

    @property
    def _tokens(self) -> tuple[int, ...]:
        """Tokens of all words of the newest hypothesis."""
        return (*self._head_tokens, *self._tail.tokens)

    @property
    def last_words(self) -> tuple[tuple[str, ...], float, float | None]:
        """Its words by the newest hypothesis, and the probabilities of their last mark and of their end."""
        words = tuple(word.text for word in (*self._head, *self._tail.words))
        return words, self._tail.last_probability, self._tail.end_probability

    @property
    def last_text(self) -> str:
        """The last word of its final transcript; empty without words."""
        words = self.words(final=True)
        return words[-1].text if words else ""

    @property
    def end_confidence(self) -> float:
        """How certain its end was when it ended, 0 to 1."""
        return 0.0 if self.pause is None else self.confidence_after(self.pause.ms)

    def confidence_after(self, pause_ms: float) -> float:
        """How certain its end is after a pause, in milliseconds, 0 to 1; 0 until it was judged."""
        return 0.0 if self.log_odds is None else confidence_after(pause_ms, self.log_odds)

    @property
    def committed_end(self) -> int:
        """Position in the session after the last committed word; the start without any."""
        end_s = self._committed[-1].end_s if self._committed else 0.0
        return self.start + round(end_s * MODEL_RATE_HZ)

    @property
    def memory(self) -> object:
        """What the recogniser computed for the window so far and may reuse."""
        return self._tail.memory

    @property
    def believed_language(self) -> str | None:
        """The language that was heard, if that is certain enough for partials to keep it."""
        return self.language if self.language_probability >= _BELIEVED else None

    @property
    def window_prefix(self) -> tuple[int, ...]:
        """Tokens of the locked words within the window: a partial must begin with them."""
        return self._tail.tokens[: _count_tokens(self._tail.words[: self._stability.locked])]

    @property
    def window_draft(self) -> tuple[int, ...]:
        """Tokens of the newest hypothesis of the window after them."""
        return self._tail.tokens[len(self.window_prefix) :]

    @property
    def committed_tokens(self) -> tuple[int, ...]:
        """Tokens of the committed words: the final must begin with them."""
        return self._tokens[: _count_tokens(self._committed)]

    @property
    def draft(self) -> tuple[int, ...]:
        """Tokens of the newest hypothesis of the whole after the committed words."""
        return self._tokens[len(self.committed_tokens) :]

    def _shifted(self, words: Sequence[HypothesisWord]) -> tuple[HypothesisWord, ...]:
        """Words of the window on the utterance's timeline."""
        offset_s = (self.window - self.start) / MODEL_RATE_HZ
        return tuple(
            dataclasses.replace(word, start_s=word.start_s + offset_s, end_s=word.end_s + offset_s)
            for word in words
        )

    # --- what happens ---------------------------------------------------------------------------

    def add_voice(self, ms: float) -> None:
        """Count speech, in milliseconds."""
        self.voiced_ms += ms
        self._stretch_ms += ms
        self.longest_voiced_ms = max(self.longest_voiced_ms, self._stretch_ms)

    def end_stretch(self) -> None:
        """Note a long pause: speech after it is another stretch."""
        self._stretch_ms = 0.0

    def close(self, end: int) -> None:
        """End the utterance at a position; a hypothesis for any other end no longer stands."""
        self.end = end
        if self.settled_end != end:
            self.settled_end = None

    def expect(self, terms: tuple[str, ...]) -> None:
        """Expect other terms from now on; a hypothesis made without them no longer stands."""
        if terms != self.terms:
            self.terms = terms
            self.settled_end = None
            self.revision = None

    def take_partial(self, hypothesis: Hypothesis, window: int, end: int) -> None:
        """Take a newer hypothesis of the window, which begins with the locked words.

        Args:
            hypothesis: The hypothesis.
            window: Position of its first sample; ignored unless the window still begins there.
            end: Position after its last sample.
        """
        if window != self.window:
            return
        self._hear(hypothesis)
        self._tail = hypothesis
        self.settled_end = None
        self._stability.update(
            [word.text for word in hypothesis.words],
            [word.confidence for word in hypothesis.words],
            end / SAMPLES_PER_MS,
        )
        if self.commits:
            words = self._words[: len(self._head) + self._stability.committed]
            if self._committed or self._is_credible(words):  # what is committed can't be taken back
                self._committed += words[len(self._committed) :]

    def _hear(self, hypothesis: Hypothesis) -> None:
        """Note the language; a recogniser that was told which it is says nothing."""
        if hypothesis.language is not None:
            self.language = hypothesis.language
            self.language_probability = hypothesis.language_probability or 0.0

    def take_settled(self, hypothesis: Hypothesis, end: int) -> None:
        """Take a hypothesis of the whole, which stands if the utterance ends at position ``end``."""
        self._take_whole(hypothesis, end)
        self.settled_end = end

    def take_overtaken(self, hypothesis: Hypothesis, end: int) -> None:
        """Take a hypothesis of the whole up to a pause that is over by now.

        It corrects locked words, because it saw more than any window, and does not stand for the whole.

        Args:
            hypothesis: The hypothesis; it begins with the committed words.
            end: Position after its last sample.
        """
        self._take_whole(hypothesis, end)
        self.settled_end = None

    def _take_whole(self, hypothesis: Hypothesis, end: int) -> None:
        if self._head:
            self._unfold()
        self._hear(hypothesis)
        self._tail = hypothesis
        self._was_clear = self._was_clear or self._is_clear
        words = [word.text for word in hypothesis.words]
        self._stability.replace(words, end / SAMPLES_PER_MS, committed=len(self._committed))

    def _unfold(self) -> None:
        """Let the window begin where the utterance does."""
        locked = len(self._head) + self._stability.locked
        words, tokens = self._words, self._tokens
        self._head, self._head_tokens, self.window = (), (), self.start
        self._tail = Hypothesis(tokens, words)
        self._stability = Stability.with_locked([word.text for word in words], locked)

    def advance_window(self, earliest: int, margin: int, step: int = 1) -> None:
        """Let the window begin later: at the last locked word that begins at ``earliest`` or before.

        Args:
            earliest: Position in the session.
            margin: Samples before that word that stay in the window, at least.
            step: The window moves by a multiple of this many samples.
        """
        words = self._tail.words
        n = 0
        for index in range(1, self._stability.locked):
            if self.window + words[index].start_s * MODEL_RATE_HZ > earliest:
                break
            n = index
        if not n:
            return
        moved = round(words[n].start_s * MODEL_RATE_HZ) - margin
        start = self.window + moved // step * step
        n_tokens = _count_tokens(words[:n])
        moved_s = (start - self.window) / MODEL_RATE_HZ
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

    @property
    def _is_clear(self) -> bool:
        """Whether the words of the newest hypothesis, if it is of the whole, were spoken for certain."""
        tail = self._tail
        return is_clear(
            tail.words, voiced_ms=self.voiced_ms, noise_log_probability=tail.noise_log_probability
        )

    def _is_credible(self, words: Sequence[HypothesisWord]) -> bool:
        return is_credible(words, peak=self.peak, voiced_ms=self.voiced_ms, longest_ms=self.longest_voiced_ms)

    # --- what is shown --------------------------------------------------------------------------

    def words(self, *, final: bool, settled: bool = False) -> tuple[Word, ...]:
        """The words to show, as the recogniser wrote them, on the session's timeline.

        Args:
            final: Whether all of them are final.
            settled: Whether they must be those that a final would have.
        """
        n_committed = len(self._committed)
        all_words = self._words
        n_shown = len(all_words) if final else len(self._head) + self._stability.shown
        # What was clear in a pause stays on the screen. Finals must not depend on passes in pauses.
        is_clear = self._is_clear if final or settled else self._was_clear
        if not (n_committed or is_clear or self._is_credible(all_words[:n_shown])):
            return ()
        shown = (*self._committed, *all_words[n_committed:n_shown])
        revision = self.revision
        if final and revision is not None and revision.end == self.end and revision.words:
            shown = (*self._committed, *after_promise(self._committed, revision.words))
        offset_ms = self.start / SAMPLES_PER_MS
        words: list[Word] = []
        last_ms = 0
        for index, word in enumerate(shown):
            if not plain_word(word.text):
                continue
            text = word.text
            if not words and self.joint_before is not None:
                text = self.joint_before.after(text)
            start_ms = max(last_ms, round(offset_ms + word.start_s * 1000))
            end_ms = max(start_ms, round(offset_ms + word.end_s * 1000))
            last_ms = end_ms  # where two hypotheses meet, the model's own times overlap
            words.append(
                Word(text, start_ms, end_ms, calibrated(word.confidence), final or index < n_committed)
            )
        if final and words and self.joint_after is not None:
            words[-1] = dataclasses.replace(words[-1], text=self.joint_after.before(words[-1].text))
        return tuple(words)


def _count_tokens(words: Sequence[HypothesisWord]) -> int:
    return sum(word.n_tokens for word in words)
