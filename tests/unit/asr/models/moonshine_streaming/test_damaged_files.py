"""A folder that does not hold a Moonshine streaming model is refused in one line that says what to do."""

import json
import math

import numpy as np
import pytest
from benchmarks.random_models import changed, tensors, write_model

from support.streaming_models import EVEN, UNEVEN
from vivavoce.asr.models.moonshine_streaming import MoonshineStreamingRecogniser
from vivavoce.errors import ModelError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    return write_model(tmp_path / "model", EVEN)


def message(folder, **options):
    with pytest.raises(ModelError) as caught:
        MoonshineStreamingRecogniser(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def configured(folder, **fields):
    (folder / "config.json").write_text(json.dumps(EVEN | fields))
    return message(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert message(folder) == f"{folder} has no {name}: download the model again"
    assert message(folder / "nowhere").startswith(f"there is no folder {folder / 'nowhere'}")


@pytest.mark.parametrize("kept", [0, 5, 4_000, -1])
def test_truncated_weights(folder, kept):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    assert message(folder).startswith("model.safetensors is damaged")
    assert not list((folder.parent / "home").rglob("*.onnx"))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b'{"model": ', b"\xff\xfe", b"3"])
def test_damaged_json(folder, name, content):
    (folder / name).write_bytes(content)
    assert name in message(folder)


def test_weights_of_another_model(folder):
    write_model(folder.parent / "other", UNEVEN)
    (folder.parent / "other" / "model.safetensors").rename(folder / "model.safetensors")
    assert "both files must be of the same model" in message(folder)


def test_a_missing_tensor(folder):
    weights = tensors(EVEN)
    del weights["model.decoder.norm.weight"]
    write_model(folder, EVEN, weights=weights)
    assert "has no tensor model.decoder.norm.weight" in message(folder)


def test_quantised_weights(folder):
    weights = tensors(EVEN)
    weights["proj_out.weight"] = weights["proj_out.weight"].astype(np.int8)
    write_model(folder, EVEN, weights=weights)
    assert "quantised checkpoints are not supported" in message(folder)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model_type": "moonshine"}, "must have the model_type 'moonshine_streaming', got 'moonshine'"),
        ({"model_type": None}, "must have the model_type"),
        ({"encoder_config": None}, "has no object encoder_config"),
        ({"hidden_size": "32"}, "hidden_size must be a positive integer, got '32'"),
        ({"hidden_size": True}, "hidden_size must be a positive integer"),
        ({"vocab_size": 0}, "vocab_size must be a positive integer"),
        ({"num_key_value_heads": 1}, "num_key_value_heads must be 2, got 1"),
        ({"attention_bias": True}, "attention_bias must be False, got True"),
        ({"hidden_act": "relu"}, "hidden_act must be 'silu'"),
        ({"eos_token_id": None}, "eos_token_id must be a token"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_parameters.rope_type must be 'default'"),
        ({"rope_parameters": {"rope_theta": -1}}, "rope_parameters.rope_theta must be a positive number"),
        ({"rope_parameters": {"rope_theta": math.nan}}, "rope_theta must be a positive number"),
        ({"rope_parameters": {"rope_theta": math.inf}}, "rope_theta must be a positive number"),
        ({"rope_parameters": {"rope_theta": 10**400}}, "rope_theta must be a positive number"),
        ({"rope_parameters": {"rope_theta": 1e-300}}, "rope_theta must be a positive number"),
        ({"rope_parameters": {"partial_rotary_factor": 1.1}}, "partial_rotary_factor must be a positive"),
        ({"rope_parameters": {"partial_rotary_factor": 0.01}}, "partial_rotary_factor must be a part of"),
        ({"rope_parameters": {"partial_rotary_factor": 1.0}, "head_dim": 15}, "must be a part of the 15"),
        ({"eos_token_id": 512}, "eos_token_id must be a token, 0 to 511"),
        ({"eos_token_id": [600]}, "eos_token_id must be a token, 0 to 511"),
        ({"decoder_start_token_id": -1}, "decoder_start_token_id must be a token, 0 to 511"),
        ({"vocab_size": 2**20 + 1}, "vocab_size must be 1048576 at most"),
        ({"head_dim": 1025}, "head_dim must be 1024 at most"),
        ({"head_dim": None, "hidden_size": 1}, "hidden_size must be 1 to 1024 features for each"),
        ({"head_dim": None, "hidden_size": 4096}, "hidden_size must be 1 to 1024 features for each"),
    ],
)
def test_an_unknown_configuration(folder, fields, expected):
    assert expected in configured(folder, **fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"sliding_windows": [[16, 4]]}, "encoder_config.sliding_windows must be one pair for each layer"),
        ({"sliding_windows": None}, "sliding_windows must be one pair"),
        ({"sliding_windows": [16, 4, 16, 4]}, "sliding_windows must be a list of pairs"),
        ({"sliding_windows": 3}, "sliding_windows must be a list of pairs"),
        ({"sliding_windows": [[16, 4]] * 3 + [[16, 4.0]]}, "sliding_windows must be a list of pairs of int"),
        ({"sliding_windows": [[16, 4]] * 3 + [["16", 4]]}, "sliding_windows must be a list of pairs of int"),
        ({"sliding_windows": [[16, 4]] * 3 + [[16, -1]]}, "sliding_windows must be a list of pairs of int"),
        ({"sliding_windows": [[16, 4]] * 3 + [[1025, 4]]}, "pairs of integers, 0 to 1024"),
        ({"sliding_windows": [[16, 4]] * 3 + [[True, 4]]}, "sliding_windows must be a list of pairs of int"),
        ({"head_dim": 1025}, "encoder_config.head_dim must be 1024 at most"),
        ({"frame_ms": 0.01}, "frame_ms must be a positive number"),
        ({"frame_ms": math.inf}, "frame_ms must be a positive number"),
        ({"sample_rate": 8000}, "sample_rate must be 16000"),
        ({"frame_ms": "5"}, "frame_ms must be a positive number"),
        ({"hidden_act": "silu"}, "hidden_act must be 'gelu'"),
    ],
)
def test_an_unknown_encoder(folder, fields, expected):
    assert expected in configured(folder, encoder_config=EVEN["encoder_config"] | fields)


def test_a_tokenizer_of_another_model(folder):
    write_model(folder.parent / "other", changed(EVEN, vocab_size=1024))
    (folder.parent / "other" / "tokenizer.json").rename(folder / "tokenizer.json")
    assert "has 1024 tokens and the model 512" in message(folder)


def test_word_heads_that_do_not_exist(folder):
    assert "the word head (2, 0) must be within 2 blocks of 2 heads" in message(folder, word_heads=((2, 0),))
