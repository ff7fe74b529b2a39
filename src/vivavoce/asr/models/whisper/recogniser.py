"""The recogniser: turns spans into words with times and confidences."""

from __future__ import annotations

import dataclasses
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vivavoce.asr.models.base import Hypothesis, HypothesisWord, Span
from vivavoce.asr.models.batches import BatchAtOnce
from vivavoce.asr.models.devices import CUDA
from vivavoce.asr.models.guards import cut_loop, max_tokens, zero_duration
from vivavoce.asr.models.whisper.pieces import Piece, first_piece, join, without_cut_words
from vivavoce.asr.models.whisper.runtime import FRAME_SAMPLES, LONGEST_SAMPLES, MOST_TOKENS, WhisperRuntime
from vivavoce.asr.models.whisper.word_times import word_times
from vivavoce.errors import EngineError, ModelError
from vivavoce.types import MODEL_RATE_HZ
from vivavoce.word_joining import is_unspaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.models.base import RunningBatch
    from vivavoce.asr.models.devices import Device

__all__ = ["MAX_CONTEXT_TOKENS", "MAX_TERM_TOKENS", "Padding", "WhisperRecogniser"]

MAX_CONTEXT_TOKENS: Final = MOST_TOKENS - 5
"""Tokens of expected terms and a prompt together: all that leave room for a text and its marks."""

MAX_TERM_TOKENS: Final = 112
"""Tokens of expected terms, so that a prompt has room for almost as many."""

# Byte-level tokens are short in most scripts: 16 a second leave room for fast speech in Devanagari. In some
# scripts a token is one or two of the three bytes of a character: up to 45 for 15 characters a second.
_TOKENS_PER_S: Final = 16.0
_MANY_TOKENS_PER_S: Final = 48.0
_LANGUAGES_OF_MANY: Final = frozenset(
    ("am", "as", "bn", "bo", "gu", "hy", "ka", "km", "kn", "lo", "ml", "my", "pa", "si", "te")
)
_SPARE_TOKENS: Final = 4
_LONGEST_PREFIX: Final = 160  # the rest of `MOST_TOKENS` is for new words
# Audio between two partial passes by the width of the encoder: tiny and base, small, larger. A wider model
# takes about four times as long as the one before.
_CADENCES_MS: Final = ((512, 640), (768, 1_280))
_WIDEST_CADENCE_MS: Final = 2_560
# 0.6 is the threshold of Whisper's own program. From there on, words need the confidence that the session
# requires where its speech detector is never certain.
_NO_SPEECH: Final = 0.6
_MIN_CONFIDENCE: Final = 0.4
_ECHO_WORDS: Final = 4  # fewer may be a name, which a prompt is there to make possible
_LETTERS: Final = re.compile(r"\w+")


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
        translates: Whether the text of all spans is written in English, whatever is spoken.
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
        self._context = functools.lru_cache(256)(self._encoded_context)
        self._said = functools.lru_cache(256)(self._plain_prompt)

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
        """Recognise a span piece by piece; most spans of a session are one piece."""
        rest = np.pad(span.samples, (0, span.zeros)) if span.zeros else span.samples
        prefix, language = span.prefix, span.language or self.language
        whole: Hypothesis | None = None
        start = 0
        while whole is None or len(rest) or prefix:
            part = dataclasses.replace(span, samples=first_piece(rest), prefix=prefix, language=language)
            piece = self._piece(part)
            found = piece.hypothesis
            whole = found if whole is None else join(whole, found, start / MODEL_RATE_HZ)
            language = language or whole.language
            start += piece.n_samples
            rest, prefix = rest[piece.n_samples :], piece.prefix
        return whole

    def _piece(self, span: Span) -> Piece:
        """Recognise the beginning of a span that the encoder takes; its zeros are among its samples."""
        runtime = self.runtime
        language = span.language if runtime.is_multilingual else "en"
        states = runtime.encode(self._padding[span.exact].applied(span.samples))
        heard: tuple[str | None, float | None] = (None, None)
        if runtime.is_multilingual and language not in runtime.vocabulary.languages:
            language, _ = heard = runtime.language(states)
        write = self._known_words if len(span.prefix) > _LONGEST_PREFIX else self._words
        piece = write(states, span, language)
        found = dataclasses.replace(piece.hypothesis, language=heard[0], language_probability=heard[1])
        return dataclasses.replace(piece, hypothesis=found)

    def _words(self, states: Any, span: Span, language: str | None) -> Piece:
        """Write what is said, after the prefix; what the decoder has no room for is left to another piece."""
        marks = self._marks(language, span)
        n_samples, n_prefix = len(span.samples), len(span.prefix)
        written = "en" if self.runtime.vocabulary.translate in marks else language
        limit = n_prefix + _most_tokens(n_samples / MODEL_RATE_HZ, written)
        context = self._context(span.terms, span.prompt)
        generated = self.runtime.generate(states, (*context, *marks), span.prefix, limit)
        tokens = _without_loop(generated.tokens, n_prefix)
        found = self._timed(states, marks, tokens, span) if tokens else Hypothesis()
        is_silence = not span.prefix and (
            _is_silence(generated.no_speech, found.words) or self._is_echo(span.prompt, found)
        )
        loops = tokens != generated.tokens
        if span.prompt and (is_silence or loops):  # it may be the prompt that led the model astray
            return self._words(states, dataclasses.replace(span, prompt=""), language)
        if is_silence:
            found = Hypothesis()
        elif generated.is_cut and not loops:  # what follows a loop would be another loop
            return without_cut_words(found, n_samples, n_prefix)
        return Piece(found, n_samples)

    def _known_words(self, states: Any, span: Span, language: str | None) -> Piece:
        """Find the first words of a prefix that has no room in the decoder; the rest is another piece."""
        firsts = [word.first for word in self.runtime.vocabulary.words(span.prefix)]
        n = max((first for first in firsts if 0 < first <= _LONGEST_PREFIX), default=_LONGEST_PREFIX)
        tokens = span.prefix[:n]
        marks = self._marks(language, span)
        found = self._timed(states, marks, tokens, dataclasses.replace(span, prefix=tokens))
        end_s = found.words[-1].end_s
        return Piece(found, min(len(span.samples), round(end_s * MODEL_RATE_HZ)), span.prefix[n:])

    def _timed(self, states: Any, marks: tuple[int, ...], tokens: tuple[int, ...], span: Span) -> Hypothesis:
        """Group tokens to words, without those that have no duration in the audio."""
        frames = -(-len(span.samples) // FRAME_SAMPLES)
        found = self.runtime.align(states, marks, tokens, frames)
        pieces = self.runtime.vocabulary.words(tokens)
        times = word_times(found.starts, pieces, span.samples)
        empty = zero_duration(times)
        # A translation has another order than speech: only words at its end must be invented.
        if self.runtime.vocabulary.translate in marks:
            spoken = max((place for place, is_empty in enumerate(empty) if not is_empty), default=-1)
            empty = [is_empty and place > spoken for place, is_empty in enumerate(empty)]
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

    def _marks(self, language: str | None, span: Span) -> tuple[int, ...]:
        vocabulary = self.runtime.vocabulary
        if not self.runtime.is_multilingual or language is None:
            return vocabulary.start, vocabulary.without_times
        translates = (self.translates or span.translates) and language != "en"
        task = vocabulary.translate if translates else vocabulary.transcribe
        return vocabulary.start, vocabulary.languages[language], task, vocabulary.without_times

    def _encoded_context(self, terms: tuple[str, ...], prompt: str) -> tuple[int, ...]:
        """What stands before the marks as if it had been said before.

        Args:
            terms: The first of them count, as many as `MAX_TERM_TOKENS` allow.
            prompt: The last of its words count, as many as `MAX_CONTEXT_TOKENS` allow beside the terms.
        """
        vocabulary = self.runtime.vocabulary
        told: list[int] = []
        for term in terms:
            tokens = vocabulary.encode(f" {term},")
            if len(told) + len(tokens) > MAX_TERM_TOKENS:
                break
            told += tokens
        said = vocabulary.encode(f" {prompt}") if prompt else ()
        surplus = len(said) - (MAX_CONTEXT_TOKENS - len(told))
        if surplus > 0:
            firsts = [word.first for word in vocabulary.words(said)]
            said = said[min((first for first in firsts if first >= surplus), default=surplus) :]
        told += said
        return (vocabulary.previous, *told) if told else ()

    def _is_echo(self, prompt: str, found: Hypothesis) -> bool:
        """Whether the model repeats its prompt where it hears hardly any of that.

        Confidences are computed without the prompt.
        """
        if not prompt or len(found.words) < _ECHO_WORDS or _has_confidence(found.words):
            return False
        return _plain(word.text for word in found.words) in self._said(prompt)

    def _plain_prompt(self, prompt: str) -> str:
        vocabulary = self.runtime.vocabulary
        return _plain(word.text for word in vocabulary.words(vocabulary.encode(f" {prompt}")))


def _most_tokens(seconds: float, language: str | None) -> int:
    """The largest number of tokens that nobody speaks faster than, of a text in a language."""
    if language in {None, "en"}:
        return max_tokens(seconds)
    rate = _MANY_TOKENS_PER_S if language in _LANGUAGES_OF_MANY else _TOKENS_PER_S
    return int(seconds * rate) + _SPARE_TOKENS


def _cadence_ms(width: int) -> int:
    return next((cadence for widest, cadence in _CADENCES_MS if width <= widest), _WIDEST_CADENCE_MS)


def _is_silence(no_speech: float, words: Sequence[HypothesisWord]) -> bool:
    """Whether the model doubts both that somebody speaks and the words that it writes nevertheless."""
    if no_speech < _NO_SPEECH or not words:
        return False
    return not _has_confidence(words)


def _has_confidence(words: Sequence[HypothesisWord]) -> bool:
    return sum(word.confidence for word in words) >= _MIN_CONFIDENCE * len(words)


def _plain(words: Iterable[str]) -> str:
    """Words in lower case and without marks, each between spaces."""
    letters = ("".join(_LETTERS.findall(word.lower())) for word in words)
    return f" {' '.join(filter(None, letters))} "


def _without_loop(tokens: tuple[int, ...], n_prefix: int) -> tuple[int, ...]:
    """Cut tokens at the first loop that is not part of the prefix; one turn of it stays."""
    for end in range(n_prefix + 1, len(tokens) + 1):
        keep = cut_loop(tokens[:end])
        if keep is not None:
            return tokens[: max(keep, n_prefix)]
    return tokens
