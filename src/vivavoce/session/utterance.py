"""One utterance: its place in the audio, what was made of it so far, and its words as they are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vivavoce.engines import Hypothesis, HypothesisWord
from vivavoce.text import agreed_words, plain_word
from vivavoce.types import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Utterance"]

_SAMPLES_PER_MS = 16


@dataclass(slots=True)
class Utterance:
    """An utterance, open or waiting for its final pass.

    Attributes:
        number: Counts utterances within the session.
        start: Position of its first sample.
        commits: Whether words are committed while it grows.
        hypothesis: The newest one.
        committed: Words that will not change any more, as first committed.
        asked_end: Position behind the last sample of the newest partial pass.
        settled_end: Position behind the span of the settled hypothesis; None without one.
        end: Position behind its last sample once it is over, else None.
        must_answer: Whether its end is told even if it holds no words.
        shown: The words last told.
    """

    number: int
    start: int
    commits: bool
    hypothesis: Hypothesis = field(default_factory=Hypothesis)
    committed: tuple[HypothesisWord, ...] = ()
    asked_end: int = 0
    settled_end: int | None = None
    end: int | None = None
    must_answer: bool = False
    shown: tuple[Word, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether it is over and its words are known."""
        return self.end is not None and self.settled_end == self.end

    @property
    def committed_end(self) -> int:
        """Position in the session behind the last committed word; the start without any."""
        end_s = self.committed[-1].end_s if self.committed else 0.0
        return self.start + round(end_s * 1000 * _SAMPLES_PER_MS)

    @property
    def prefix(self) -> tuple[int, ...]:
        """Tokens of the committed words."""
        return self.hypothesis.tokens[: sum(word.n_tokens for word in self.committed)]

    @property
    def draft(self) -> tuple[int, ...]:
        """Tokens of the newest hypothesis behind the committed words."""
        return self.hypothesis.tokens[len(self.prefix) :]

    def close(self, end: int) -> None:
        """End the utterance behind a position; a hypothesis for any other end no longer counts."""
        self.end = end
        if self.settled_end != end:
            self.settled_end = None

    def take_partial(self, hypothesis: Hypothesis) -> None:
        """Take a newer hypothesis of an unfinished span; commit what it and the one before agree on."""
        before = self.hypothesis
        self.hypothesis = hypothesis
        self.settled_end = None
        if self.commits:
            agreed = agreed_words(
                [word.text for word in before.words], [word.text for word in hypothesis.words]
            )
            if agreed > len(self.committed):
                self.committed += hypothesis.words[len(self.committed) : agreed]

    def take_settled(self, hypothesis: Hypothesis, end: int) -> None:
        """Take the hypothesis that stands if the utterance ends behind position ``end``."""
        self.hypothesis = hypothesis
        self.settled_end = end

    def words(self, *, formatted: bool, final: bool) -> tuple[Word, ...]:
        """The words as they are to be shown, on the session's timeline.

        Args:
            formatted: Whether case and punctuation are kept.
            final: Whether all of them are committed.
        """
        n_committed = len(self.committed)
        spoken: Sequence[HypothesisWord] = (*self.committed, *self.hypothesis.words[n_committed:])
        offset_ms = self.start / _SAMPLES_PER_MS
        words: list[Word] = []
        last_ms = 0
        for index, word in enumerate(spoken):
            text = word.text if formatted else plain_word(word.text)
            if not plain_word(word.text):
                continue
            start_ms = max(last_ms, round(offset_ms + word.start_s * 1000))
            end_ms = max(start_ms, round(offset_ms + word.end_s * 1000))
            last_ms = start_ms
            words.append(Word(text, start_ms, end_ms, word.confidence, final or index < n_committed))
        return tuple(words)
