"""Moonshine models, streaming or not, with random weights, in folders as a download would leave them.

The weights come from NumPy's generator, so tests without torch and the reference with it see the same model.
Time does not depend on weights, so they serve measurements too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["BASE", "SMALL", "TINY", "changed", "sound", "tensors", "write_model"]

Config: TypeAlias = "dict[str, Any]"
Floats: TypeAlias = npt.NDArray[np.float32]

TINY: Final[Config] = {
    "model_type": "moonshine_streaming",
    "encoder_config": {
        "model_type": "moonshine_streaming_encoder",
        "hidden_size": 320,
        "intermediate_size": 1280,
        "hidden_act": "gelu",
        "num_hidden_layers": 6,
        "num_attention_heads": 8,
        "num_key_value_heads": 8,
        "head_dim": 40,
        "max_position_embeddings": 4096,
        "attention_bias": False,
        "sample_rate": 16000,
        "frame_ms": 5.0,
        "sliding_windows": [[16, 4], [16, 4], [16, 0], [16, 0], [16, 4], [16, 4]],
    },
    "vocab_size": 32768,
    "hidden_size": 320,
    "intermediate_size": 1280,
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "head_dim": 40,
    "hidden_act": "silu",
    "max_position_embeddings": 4096,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.8},
    "attention_bias": False,
    "tie_word_embeddings": False,
}
"""The sizes of the released tiny streaming model."""


def changed(config: Config, encoder: Config | None = None, **fields: Any) -> Config:
    """Return a configuration with other fields.

    Args:
        config: The configuration.
        encoder: Other fields of the encoder's part.
        fields: Other fields.
    """
    return config | fields | {"encoder_config": config["encoder_config"] | (encoder or {})}


SMALL: Final[Config] = changed(
    TINY,
    {
        "hidden_size": 620,
        "intermediate_size": 2480,
        "num_hidden_layers": 10,
        "head_dim": 64,
        "sliding_windows": [[16, 4]] * 2 + [[16, 0]] * 6 + [[16, 4]] * 2,
    },
    hidden_size=512,
    intermediate_size=2048,
    num_hidden_layers=10,
    head_dim=64,
)
"""The sizes of the released small streaming model; how its windows are divided is a guess."""

BASE: Final[Config] = {
    "model_type": "moonshine",
    "attention_bias": False,
    "bos_token_id": 1,
    "decoder_hidden_act": "silu",
    "decoder_num_attention_heads": 8,
    "decoder_num_hidden_layers": 8,
    "decoder_num_key_value_heads": 8,
    "decoder_start_token_id": 1,
    "encoder_hidden_act": "gelu",
    "encoder_num_attention_heads": 8,
    "encoder_num_hidden_layers": 8,
    "encoder_num_key_value_heads": 8,
    "eos_token_id": 2,
    "hidden_size": 416,
    "intermediate_size": 1664,
    "max_position_embeddings": 194,
    "pad_head_dim_to_multiple_of": 8,
    "partial_rotary_factor": 0.62,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "vocab_size": 32768,
}
"""The sizes of the released base model, which is not a streaming one."""


def _shapes(config: Config) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield names and shapes of all tensors, as the released files have them."""
    if config["model_type"] == "moonshine":
        yield from _plain_shapes(config)
    else:
        yield from _streaming_shapes(config)


def _plain_shapes(config: Config) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield those of a model that is not a streaming one."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    n_heads = config["encoder_num_attention_heads"]
    heads = n_heads * config.get("head_dim", width // n_heads)
    name = "model.encoder"
    yield f"{name}.conv1.weight", (width, 1, 127)
    yield f"{name}.groupnorm.weight", (width,)
    yield f"{name}.groupnorm.bias", (width,)
    yield f"{name}.conv2.weight", (2 * width, width, 7)
    yield f"{name}.conv2.bias", (2 * width,)
    yield f"{name}.conv3.weight", (width, 2 * width, 3)
    yield f"{name}.conv3.bias", (width,)
    yield f"{name}.layer_norm.weight", (width,)
    for layer in range(config["encoder_num_hidden_layers"]):
        yield from _encoder_layer(f"{name}.layers.{layer}", width, heads, inner, norm="weight")
    yield "model.decoder.embed_tokens.weight", (config["vocab_size"], width)
    yield "model.decoder.norm.weight", (width,)
    if not config.get("tie_word_embeddings", True):
        yield "proj_out.weight", (config["vocab_size"], width)
    for layer in range(config["decoder_num_hidden_layers"]):
        yield from _decoder_layer(f"model.decoder.layers.{layer}", width, heads, inner)


def _encoder_layer(
    name: str, width: int, heads: int, inner: int, *, norm: str
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for part in "qkv":
        yield f"{name}.self_attn.{part}_proj.weight", (heads, width)
    yield f"{name}.self_attn.o_proj.weight", (width, heads)
    yield f"{name}.mlp.fc1.weight", (inner, width)
    yield f"{name}.mlp.fc1.bias", (inner,)
    yield f"{name}.mlp.fc2.weight", (width, inner)
    yield f"{name}.mlp.fc2.bias", (width,)
    yield f"{name}.input_layernorm.{norm}", (width,)
    yield f"{name}.post_attention_layernorm.{norm}", (width,)


def _decoder_layer(name: str, width: int, heads: int, inner: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for kind in ("self_attn", "encoder_attn"):
        for part in "qkv":
            yield f"{name}.{kind}.{part}_proj.weight", (heads, width)
        yield f"{name}.{kind}.o_proj.weight", (width, heads)
    yield f"{name}.mlp.fc1.weight", (2 * inner, width)
    yield f"{name}.mlp.fc1.bias", (2 * inner,)
    yield f"{name}.mlp.fc2.weight", (width, inner)
    yield f"{name}.mlp.fc2.bias", (width,)
    for part in ("input_layernorm", "post_attention_layernorm", "final_layernorm"):
        yield f"{name}.{part}.weight", (width,)


def _streaming_shapes(config: Config) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield those of a streaming model."""
    encoder = config["encoder_config"]
    width, inner, outer = encoder["hidden_size"], encoder["intermediate_size"], config["hidden_size"]
    attention = encoder["num_attention_heads"] * encoder["head_dim"]
    name = "model.encoder.embedder"
    yield f"{name}.comp.log_k", ()
    yield f"{name}.linear.weight", (width, 80)
    yield f"{name}.conv1.weight", (2 * width, width, 5)
    yield f"{name}.conv1.bias", (2 * width,)
    yield f"{name}.conv2.weight", (width, 2 * width, 5)
    yield f"{name}.conv2.bias", (width,)
    for layer in range(encoder["num_hidden_layers"]):
        yield from _encoder_layer(f"model.encoder.layers.{layer}", width, attention, inner, norm="gamma")
    yield "model.encoder.final_norm.gamma", (width,)
    name, inner = "model.decoder", config["intermediate_size"]
    attention = config["num_attention_heads"] * config["head_dim"]
    yield f"{name}.embed_tokens.weight", (config["vocab_size"], outer)
    yield f"{name}.pos_emb.weight", (config["max_position_embeddings"], width)
    if width != outer:
        yield f"{name}.proj.weight", (outer, width)
    yield f"{name}.norm.weight", (outer,)
    yield "proj_out.weight", (config["vocab_size"], outer)
    for layer in range(config["num_hidden_layers"]):
        yield from _decoder_layer(f"model.decoder.layers.{layer}", outer, attention, inner)


def tensors(config: Config, seed: int = 0) -> dict[str, Floats]:
    """Return random weights by name, float32; they keep magnitudes as trained weights do."""
    dice = np.random.default_rng(seed)
    found: dict[str, Floats] = {}
    shapes = dict(_shapes(config))
    for name, shape in shapes.items():
        noise = dice.standard_normal(shape, np.float32)
        if name.endswith("norm.weight"):
            found[name] = 1 + 0.1 * noise
        elif len(shape) <= 1:  # gains, as differences to 1, and biases
            found[name] = np.asarray(0.1 * noise, np.float32)
        elif "embed_tokens" in name:
            # As the projection to the vocabulary it makes scores as large as those of trained models.
            scale = 1.0 if "proj_out.weight" in shapes else 2 / np.sqrt(shape[1])
            found[name] = noise * np.float32(scale)
        elif "pos_emb" in name:
            found[name] = 0.3 * noise
        else:
            found[name] = noise * np.float32(_gain(name) / np.sqrt(np.prod(shape[1:])))
    return found


def _gain(name: str) -> float:
    """Attention that is strong and sharp: else tokens would depend neither on audio nor on place."""
    if "encoder_attn" in name:
        return 4.0
    if "decoder" in name and "self_attn" in name:
        return 3.0 if "q_proj" in name or "k_proj" in name else 1.5
    return 1.0


def _tokenizer(size: int) -> Config:
    """Return the content of a ``tokenizer.json``: marks, bytes, then words of two letters."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    letters = "abcdefghijklmnopqrstuvwxyz"
    singles = ["\u2581", *letters]
    pairs = [f"\u2581{first}{second}" for first in letters for second in letters]
    triples = [
        f"\u2581{first}{second}{third}" for first in letters for second in letters for third in letters
    ]
    rest = [f"\u2581x{number}" for number in range(size)]
    pieces = [*pieces, *singles, *pairs, *triples, *rest][:size]
    added = [{"id": id_, "content": pieces[id_], "special": True} for id_ in range(3)]
    vocab = {piece: id_ for id_, piece in enumerate(pieces)}
    return {
        "version": "1.0",
        "added_tokens": added,
        "model": {"type": "BPE", "byte_fallback": True, "vocab": vocab, "merges": []},
    }


def write_model(
    folder: Path, config: Config, seed: int = 0, weights: Mapping[str, Floats] | None = None
) -> Path:
    """Write a model's folder; returns its path."""
    from safetensors.numpy import save_file  # noqa: PLC0415 - in an extra

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(config["vocab_size"])))
    save_file(dict(weights or tensors(config, seed)), folder / "model.safetensors")
    return folder


def sound(seconds: float, seed: int = 0) -> Floats:
    """Return something like speech: syllables of harmonics with noise, float32, 16 kHz."""
    dice = np.random.default_rng(seed)
    time = np.arange(round(seconds * 16_000)) / 16_000
    pitch = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 0.7 * time + dice.uniform(0, 6))) / 16_000
    voice = sum(np.sin(n * pitch) * dice.uniform(0.1, 1) / n for n in range(1, 12))
    loudness = np.clip(np.sin(2 * np.pi * 3.1 * time + dice.uniform(0, 6)), 0, 1)
    return (0.1 * loudness * voice + 0.01 * dice.standard_normal(len(time))).astype(np.float32)
