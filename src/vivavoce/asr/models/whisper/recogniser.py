"""The recogniser: turns spans into words with times and confidences."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vivavoce.asr.models.base import Hypothesis, HypothesisWord, Span
from vivavoce.asr.models.batches import BatchAtOnce
from vivavoce.asr.models.devices import CUDA
from vivavoce.asr.models.guards import cut_loop, max_tokens, zero_duration
from vivavoce.asr.models.whisper.runtime import FRAME_SAMPLES, LONGEST_SAMPLES, WhisperRuntime
from vivavoce.asr.models.whisper.word_times import word_times
from vivavoce.errors import EngineError, ModelError
from vivavoce.types import MODEL_RATE_HZ
from vivavoce.word_joining import is_unspaced

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.base import RunningBatch
    from vivavoce.asr.models.devices import Device

__all__ = ["MAX_TERM_TOKENS", "Padding", "WhisperRecogniser"]

MAX_TERM_TOKENS: Final = 112
"""Tokens of expected terms that a prompt may have; the decoder has room for twice as many."""

# Byte-level tokens are short in most scripts: 16 a second leave room for fast speech in Devanagari.
_TOKENS_PER_S: Final = 16.0
_SPARE_TOKENS: Final = 4
_MOST_TOKENS: Final = 220
# Audio between two partial passes by the width of the encoder: tiny and base, small, larger. A wider model
# takes about four times as long as the one before.
_CADENCES_MS: Final = ((512, 640), (768, 1_280))
_WIDEST_CADENCE_MS: Final = 2_560
# 0.6 is the threshold of Whisper's own program. From there on, words need the confidence that the session
# requires where its speech detector is never certain.
_NO_SPEECH: Final = 0.6
_MIN_CONFIDENCE: Final = 0.4
_CUT_SAMPLES: Final = 7 * MODEL_RATE_HZ  # longer audio is cut at the quietest place in its last seconds
_CUT_STEP_SAMPLES: Final = MODEL_RATE_HZ // 10


@dataclass(frozen=True, slots=True)
class Padding:
    """Silence after the audio; the encoder was trained on 30 s, and needs some of it.

    Attributes:
        least_s: Seconds of silence at least.
        shortest_s: Audio and silence together have at least this many seconds.
    """

    least_s: float
    shortest_s: float

    def applied(self, samples: Samples) -> Samples:
        """Audio and silence, shape (n,), float32: whole encoder frames, 30 s at most."""
        n = max(len(samples) + self.least_s * MODEL_RATE_HZ, self.shortest_s * MODEL_RATE_HZ)
        whole = min(LONGEST_SAMPLES, -(-int(n) // FRAME_SAMPLES) * FRAME_SAMPLES)
        return np.pad(samples, (0, whole - len(samples)))


# The shortest with which English has as few errors as with the 30 s of training, at a quarter of the cost;
# benchmarks/studies/whisper.md compares others.
EXACT_PADDING: Final = Padding(least_s=2.0, shortest_s=12.0)
PARTIAL_PADDING: Final = Padding(least_s=2.0, shortest_s=8.0)


class WhisperRecogniser:
    """Whisper in CTranslate2's format, tiny to large, multilingual or English only; a `Recogniser`.

    Drafts are ignored: each token is chosen after the one before it. An exact span therefore has the same
    hypothesis with any draft, and as spans are decoded one by one, in any batch.

    Attributes:
        max_batch: The largest batch that saves time.
        max_workers: Batches that are worth decoding at the same time; None: one for each core.
        step_samples: Grid of span starts, in samples; nothing is reused between passes.
        joins_running: Whether spans may join others that are being decoded.
        runtime: The opened model.
        language: The language of spans that name none.
        translates: Whether text is written in English, whatever is spoken.
    """

    max_batch: Final = 1  # a batch of four takes as long as four spans
    max_workers: int | None = None
    joins_running: Final = False
    step_samples: Final = 1

    def __init__(
        self,
        folder: Path,
        *,
        threads: int = 1,
        workers: int | None = None,
        device: str | Device = "cpu",
        compute_type: str | None = None,
        language: str | None = None,
        translate: bool = False,
        padding: Padding = EXACT_PADDING,
        partial_padding: Padding = PARTIAL_PADDING,
    ) -> None:
        """Open the model.

        Args:
            folder: Holds ``model.bin``, ``config.json``, ``tokenizer.json``, ``vocabulary.json`` or ``.txt``.
            threads: Threads for one run.
            workers: Runs at the same time; they share the weights. None: one for each processor that this
                process may use, one on a GPU.
            device: ``cpu``, ``cuda`` or ``auto``.
            compute_type: Number format of the weights in memory, such as ``int8``, ``float16``, ``float32``.
                None: ``int8``, on ``cuda`` that of the files, or the nearest that the GPU computes well with.
            language: ISO 639-1 code of the language of spans that name none; None: it is detected.
            translate: Write English, whatever is spoken.
            padding: Silence after exact spans.
            partial_padding: Silence after other spans.

        Raises:
            ModelError: CTranslate2 is not installed or can't be loaded, the folder does not hold such a
                model, or the model does not know the language, or can't translate.
        """
        self._name = f"whisper-{folder.name}"
        self._is_on_gpu = str(device) == CUDA.name
        if self._is_on_gpu:
            self.max_workers = 1  # as many as the library runs there at a time
        self.runtime: Final = WhisperRuntime.open(
            folder,
            threads=threads,
            workers=workers,
            device=str(device),
            compute_type=compute_type or ("default" if self._is_on_gpu else "int8"),
        )
        self.language: Final = language
        self.translates: Final = translate
        self._padding = {True: padding, False: partial_padding}  # by whether the span is exact
        if translate and not self.runtime.is_multilingual:
            raise ModelError(f"{self.name} is English only and can't translate: use a multilingual model")
        known = self.runtime.vocabulary.languages if self.runtime.is_multilingual else ("en",)
        if language is not None and language not in known:
            raise ModelError(
                f"{self.name} does not know the language {language!r}: use {', '.join(sorted(known))}"
            )
        self._told = functools.lru_cache(256)(self._encoded_terms)

    @property
    def name(self) -> str:
        """Name of the model, for people: that of its folder."""
        return self._name

    @property
    def partial_cadence_ms(self) -> int:
        """Audio between two partial passes that suits its size, in milliseconds."""
        # Not measured: a GPU is taken to be as fast with a model as a core is with one half as wide.
        return _cadence_ms(self.runtime.width // 2 if self._is_on_gpu else self.runtime.width)

    def open_batch(self) -> RunningBatch:
        """An empty batch."""
        return BatchAtOnce(self._recognise)

    def _recognise(self, spans: Sequence[Span]) -> list[Hypothesis]:
        try:
            return [self._hypothesis(span) for span in spans]
        except Exception as error:
            raise EngineError(f"{self.name} failed: {error}") from error

    def _hypothesis(self, span: Span) -> Hypothesis:
        """Recognise a span piece by piece; a span of a session is one piece."""
        samples = np.pad(span.samples, (0, span.zeros)) if span.zeros else span.samples
        whole: Hypothesis | None = None
        start = 0
        for piece in _pieces(samples):
            part = dataclasses.replace(span, samples=piece, language=span.language or self.language)
            if whole is not None:
                part = dataclasses.replace(part, prefix=(), language=part.language or whole.language)
            found = self._piece(part)
            whole = found if whole is None else _joined(whole, found, start / MODEL_RATE_HZ)
            start += len(piece)
        return whole or Hypothesis()

    def _piece(self, span: Span) -> Hypothesis:
        """Recognise a span that the encoder takes; its zeros are among its samples."""
        runtime = self.runtime
        language = span.language if runtime.is_multilingual else "en"
        states = runtime.encode(self._padding[span.exact].applied(span.samples))
        heard: tuple[str | None, float | None] = (None, None)
        if runtime.is_multilingual and language not in runtime.vocabulary.languages:
            language, _ = heard = runtime.language(states)
        marks = self._marks(language)
        limit = len(span.prefix) + self._limit(len(span.samples) / MODEL_RATE_HZ, language)
        generated = runtime.generate(states, (*self._told(span.terms), *marks), span.prefix, limit)
        tokens = _without_loop(generated.tokens, len(span.prefix))
        found = self._timed(states, marks, tokens, span) if tokens else Hypothesis()
        if not span.prefix and _is_silence(generated.no_speech, found.words):
            found = Hypothesis()
        return dataclasses.replace(found, language=heard[0], language_probability=heard[1])

    def _timed(self, states: Any, marks: tuple[int, ...], tokens: tuple[int, ...], span: Span) -> Hypothesis:
        """Group tokens to words, without those that have no duration in the audio."""
        frames = -(-len(span.samples) // FRAME_SAMPLES)
        found = self.runtime.align(states, marks, tokens, frames)
        pieces = self.runtime.vocabulary.words(tokens)
        times = word_times(found.starts, pieces, span.samples)
        empty = zero_duration(times)
        kept: list[int] = []
        words = []
        last = 1.0
        for piece, (start_s, end_s), is_empty in zip(pieces, times, empty, strict=True):
            after = piece.first + piece.n_tokens
            # Three characters may well be spoken in the time that no three words take.
            if is_empty and piece.first >= len(span.prefix) and not is_unspaced(piece.text[:1]):
                continue
            confidence = min(found.probabilities[piece.first : after])
            words.append(HypothesisWord(piece.text, start_s, end_s, confidence, piece.n_tokens))
            kept += tokens[piece.first : after]
            last = found.probabilities[after - 1]
        return Hypothesis(tuple(kept), tuple(words), last)

    def _marks(self, language: str | None) -> tuple[int, ...]:
        vocabulary = self.runtime.vocabulary
        if not self.runtime.is_multilingual or language is None:
            return vocabulary.start, vocabulary.without_times
        task = vocabulary.translate if self.translates else vocabulary.transcribe
        return vocabulary.start, vocabulary.languages[language], task, vocabulary.without_times

    def _encoded_terms(self, terms: tuple[str, ...]) -> tuple[int, ...]:
        """Terms as a text that was said before: the first of them, as many as `MAX_TERM_TOKENS` allow."""
        vocabulary = self.runtime.vocabulary
        told: list[int] = []
        for term in terms:
            tokens = vocabulary.encode(f" {term},")
            if len(told) + len(tokens) > MAX_TERM_TOKENS:
                break
            told += tokens
        return (vocabulary.previous, *told) if told else ()

    def _limit(self, seconds: float, language: str | None) -> int:
        """The largest number of tokens that nobody speaks faster than."""
        if language in {None, "en"} or self.translates:
            return min(_MOST_TOKENS, max_tokens(seconds))
        return min(_MOST_TOKENS, int(seconds * _TOKENS_PER_S) + _SPARE_TOKENS)


def _cadence_ms(width: int) -> int:
    return next((cadence for widest, cadence in _CADENCES_MS if width <= widest), _WIDEST_CADENCE_MS)


def _is_silence(no_speech: float, words: Sequence[HypothesisWord]) -> bool:
    """Whether the model doubts both that somebody speaks and the words that it writes nevertheless."""
    if no_speech < _NO_SPEECH or not words:
        return False
    return sum(word.confidence for word in words) < _MIN_CONFIDENCE * len(words)


def _without_loop(tokens: tuple[int, ...], n_prefix: int) -> tuple[int, ...]:
    """Cut tokens at the first loop that is not part of the prefix; one turn of it stays."""
    for end in range(n_prefix + 1, len(tokens) + 1):
        keep = cut_loop(tokens[:end])
        if keep is not None:
            return tokens[: max(keep, n_prefix)]
    return tokens


def _pieces(samples: Samples) -> list[Samples]:
    """Cut audio that is longer than the encoder takes, at the quietest places before."""
    pieces = []
    while len(samples) > LONGEST_SAMPLES:
        first = LONGEST_SAMPLES - _CUT_SAMPLES
        steps = np.square(samples[first:LONGEST_SAMPLES]).reshape(-1, _CUT_STEP_SAMPLES).mean(axis=1)
        cut = first + int(steps.argmin()) * _CUT_STEP_SAMPLES + _CUT_STEP_SAMPLES // 2
        pieces.append(samples[:cut])
        samples = samples[cut:]
    return [*pieces, samples]


def _joined(left: Hypothesis, right: Hypothesis, start_s: float) -> Hypothesis:
    """Two hypotheses of successive audio as one; the right one starts at ``start_s``."""
    moved = tuple(
        dataclasses.replace(word, start_s=word.start_s + start_s, end_s=word.end_s + start_s)
        for word in right.words
    )
    last = right.last_probability if moved else left.last_probability
    return dataclasses.replace(
        left, tokens=left.tokens + right.tokens, words=left.words + moved, last_probability=last
    )
