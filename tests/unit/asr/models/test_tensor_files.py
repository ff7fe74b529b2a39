"""Tensors are read from one file or several, in each float type."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from vivavoce.asr.models.tensor_files import TensorFiles
from vivavoce.errors import ModelError

VALUES = np.array([[1.5, -2.0, 0.0], [3.0, 1024.0, -0.25]], np.float32)


def write_raw(path, element, shape, data):
    """Write a file with one tensor, as the format's description has it."""
    header = json.dumps({"a": {"dtype": element, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)


def test_each_float_type_is_read_as_float32(tmp_path):
    upper_halves = (VALUES.view(np.uint32) >> 16).astype("<u2").tobytes()
    for element, data in (
        ("F32", VALUES.astype("<f4").tobytes()),
        ("F16", VALUES.astype("<f2").tobytes()),
        ("BF16", upper_halves),
    ):
        write_raw(tmp_path / "model.safetensors", element, [2, 3], data)
        found = TensorFiles(tmp_path).floats("a", (2, 3))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, VALUES)


def test_a_model_in_several_files(tmp_path):
    save_file({"a": VALUES}, tmp_path / "one.safetensors")
    save_file({"b": VALUES + 1, "c": np.array(3, np.float32)}, tmp_path / "two.safetensors")
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    files = TensorFiles(tmp_path)
    assert [path.name for path in files.paths] == ["one.safetensors", "two.safetensors"]
    np.testing.assert_array_equal(files.floats("b"), VALUES + 1)
    assert files.floats("c", ()) == 3
    assert "a" in files
    assert "d" not in files
    (tmp_path / "two.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no two\.safetensors"):
        TensorFiles(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        '{"weight_map": {}}',
        '{"weight_map": {"a": "../a.safetensors"}}',
        '{"weight_map": {"a": "b\\\\a.safetensors"}}',
        '{"weight_map": {"a": "a.safetensors", "b": 3}}',
        '{"weight_map": {"a": ["a.safetensors"]}}',
        '{"weight_map": {"a": null}}',
        '{"weight_map": {"a": "pytorch_model.bin"}}',
    ],
)
def test_an_index_that_names_no_files(tmp_path, content):
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ModelError, match="must name files beside it"):
        TensorFiles(tmp_path)


def test_an_index_that_is_nested_too_deeply(tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text("[" * 100_000)
    with pytest.raises(ModelError, match="can't be read"):
        TensorFiles(tmp_path)
