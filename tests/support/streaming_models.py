"""Moonshine streaming models with random weights, in folders as a download would leave them.

The weights come from NumPy's generator, so tests without torch and the reference with it see the same model.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

TINY = {
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
"""The sizes of the released tiny model."""


def changed(config, encoder=None, **fields):
    """Return a configuration with other fields."""
    return config | fields | {"encoder_config": config["encoder_config"] | (encoder or {})}


SMALL = changed(
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
"""The sizes of the released small model; how its windows are divided is a guess."""

EVEN = changed(
    TINY,
    {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "sliding_windows": [[16, 4], [16, 0], [16, 4], [16, 4]],
    },
    vocab_size=512,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=256,
)
"""A small model whose encoder and decoder have the same width."""

UNEVEN = changed(
    EVEN,
    {"hidden_size": 40, "head_dim": 24, "num_hidden_layers": 3, "sliding_windows": [[9, 3], [16, 0], [5, 6]]},
    head_dim=20,  # 0.65 of which is an odd number of rotated dimensions
    rope_parameters={"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.65},
)
"""A small model in which nothing fits: widths, sizes of heads, windows."""


def shapes(config):
    """Yield names and shapes of all tensors, as the released files have them."""
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
        name = f"model.encoder.layers.{layer}"
        for part in "qkv":
            yield f"{name}.self_attn.{part}_proj.weight", (attention, width)
        yield f"{name}.self_attn.o_proj.weight", (width, attention)
        yield f"{name}.mlp.fc1.weight", (inner, width)
        yield f"{name}.mlp.fc1.bias", (inner,)
        yield f"{name}.mlp.fc2.weight", (width, inner)
        yield f"{name}.mlp.fc2.bias", (width,)
        yield f"{name}.input_layernorm.gamma", (width,)
        yield f"{name}.post_attention_layernorm.gamma", (width,)
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
        name = f"model.decoder.layers.{layer}"
        for kind in ("self_attn", "encoder_attn"):
            for part in "qkv":
                yield f"{name}.{kind}.{part}_proj.weight", (attention, outer)
            yield f"{name}.{kind}.o_proj.weight", (outer, attention)
        yield f"{name}.mlp.fc1.weight", (2 * inner, outer)
        yield f"{name}.mlp.fc1.bias", (2 * inner,)
        yield f"{name}.mlp.fc2.weight", (outer, inner)
        yield f"{name}.mlp.fc2.bias", (outer,)
        for part in ("input_layernorm", "post_attention_layernorm", "final_layernorm"):
            yield f"{name}.{part}.weight", (outer,)


def tensors(config, seed=0):
    """Return random weights by name, float32; they keep magnitudes as trained weights do."""
    dice = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes(config):
        noise = dice.standard_normal(shape, np.float32)
        if name.endswith("norm.weight"):
            found[name] = 1 + 0.1 * noise
        elif len(shape) < 2:  # gains, as differences to 1, and biases
            found[name] = np.asarray(0.1 * noise, np.float32)
        elif "embed_tokens" in name:
            found[name] = noise
        elif "pos_emb" in name:
            found[name] = 0.3 * noise
        else:
            found[name] = noise * np.float32(_gain(name) / np.sqrt(np.prod(shape[1:])))
    return found


def _gain(name):
    """Attention that is strong and sharp: else tokens would depend neither on audio nor on place."""
    if "encoder_attn" in name:
        return 4.0
    if "decoder" in name and "self_attn" in name:
        return 3.0 if "q_proj" in name or "k_proj" in name else 1.5
    return 1.0


def tokenizer(size):
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


def write_model(folder, config, seed=0, weights=None):
    """Write a model's folder; returns its path."""
    from safetensors.numpy import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(config["vocab_size"])))
    save_file(tensors(config, seed) if weights is None else weights, folder / "model.safetensors")
    return folder


def sound(seconds, seed=0):
    """Return something like speech: syllables of harmonics with noise, float32, 16 kHz."""
    dice = np.random.default_rng(seed)
    time = np.arange(round(seconds * 16_000)) / 16_000
    pitch = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 0.7 * time + dice.uniform(0, 6))) / 16_000
    voice = sum(np.sin(n * pitch) * dice.uniform(0.1, 1) / n for n in range(1, 12))
    loudness = np.clip(np.sin(2 * np.pi * 3.1 * time + dice.uniform(0, 6)), 0, 1)
    return (0.1 * loudness * voice + 0.01 * dice.standard_normal(len(time))).astype(np.float32)


def staged(graph):
    """Return a session of an encoder's graph that also yields what its front end and its last norm yield."""
    import onnx
    import onnxruntime

    model = onnx.load(str(graph))
    norms = [node for node in model.graph.node if node.op_type == "LayerNormalization"]
    for value in (norms[0].input[0], norms[-1].output[0]):
        model.graph.output.append(onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None))
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def stages(session, recogniser, samples):
    """Run the front end and the encoder over a whole span at once; returns their outputs, (frames, width)."""
    encoder = recogniser.encoder
    state = encoder._beginning(0).state
    frames = -(-(len(samples) // 80) // 4)
    inputs = encoder._inputs(samples, 0, frames, state, holds_back=False)
    names = [output.name for output in session.get_outputs()][-2:]
    front, final = session.run(names, inputs)
    return front[0], final[0, encoder.look_ahead_frames :]
