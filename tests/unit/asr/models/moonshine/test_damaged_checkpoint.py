"""A folder that does not hold a Moonshine checkpoint is refused in one line that says what to do."""

import json

import numpy as np
import pytest
from benchmarks.random_models import tensors, write_model

from support.moonshine_models import ODD, PLAIN
from vivavoce.asr.models.moonshine import MoonshineRecogniser
from vivavoce.errors import ModelError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    return write_model(tmp_path / "model", PLAIN)


def message(folder):
    with pytest.raises(ModelError) as caught:
        MoonshineRecogniser(folder)
    assert "\n" not in str(caught.value)
    assert not list((folder.parent / "home").rglob("*.onnx"))
    return str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert message(folder) == f"{folder} has no {name}: download the model again"


def test_a_folder_that_does_not_exist(folder):
    nowhere = folder.parent / "nowhere"
    assert message(nowhere) == f"there is no folder {nowhere}: give the folder of a model"


@pytest.mark.parametrize("kept", [0, 5, 4_000, -1])
def test_truncated_weights(folder, kept):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    assert message(folder).startswith("model.safetensors is damaged")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b'{"model": ', b"\xff\xfe", b"3"])
def test_damaged_json(folder, name, content):
    (folder / name).write_bytes(content)
    assert name in message(folder)


@pytest.mark.parametrize(
    "name",
    [
        "model.encoder.groupnorm.bias",
        "model.encoder.layers.2.mlp.fc2.bias",
        "model.decoder.embed_tokens.weight",
        "model.decoder.layers.1.encoder_attn.v_proj.weight",
    ],
)
def test_a_missing_tensor(folder, name):
    weights = tensors(PLAIN)
    del weights[name]
    write_model(folder, PLAIN, weights=weights)
    assert message(folder) == f"model.safetensors has no tensor {name}: it must be the model's own file"


@pytest.mark.parametrize("name", ["model.encoder.conv2.weight", "model.decoder.layers.0.mlp.fc1.weight"])
def test_a_tensor_of_another_shape(folder, name):
    weights = tensors(PLAIN)
    weights[name] = np.ascontiguousarray(weights[name][1:])
    write_model(folder, PLAIN, weights=weights)
    assert "by config.json" in message(folder)
    assert f"the tensor {name} must have the shape" in message(folder)


def test_weights_of_another_model(folder):
    write_model(folder.parent / "other", ODD)
    (folder.parent / "other" / "model.safetensors").rename(folder / "model.safetensors")
    assert "both files must be of the same model" in message(folder)


def test_a_tokenizer_of_another_model(folder):
    write_model(folder.parent / "other", PLAIN | {"vocab_size": 1024})
    (folder.parent / "other" / "tokenizer.json").rename(folder / "tokenizer.json")
    assert "has 1024 tokens and the model 512" in message(folder)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model_type": "moonshine_streaming"}, "must have the model_type 'moonshine', got 'moonshine_str"),
        ({"model_type": None}, "must have the model_type"),
        ({"hidden_size": "32"}, "hidden_size must be a positive integer, got '32'"),
        ({"intermediate_size": None}, "intermediate_size must be a positive integer, got None"),
        ({"vocab_size": 0}, "vocab_size must be a positive integer"),
        ({"encoder_num_hidden_layers": True}, "encoder_num_hidden_layers must be a positive integer"),
        ({"decoder_num_hidden_layers": -1}, "decoder_num_hidden_layers must be a positive integer"),
        ({"decoder_num_attention_heads": 4}, "decoder_num_attention_heads must be 2, got 4"),
        ({"encoder_num_key_value_heads": 1}, "encoder_num_key_value_heads must be 2, got 1"),
        ({"decoder_num_key_value_heads": 1}, "decoder_num_key_value_heads must be 2, got 1"),
        ({"attention_bias": True}, "attention_bias must be False, got True"),
        ({"encoder_hidden_act": "relu"}, "encoder_hidden_act must be 'gelu'"),
        ({"decoder_hidden_act": "gelu"}, "decoder_hidden_act must be 'silu'"),
        ({"eos_token_id": None}, "eos_token_id must be a token"),
        ({"eos_token_id": 512}, "eos_token_id must be a token, 0 to 511"),
        ({"partial_rotary_factor": 1.5}, "rope_parameters.partial_rotary_factor must be a positive number"),
        ({"partial_rotary_factor": 0.01}, "partial_rotary_factor must be a part of the 16"),
        ({"rope_theta": -1}, "rope_parameters.rope_theta must be a positive number"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_parameters.type must be 'default'"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_parameters.rope_type must be 'default'"),
        ({"rope_parameters": [1]}, "has no object rope_parameters"),
        ({"hidden_size": 4096}, "hidden_size must be 1 to 1024 features for each of encoder_num_attention"),
    ],
)
def test_an_unknown_configuration(folder, fields, expected):
    (folder / "config.json").write_text(json.dumps(PLAIN | fields))
    assert expected in message(folder)
