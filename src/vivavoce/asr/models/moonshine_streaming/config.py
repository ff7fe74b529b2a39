"""Sizes of a Moonshine streaming model, from its ``config.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from vivavoce.asr.models.config_fields import ConfigFields
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
_ROTATED: Final = 0.8  # part of a head, if the file says nothing about the rotary embedding
_MS_PER_S: Final = 1000
_MOST_TOKENS: Final = 2**20
_WIDEST_WINDOW: Final = 1024  # frames: 20 s


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
        fields = ConfigFields(path, raw)
        encoder = ConfigFields(path, raw.get("encoder_config"), "encoder_config.")
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
            windows=_windows(encoder),
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
            frequencies=fields.frequencies(head_size, 1.0 if fields.value("rope_parameters") else _ROTATED),
            is_tied=bool(raw.get("tie_word_embeddings", False)),
        )


def _windows(encoder: ConfigFields) -> tuple[Window, ...]:
    """The sliding windows; in the file the left number counts the frame itself, and so does the right."""
    name = "sliding_windows"
    try:
        pairs = [(left, right) for left, right in encoder.value(name) or ()]
    except (TypeError, ValueError):
        pairs = [(None, None)]
    if any(type(each) is not int or not 0 <= each <= _WIDEST_WINDOW for pair in pairs for each in pair):
        raise encoder.wrong(name, f"a list of pairs of integers, 0 to {_WIDEST_WINDOW}")
    found = tuple(Window(left - 1, max(0, right - 1)) for left, right in pairs)
    if len(found) != encoder.size("num_hidden_layers") or any(window.left < 1 for window in found):
        raise encoder.wrong(name, "one pair for each layer, the left number at least 2")
    return found
