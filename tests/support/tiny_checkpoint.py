"""The packaged tiny model as a checkpoint: the only real weights of that form that tests can have."""

import json

from benchmarks.random_models import BASE, write_model

from vivavoce.asr.models.moonshine.files import ShippedFiles
from vivavoce.asr.models.moonshine.weights import load_weights
from vivavoce.asr.models.vocabulary import Vocabulary

TINY = BASE | {
    "hidden_size": 288,
    "intermediate_size": 1152,
    "encoder_num_hidden_layers": 6,
    "decoder_num_hidden_layers": 6,
    "partial_rotary_factor": 0.9,
}
_NORMS = {
    "attention_norm": "input_layernorm",
    "mlp_norm": "post_attention_layernorm",
}
_DECODER_NORMS = {
    "attention_norm": "input_layernorm",
    "cross_norm": "post_attention_layernorm",
    "mlp_norm": "final_layernorm",
}
_MATRICES = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "output": "self_attn.o_proj",
    "up": "mlp.fc1",
    "down": "mlp.fc2",
}
_DECODER_MATRICES = _MATRICES | {
    "cross_query": "encoder_attn.q_proj",
    "cross_key": "encoder_attn.k_proj",
    "cross_value": "encoder_attn.v_proj",
    "cross_output": "encoder_attn.o_proj",
}


def write_tiny(folder):
    """Write the weights of the packaged model, dequantised, as a checkpoint; returns its folder."""
    files = ShippedFiles()
    folder.mkdir()
    weights = load_weights(files.encoder, files.decoder, scratch=folder)
    encoder = weights.encoder
    found = {
        "model.encoder.conv1.weight": encoder.conv1,
        "model.encoder.groupnorm.weight": encoder.group_gain,
        "model.encoder.groupnorm.bias": encoder.group_bias,
        "model.encoder.conv2.weight": encoder.conv2,
        "model.encoder.conv2.bias": encoder.conv2_bias,
        "model.encoder.conv3.weight": encoder.conv3,
        "model.encoder.conv3.bias": encoder.conv3_bias,
        "model.encoder.layer_norm.weight": encoder.norm,
        "model.decoder.embed_tokens.weight": weights.vocabulary.dense().T.copy(),
        "model.decoder.norm.weight": weights.decoder_norm,
    }
    for at, block in enumerate(encoder.blocks):
        found |= _tensors(f"model.encoder.layers.{at}", block, _NORMS, _MATRICES)
    for at, block in enumerate(weights.decoder):
        found |= _tensors(f"model.decoder.layers.{at}", block, _DECODER_NORMS, _DECODER_MATRICES)
    write_model(folder, TINY, weights=found)
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(files.tokenizer)))
    return folder


def _tensors(name, block, norms, matrices):
    found = {f"{name}.{theirs}.weight": getattr(block, ours) for ours, theirs in norms.items()}
    for ours, theirs in matrices.items():
        matrix = getattr(block, ours)
        found[f"{name}.{theirs}.weight"] = matrix.dense().T.copy()
        if matrix.bias is not None:
            found[f"{name}.{theirs}.bias"] = matrix.bias
    return found


def _tokenizer(path):
    pieces = Vocabulary.load(path)._pieces
    marks = ["<unk>", "<s>", "</s>"]
    names = [*marks, *(f"<0x{byte:02X}>" for byte in range(256))]
    names += [piece.decode() for piece in pieces[len(names) :]]
    vocab = {name or f"<<empty {id_}>>": id_ for id_, name in enumerate(names)}
    added = [{"id": id_, "content": name, "special": True} for id_, name in enumerate(marks)]
    return {
        "added_tokens": added,
        "model": {"type": "BPE", "byte_fallback": True, "vocab": vocab, "merges": []},
    }
