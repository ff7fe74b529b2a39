"""Moonshine (Useful Sensors): an encoder-decoder that takes raw samples of any length.

Runs the graphs inside the package ``moonshine-voice`` on ONNX Runtime; nothing of that package is
imported. Source of the method: N. Jeffries et al., "Moonshine: Speech Recognition for Live
Transcription and Voice Commands", 2024.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from vivavoce.engines.base import Hypothesis, HypothesisWord, Span
from vivavoce.engines.guards import cut_loop, max_tokens
from vivavoce.engines.onnx import open_model
from vivavoce.engines.packages import package_file
from vivavoce.engines.timing import spread_words
from vivavoce.engines.tokens import Vocabulary
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["MoonshineRecogniser"]

_RATE_HZ: Final = 16_000
_START: Final = 1
_END: Final = 2
_LAYERS: Final = 6
_HEADS: Final = 8
_HEAD_SIZE: Final = 36
# The convolutional front end needs 127 + 64 * (7 - 1 + 3 * 2) samples for its first frame.
_MIN_SAMPLES: Final = 1_024
_ASSETS: Final = "assets/tiny-en"

_Array = npt.NDArray[Any]


@dataclass(slots=True)
class _Decoding:
    """A hypothesis while it grows: its tokens, their log-probabilities, and the decoder's cache."""

    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    cache: dict[str, _Array] = field(default_factory=dict)

    def add(self, token: int, log_probability: float) -> None:
        self.tokens.append(token)
        self.log_probabilities.append(log_probability)


class MoonshineRecogniser:
    """Moonshine tiny, English, as shipped."""

    name: Final = "moonshine-tiny-en"
    max_batch: Final = 1  # the shipped graphs gain nothing from a batch, and padding changes their text

    def __init__(self, folder: Path | None = None, *, threads: int = 1) -> None:
        """Open the graphs.

        Args:
            folder: Holds ``encoder_model.ort``, ``decoder_model_merged.ort``, ``tokenizer.bin``; by
                default the one inside ``moonshine-voice``.
            threads: Threads for one run.

        Raises:
            ModelError: A file is missing or unusable.
        """

        def file(name: str) -> Path:
            if folder is not None:
                return folder / name
            return package_file("moonshine_voice", f"{_ASSETS}/{name}", install="vivavoce[server]")

        self._vocabulary = Vocabulary.load(file("tokenizer.bin"))
        self._encoder = open_model(file("encoder_model.ort"), threads=threads)
        self._decoder = open_model(file("decoder_model_merged.ort"), threads=threads)
        self._cache_names = [
            f"{layer}.{side}.{part}"
            for layer in range(_LAYERS)
            for side in ("decoder", "encoder")
            for part in ("key", "value")
        ]
        self._outputs = ["logits", *(f"present.{name}" for name in self._cache_names)]

    def recognise(self, spans: Sequence[Span]) -> list[Hypothesis]:
        """Recognise a batch, one span after the other; see `Recogniser.recognise`."""
        try:
            return [self._recognise(span) for span in spans]
        except Exception as error:
            raise EngineError(f"{self.name} failed: {error}") from error

    def _recognise(self, span: Span) -> Hypothesis:
        samples = span.samples
        if len(samples) < _MIN_SAMPLES:
            samples = np.pad(samples, (0, _MIN_SAMPLES - len(samples)))
        mask = np.ones((1, len(samples)), dtype=np.int64)
        (states,) = self._encoder.run(None, {"input_values": samples[None], "attention_mask": mask})
        limit = max(max_tokens(len(span.samples) / _RATE_HZ), len(span.prefix))
        decoding = self._verify(span, states, mask, limit)
        self._generate(decoding, states, mask, limit, keep=len(span.prefix))
        return self._hypothesis(decoding, len(span.samples) / _RATE_HZ)

    def _run(
        self, tokens: Sequence[int], decoding: _Decoding, states: _Array, mask: _Array, *, first: bool
    ) -> npt.NDArray[np.float32]:
        """Run the decoder over new tokens; returns logits, shape (tokens, vocabulary)."""
        if first:
            empty = np.zeros((1, _HEADS, 0, _HEAD_SIZE), dtype=np.float32)
            blank = np.zeros((1, _HEADS, states.shape[1], _HEAD_SIZE), dtype=np.float32)
            decoding.cache = {name: blank if "encoder" in name else empty for name in self._cache_names}
        feeds = {
            "encoder_attention_mask": mask,
            "input_ids": np.array([tokens], dtype=np.int64),
            "encoder_hidden_states": states,
            "use_cache_branch": np.array([not first]),
            **{f"past_key_values.{name}": value for name, value in decoding.cache.items()},
        }
        logits, *present = self._decoder.run(self._outputs, feeds)
        for name, value in zip(self._cache_names, present, strict=True):
            # The cached branch returns nothing for the encoder's keys: they come from the first run.
            if first or "decoder" in name:
                decoding.cache[name] = value
        result: npt.NDArray[np.float32] = logits[0]
        return result

    def _verify(self, span: Span, states: _Array, mask: _Array, limit: int) -> _Decoding:
        """Run prefix and draft in one pass and keep what the model would have said itself.

        Source of the idea: Y. Leviathan et al., "Fast Inference from Transformers via Speculative
        Decoding", 2023, with the previous hypothesis in the place of the small model.
        """
        decoding = _Decoding()
        given = [*span.prefix, *span.draft][:limit]
        logits = self._run([_START, *given], decoding, states, mask, first=True)
        scores = _log_softmax(logits)
        best = logits.argmax(axis=-1)
        for position, token in enumerate(given):
            if position >= len(span.prefix) and int(best[position]) != token:
                break
            decoding.add(token, float(scores[position, token]))
        kept = len(decoding.tokens)
        for name in self._cache_names:
            if "decoder" in name:
                decoding.cache[name] = decoding.cache[name][:, :, : kept + 1]
        token = int(best[kept])
        decoding.add(token, float(scores[kept, token]))
        return decoding

    def _generate(self, decoding: _Decoding, states: _Array, mask: _Array, limit: int, *, keep: int) -> None:
        """Go on token by token up to the end mark, the limit, or a loop."""
        while decoding.tokens[-1] != _END and len(decoding.tokens) <= limit:
            cut = cut_loop(decoding.tokens)
            if cut is not None:
                del decoding.tokens[max(cut, keep) :]
                del decoding.log_probabilities[max(cut, keep) :]
                return
            logits = self._run(decoding.tokens[-1:], decoding, states, mask, first=False)[-1:]
            token = int(logits[0].argmax())
            decoding.add(token, float(_log_softmax(logits)[0, token]))
        del decoding.tokens[-1]
        del decoding.log_probabilities[-1]

    def _hypothesis(self, decoding: _Decoding, duration_s: float) -> Hypothesis:
        pieces = self._vocabulary.words(decoding.tokens)
        times = spread_words([piece.text for piece in pieces], 0.0, duration_s)
        words = []
        for piece, (start_s, end_s) in zip(pieces, times, strict=True):
            scores = decoding.log_probabilities[piece.first : piece.first + piece.n_tokens]
            words.append(HypothesisWord(piece.text, start_s, end_s, math.exp(min(scores)), piece.n_tokens))
        return Hypothesis(tuple(decoding.tokens), tuple(words))


def _log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: npt.NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
