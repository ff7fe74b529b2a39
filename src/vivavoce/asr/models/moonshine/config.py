"""Sizes of a Moonshine checkpoint, from its ``config.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.config_fields import ConfigFields
from vivavoce.asr.models.moonshine.sizes import DecoderSizes, EncoderSizes
from vivavoce.asr.models.tensor_files import read_json
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.onnx.quantised import Floats

__all__ = ["MoonshineConfig"]

_MODEL_TYPE: Final = "moonshine"
_ROTATED: Final = 0.9  # part of a head, if the file does not say
_MOST_TOKENS: Final = 2**20


@dataclass(frozen=True, slots=True)
class MoonshineConfig:
    """Sizes of encoder and decoder.

    Attributes:
        hidden: Features of both.
        inner: Features inside their feed-forward layers.
        encoder: Sizes of the encoder.
        decoder: Sizes of the decoder.
        vocabulary: Number of tokens.
        frequencies: Rotary angle per position of each pair of dimensions, float32 (pairs,).
        is_tied: Whether the projection to the vocabulary is the embedding.
    """

    hidden: int
    inner: int
    encoder: EncoderSizes
    decoder: DecoderSizes
    vocabulary: int
    frequencies: Floats
    is_tied: bool

    @classmethod
    def load(cls, path: Path) -> MoonshineConfig:
        """Read ``config.json``.

        Raises:
            ModelError: It is missing, damaged, or of another model.
        """
        raw = read_json(path)
        if raw.get("model_type") != _MODEL_TYPE:
            raise ModelError(
                f"{path} must have the model_type {_MODEL_TYPE!r}, got {raw.get('model_type')!r}:"
                " the folder must hold a Moonshine model"
            )
        fields = ConfigFields(path, raw)
        fields.need("encoder_hidden_act", "gelu")
        fields.need("decoder_hidden_act", "silu")
        fields.need("attention_bias", expected=False)
        heads = fields.size("encoder_num_attention_heads")
        # The reference makes its decoder with the encoder's heads, whatever the file says.
        fields.need("decoder_num_attention_heads", heads)
        for name in ("encoder_num_key_value_heads", "decoder_num_key_value_heads"):
            if fields.value(name) is not None:
                fields.need(name, heads)
        # ``pad_head_dim_to_multiple_of`` only adds zeros, for other attention kernels.
        head_size = fields.head_size("encoder_num_attention_heads")
        vocabulary = fields.size("vocab_size", _MOST_TOKENS)
        return cls(
            hidden=fields.size("hidden_size"),
            inner=fields.size("intermediate_size"),
            encoder=EncoderSizes(fields.size("encoder_num_hidden_layers"), heads, head_size),
            decoder=DecoderSizes(
                blocks=fields.size("decoder_num_hidden_layers"),
                heads=heads,
                head_size=head_size,
                word_rows=1,
                start=fields.token(vocabulary, "decoder_start_token_id", "bos_token_id"),
                end=fields.token(vocabulary, "eos_token_id"),
            ),
            vocabulary=vocabulary,
            frequencies=fields.frequencies(head_size, _ROTATED),
            is_tied=bool(raw.get("tie_word_embeddings", True)),
        )
