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
_MOST_TOKENS: Final = 2**20
_WIDEST_HEAD: Final = 1024
_WIDEST_WINDOW: Final = 1024  # frames: 20 s
# What a float32 holds: neither 0 nor infinite.
_LEAST: Final = float(np.finfo(np.float32).tiny)
_MOST: Final = float(np.finfo(np.float32).max)


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
        vocabulary = fields.size("vocab_size", _MOST_TOKENS)
        frame_ms = encoder.number("frame_ms", 5.0, _MS_PER_S / MODEL_RATE_HZ, _MS_PER_S)
        return cls(
            feature_samples=round(MODEL_RATE_HZ * frame_ms / _MS_PER_S),
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
                start=fields.token(vocabulary, "decoder_start_token_id", "bos_token_id"),
                end=fields.token(vocabulary, "eos_token_id"),
            ),
            decoder_width=fields.size("hidden_size"),
            decoder_inner=fields.size("intermediate_size"),
            vocabulary=vocabulary,
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

    def size(self, name: str, most: int | None = None) -> int:
        value = self._values.get(name)
        if type(value) is not int or value < 1:
            raise self.wrong(name, "a positive integer")
        if most is not None and value > most:
            raise self.wrong(name, f"{most} at most")
        return value

    def number(self, name: str, default: float, least: float = _LEAST, most: float = _MOST) -> float:
        value = self._values.get(name, default)
        if type(value) not in (int, float) or not least <= value <= most:  # NaN is neither
            raise self.wrong(name, f"a positive number, {least:g} to {most:g}")
        return float(value)

    def head_size(self) -> int:
        if self._values.get("head_dim") is not None:
            return self.size("head_dim", _WIDEST_HEAD)
        found = self.size("hidden_size") // self.size("num_attention_heads")
        if not 1 <= found <= _WIDEST_HEAD:
            raise self.wrong("hidden_size", f"1 to {_WIDEST_HEAD} features for each of num_attention_heads")
        return found

    def token(self, n_tokens: int, *names: str) -> int:
        """The first of these fields that is set; the first token if it is a list."""
        for name in names:
            value = self._values.get(name)
            value = value[0] if isinstance(value, list) and value else value
            if value is None:
                continue
            if type(value) is not int or not 0 <= value < n_tokens:
                raise self.wrong(name, f"a token, 0 to {n_tokens - 1}")
            return value
        raise self.wrong(names[-1], "a token")

    def windows(self) -> tuple[Window, ...]:
        """The sliding windows; in the file the left number counts the frame itself, and so does the right."""
        value = self._values.get("sliding_windows")
        try:
            pairs = [(left, right) for left, right in value or ()]
        except (TypeError, ValueError):
            pairs = [(None, None)]
        if any(type(each) is not int or not 0 <= each <= _WIDEST_WINDOW for pair in pairs for each in pair):
            raise self.wrong("sliding_windows", f"a list of pairs of integers, 0 to {_WIDEST_WINDOW}")
        found = tuple(Window(left - 1, max(0, right - 1)) for left, right in pairs)
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
        rotated = int(head_size * rotary.number("partial_rotary_factor", 1.0, most=1.0))
        if not 1 <= rotated <= head_size // 2 * 2:
            raise rotary.wrong("partial_rotary_factor", f"a part of the {head_size} features of a head")
        exponents = np.arange(0, rotated, 2, dtype=np.float32) / np.float32(rotated)
        frequencies: Floats = (1 / np.power(np.float32(base), exponents)).astype(np.float32)
        return frequencies
