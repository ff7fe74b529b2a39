"""Sizes of a Moonshine streaming model, from its ``config.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from vivavoce.asr.models.moonshine.sizes import DecoderSizes
from vivavoce.asr.models.tensor_files import read_json
from vivavoce.errors import ModelError
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["FEATURES_PER_FRAME", "StreamingConfig", "Window"]

FEATURES_PER_FRAME: Final = 4
"""Rows of the first linear layer for one frame of the encoder."""
_MODEL_TYPE: Final = "moonshine_streaming"
_ROTARY: Final = {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.8}
_MS_PER_S: Final = 1000


class Window(NamedTuple):
    """How many frames before and after itself a frame attends to."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class StreamingConfig:
    """Sizes of encoder, adapter and decoder.

    Attributes:
        feature_samples: Samples of one row of the first linear layer.
        width: Features of the encoder.
        inner: Features inside its feed-forward layers.
        heads: Its attention heads.
        head_size: Features of each.
        windows: What each of its blocks attends to.
        positions: Frames that have a position: the longest span.
        decoder: Sizes of the decoder.
        decoder_width: Features of the decoder.
        decoder_inner: Features inside its feed-forward layers.
        vocabulary: Number of tokens.
        frequencies: Rotary angle per position of each pair of dimensions, float32 (pairs,).
        is_tied: Whether the projection to the vocabulary is the embedding.
    """

    feature_samples: int
    width: int
    inner: int
    heads: int
    head_size: int
    windows: tuple[Window, ...]
    positions: int
    decoder: DecoderSizes
    decoder_width: int
    decoder_inner: int
    vocabulary: int
    frequencies: Floats
    is_tied: bool

    @property
    def frame_samples(self) -> int:
        """Samples between two frames of the encoder."""
        return FEATURES_PER_FRAME * self.feature_samples

    @classmethod
    def load(cls, path: Path, *, word_rows: int = 1) -> StreamingConfig:
        """Read ``config.json``.

        Args:
            path: Of the file.
            word_rows: Rows of attention from which word times are read.

        Raises:
            ModelError: It is missing, damaged, or of another model.
        """
        raw = read_json(path)
        if raw.get("model_type") != _MODEL_TYPE:
            raise ModelError(
                f"{path} must have the model_type {_MODEL_TYPE!r}, got {raw.get('model_type')!r}:"
                " the folder must hold a Moonshine streaming model"
            )
        fields, encoder = _Fields(path, raw, ""), _Fields(path, raw.get("encoder_config"), "encoder_config.")
        encoder.need("hidden_act", "gelu")
        encoder.need("sample_rate", MODEL_RATE_HZ)
        fields.need("hidden_act", "silu")
        for part in (fields, encoder):
            part.need("attention_bias", expected=False)
            part.need("num_key_value_heads", part.size("num_attention_heads"))
        head_size = fields.head_size()
        return cls(
            feature_samples=round(MODEL_RATE_HZ * encoder.number("frame_ms", 5.0) / _MS_PER_S),
            width=encoder.size("hidden_size"),
            inner=encoder.size("intermediate_size"),
            heads=encoder.size("num_attention_heads"),
            head_size=encoder.head_size(),
            windows=encoder.windows(),
            positions=fields.size("max_position_embeddings"),
            decoder=DecoderSizes(
                blocks=fields.size("num_hidden_layers"),
                heads=fields.size("num_attention_heads"),
                head_size=head_size,
                word_rows=word_rows,
                start=fields.token("decoder_start_token_id", "bos_token_id"),
                end=fields.token("eos_token_id"),
            ),
            decoder_width=fields.size("hidden_size"),
            decoder_inner=fields.size("intermediate_size"),
            vocabulary=fields.size("vocab_size"),
            frequencies=fields.frequencies(head_size),
            is_tied=bool(raw.get("tie_word_embeddings", False)),
        )


class _Fields:
    """Fields of the file, each checked as it is read."""

    def __init__(self, path: Path, values: object, prefix: str) -> None:
        if not isinstance(values, dict):
            raise ModelError(f"{path} has no object {prefix.rstrip('.')}: download the model again")
        self._path = path
        self._values: dict[str, Any] = values
        self._prefix = prefix

    def wrong(self, name: str, expected: str) -> ModelError:
        return ModelError(
            f"{self._path}: {self._prefix}{name} must be {expected}, got {self._values.get(name)!r}"
        )

    def need(self, name: str, expected: object) -> None:
        """Check a choice that only one value is supported of; it is the one where the field is missing."""
        if self._values.get(name, expected) != expected:
            raise self.wrong(name, repr(expected))

    def size(self, name: str) -> int:
        value = self._values.get(name)
        if type(value) is not int or value < 1:
            raise self.wrong(name, "a positive integer")
        return value

    def number(self, name: str, default: float) -> float:
        value = self._values.get(name, default)
        if type(value) not in (int, float) or not value > 0:
            raise self.wrong(name, "a positive number")
        return float(value)

    def head_size(self) -> int:
        if self._values.get("head_dim") is None:
            return self.size("hidden_size") // self.size("num_attention_heads")
        return self.size("head_dim")

    def token(self, *names: str) -> int:
        """The first of these fields that is set; the first token if it is a list."""
        for name in names:
            value = self._values.get(name)
            value = value[0] if isinstance(value, list) and value else value
            if type(value) is int and value >= 0:
                return value
        raise self.wrong(names[-1], "a token")

    def windows(self) -> tuple[Window, ...]:
        """The sliding windows; in the file the left number counts the frame itself, and so does the right."""
        value = self._values.get("sliding_windows")
        try:
            found = tuple(Window(left - 1, max(0, right - 1)) for left, right in value or ())
        except (TypeError, ValueError):
            raise self.wrong("sliding_windows", "a list of pairs of integers") from None
        if len(found) != self.size("num_hidden_layers") or any(window.left < 1 for window in found):
            raise self.wrong("sliding_windows", "one pair for each layer, the left number at least 2")
        return found

    def frequencies(self, head_size: int) -> Floats:
        """Angles of the rotary embedding; see J. Su et al., "RoFormer", 2021."""
        given = self._values.get("rope_parameters") or {
            name: self._values.get(name, default) for name, default in _ROTARY.items()
        }
        rotary = _Fields(self._path, given, f"{self._prefix}rope_parameters.")
        rotary.need("rope_type", "default")
        base = rotary.number("rope_theta", 10_000.0)
        rotated = int(head_size * rotary.number("partial_rotary_factor", 1.0))
        exponents = np.arange(0, rotated, 2, dtype=np.float32) / np.float32(rotated)
        frequencies: Floats = (1 / np.power(np.float32(base), exponents)).astype(np.float32)
        return frequencies
