"""The interfaces of models: recognisers, speech detectors, turn detectors, and the values they exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.speakers import VoiceTuning

__all__ = [
    "Frames",
    "Hypothesis",
    "HypothesisWord",
    "Recogniser",
    "RunningBatch",
    "Span",
    "SpeakerEmbedder",
    "SpeakerSegmenter",
    "SpeechDetector",
    "SpeechState",
    "TurnDetector",
]

Frames: TypeAlias = npt.NDArray[np.float32]
"""Frames of one session, shape (frames, samples per frame), float32, 16 kHz, full scale ±1."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of audio to recognise.

    Attributes:
        samples: Shape (n,), float32, 16 kHz, full scale ±1.
        prefix: Tokens that the hypothesis must begin with, because they are committed.
        draft: Tokens that may follow the prefix, from an earlier hypothesis of the same utterance. A draft
            saves time; its tokens are kept up to the first that the model does not choose itself.
        exact: Whether the hypothesis must be the same with any draft, bit for bit.
        fresh_s: Seconds of the span that are new since the draft was made, which limit the length of the
            hypothesis; None: all are new, and only the length of the span limits it.
        start: Position of the first sample; only differences to other spans of a session matter.
        memory: `Hypothesis.memory` of the pass before, if any. It saves time if the starts of both spans
            differ by a multiple of `Recogniser.step_samples`. An exact span has the same hypothesis with
            and without it; that of any other span may differ a little.
        terms: Words and phrases that are expected. A word that sounds like one of them is written as it.
        prompt: Text that came before, of which a recogniser that takes one uses the last part. It never
            becomes part of the hypothesis.
        zeros: Number of zero samples to append.
        asks_for_end: Whether to compute `Hypothesis.end_probability`.
        language: The language that is spoken, as an ISO 639-1 code; None: the recogniser decides. A
            recogniser of one language ignores it.
        translates: Whether to write English, whatever is spoken; a recogniser that can't ignores it.
    """

    samples: Samples
    prefix: tuple[int, ...] = ()
    draft: tuple[int, ...] = ()
    exact: bool = False
    fresh_s: float | None = None
    start: int = 0
    memory: object = None
    terms: tuple[str, ...] = ()
    prompt: str = ""
    zeros: int = 0
    asks_for_end: bool = False
    language: str | None = None
    translates: bool = False


@dataclass(frozen=True, slots=True)
class HypothesisWord:
    """One recognised word.

    Attributes:
        text: As the model writes it, punctuation included.
        start_s: Its start, in seconds from the start of the span.
        end_s: Its end.
        confidence: 0 to 1.
        n_tokens: Number of tokens that spell it.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The recognised content of a span.

    Attributes:
        tokens: All tokens, prefix included, without start and end marks.
        words: The words that they spell; the ``n_tokens`` of all words add up to the number of tokens.
        last_probability: Probability of the last token, 0 to 1. That token is most often a punctuation mark.
        memory: To be given to the recogniser with the next span of the same utterance.
        end_probability: Probability that the turn is over, 0 to 1, from the audio; None if the span does not
            ask for it, or no turn detector is loaded.
        noise_log_probability: Logarithm of the probability that the model writes these tokens where nobody
            speaks; None if it is not known. Known of few words, in exact spans.
        language: The language that the recogniser heard, as an ISO 639-1 code; None if it knows only one, or
            was told which.
        language_probability: Its probability, 0 to 1.
    """

    tokens: tuple[int, ...] = ()
    words: tuple[HypothesisWord, ...] = ()
    last_probability: float = 1.0
    memory: object = field(default=None, compare=False, repr=False)
    end_probability: float | None = None
    noise_log_probability: float | None = None
    language: str | None = None
    language_probability: float | None = None

    @property
    def text(self) -> str:
        """All words, with a space between two."""
        return join_words(word.text for word in self.words)


class RunningBatch(Protocol):
    """Spans that are recognised together; each joins and leaves by itself. Used by one thread at a time.

    The hypothesis of an exact span does not depend on the others.
    """

    def __len__(self) -> int:
        """How many spans joined and were not returned yet."""

    def add(self, span: Span) -> int:
        """Let a span join; returns its key.

        Raises:
            EngineError: The model failed and can't continue.
        """

    def step(self) -> list[tuple[int, Hypothesis]]:
        """Do the next part of the work for all spans: for most models, one more token of each.

        Returns:
            Keys and hypotheses of the spans that are done, which leave; often none.

        Raises:
            EngineError: The model failed and can't continue.
        """


class Recogniser(Protocol):
    """Turns spans into hypotheses. Keeps nothing between calls, and may be called from several threads."""

    @property
    def name(self) -> str:
        """Name of the model, for people."""

    @property
    def max_batch(self) -> int:
        """The largest batch that saves time."""

    @property
    def max_workers(self) -> int | None:
        """Batches that are worth decoding at the same time; None: one for each core."""

    @property
    def joins_running(self) -> bool:
        """Whether spans may join others that are being decoded.

        It does not pay where joining takes several times as long as a step, for which the others wait.
        """

    @property
    def partial_cadence_ms(self) -> int | None:
        """Audio between two partial passes that suits its cost, in milliseconds; None: that of the engine."""

    @property
    def step_samples(self) -> int:
        """Grid of span starts, in samples at 16 kHz.

        A partial pass reuses the work of the pass before it only if the starts of the two spans differ by
        a multiple of this number.
        """

    def open_batch(self) -> RunningBatch:
        """An empty batch."""


@dataclass(frozen=True, slots=True)
class SpeechState:
    """State of a speech detector in one session, between two frames.

    Attributes:
        hidden: Shape (2, 128), float32: the recurrent state.
        context: Shape (64,), float32: the last samples of the frame before.
    """

    hidden: npt.NDArray[np.float32]
    context: npt.NDArray[np.float32]


class SpeechDetector(Protocol):
    """Detects speech, frame by frame. Called from one thread at a time."""

    @property
    def frame_samples(self) -> int:
        """Samples in a frame, at 16 kHz."""

    def initial_state(self) -> SpeechState:
        """State at the start of a session."""

    def detect(
        self, batch: Sequence[tuple[SpeechState, Frames]]
    ) -> list[tuple[SpeechState, npt.NDArray[np.float32]]]:
        """Compute the probability of speech in each frame of several sessions.

        Args:
            batch: The state of each session and its frames, shape (n, frame_samples); n may differ.

        Returns:
            The new state of each session and the probabilities, shape (n,), float32, 0 to 1.
        """


class TurnDetector(Protocol):
    """Detects from the audio whether a turn is over. May be called from several threads."""

    @property
    def name(self) -> str:
        """Name of the model, for people."""

    def end_probabilities(self, turns: Sequence[Samples]) -> list[float]:
        """Compute the probability that each turn is over.

        Args:
            turns: Audio from the start of each turn into the pause after it, shape (n,), float32, 16 kHz.

        Returns:
            One probability per turn, 0 to 1; it does not depend on the other turns of the batch.
        """


class SpeakerEmbedder(Protocol):
    """Computes what tells voices apart. May be called from several threads."""

    @property
    def name(self) -> str:
        """Name of the model, for people."""

    @property
    def window_samples(self) -> int:
        """The most speech that one embedding is computed from, at 16 kHz."""

    @property
    def hop_samples(self) -> int:
        """From the start of a window of longer speech to that of the next."""

    @property
    def shortest_samples(self) -> int:
        """Less than this says little about a voice."""

    @property
    def width(self) -> int:
        """Values of an embedding."""

    @property
    def typical(self) -> npt.NDArray[np.float32]:
        """What the embeddings of all voices have in common, shape (width,); it is subtracted from them."""

    @property
    def tuning(self) -> VoiceTuning:
        """What counts as one voice for these embeddings."""

    def embed(self, voices: Sequence[Samples]) -> npt.NDArray[np.float32]:
        """Compute an embedding of each stretch of speech.

        Args:
            voices: Speech of one person each, shape (n,), float32, 16 kHz, full scale ±1.

        Returns:
            Shape (voices, width), float32. Each has the length 1, so the product of two is their cosine: high
            if one person speaks. It does not depend on the other voices of the batch.
        """


class SpeakerSegmenter(Protocol):
    """Finds who speaks when within some seconds of audio. May be called from several threads."""

    @property
    def name(self) -> str:
        """Name of the model, for people."""

    @property
    def step_samples(self) -> int:
        """From one frame to the next."""

    @property
    def offset_samples(self) -> int:
        """From the start of the audio to the middle of the first frame."""

    def classes(self, audio: Sequence[Samples]) -> list[npt.NDArray[np.intp]]:
        """Find the most probable set of speakers of each frame.

        Args:
            audio: Parts of speech, shape (n,), float32, 16 kHz, full scale ±1, each of less than ten seconds.

        Returns:
            For each, places in `vivavoce.asr.speakers.SPEAKER_SETS`, shape (frames,); they do not depend on
            the other parts of the batch. The three speakers are others in each part.
        """
