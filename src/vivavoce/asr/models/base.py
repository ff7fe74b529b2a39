"""What the rest of the system knows of an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.audio import Samples

__all__ = ["Frames", "Hypothesis", "HypothesisWord", "Recogniser", "Span", "SpeechDetector", "SpeechState"]

Frames: TypeAlias = npt.NDArray[np.float32]
"""Frames of one session, shape (frames, samples per frame), float32, 16 kHz, full scale ±1."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of speech to be recognised.

    Attributes:
        samples: Shape (n,), float32, 16 kHz, full scale ±1.
        prefix: Tokens the hypothesis must begin with: what was committed already.
        draft: Tokens it may begin with, after the prefix: an earlier hypothesis of the same utterance.
            A draft saves time: what the model would not say itself is thrown away.
        exact: Whether the hypothesis must be the same whatever the draft, bit for bit.
        fresh_s: How many seconds of the span are new since the draft was made; None: all, and the
            hypothesis may be as long as the span allows. A partial need not say more than was spoken.
        start: Position of the first sample; only differences to other spans of a session matter.
        memory: `Hypothesis.memory` of the pass before, if any. It saves time if the starts of both spans
            differ by a multiple of `Recogniser.step_samples`. An exact span has the same hypothesis with
            and without it; that of any other span may differ a little.
        terms: Words and phrases that are expected: they are written where the sound allows for it.
        zeros: Samples of perfect silence to be heard behind them.
        asks_for_end: Whether it matters how probable it is that the turn ends with the span.
    """

    samples: Samples
    prefix: tuple[int, ...] = ()
    draft: tuple[int, ...] = ()
    exact: bool = False
    fresh_s: float | None = None
    start: int = 0
    memory: object = None
    terms: tuple[str, ...] = ()
    zeros: int = 0
    asks_for_end: bool = False


@dataclass(frozen=True, slots=True)
class HypothesisWord:
    """One recognised word.

    Attributes:
        text: As written by the model, punctuation included.
        start_s: Where it begins, in seconds from the start of the span.
        end_s: Where it ends.
        confidence: 0 to 1.
        n_tokens: How many tokens spell it.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a span is believed to say.

    Attributes:
        tokens: All tokens, prefix included, without start and end marks.
        words: What they spell; their ``n_tokens`` add up to the number of tokens.
        last_probability: Of the last token, 0 to 1: most often a mark, and then how sure the model is of it.
        memory: What the engine wants to be given with the next span of the same utterance.
        end_probability: That the turn is over, by its sound, where that was asked for and somebody can tell.
    """

    tokens: tuple[int, ...] = ()
    words: tuple[HypothesisWord, ...] = ()
    last_probability: float = 1.0
    memory: object = field(default=None, compare=False, repr=False)
    end_probability: float | None = None

    @property
    def text(self) -> str:
        """All words in a row."""
        return " ".join(word.text for word in self.words)


class Recogniser(Protocol):
    """Turns spans into hypotheses; keeps nothing between calls, and may be called from several threads."""

    @property
    def name(self) -> str:
        """Of the model, for people."""

    @property
    def max_batch(self) -> int:
        """How many spans are worth giving at once."""

    @property
    def step_samples(self) -> int:
        """Grid of span starts, in samples at 16 kHz.

        A partial pass reuses the work of the pass before it only if the starts of the two spans differ by
        a multiple of this number.
        """

    def recognise(self, spans: Sequence[Span]) -> list[Hypothesis]:
        """Recognise a batch; one hypothesis per span, in their order.

        Raises:
            EngineError: The engine can't go on.
        """


@dataclass(frozen=True, slots=True)
class SpeechState:
    """What a speech detector remembers of one session between frames.

    Attributes:
        hidden: Shape (2, 128), float32: the recurrent state.
        context: Shape (64,), float32: the last samples of the frame before.
    """

    hidden: npt.NDArray[np.float32]
    context: npt.NDArray[np.float32]


class SpeechDetector(Protocol):
    """Tells speech from everything else, frame by frame. Called from one thread at a time."""

    @property
    def frame_samples(self) -> int:
        """Samples in a frame, at 16 kHz."""

    def initial_state(self) -> SpeechState:
        """State of a session that has heard nothing."""

    def detect(
        self, batch: Sequence[tuple[SpeechState, Frames]]
    ) -> list[tuple[SpeechState, npt.NDArray[np.float32]]]:
        """Probability of speech in each frame of several sessions.

        Args:
            batch: Per session its state and its frames, shape (n, frame_samples); n may differ.

        Returns:
            Per session its new state and the probabilities, shape (n,), float32, 0 to 1.
        """
