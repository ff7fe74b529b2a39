"""Tensors of torch's files are read without torch, and nothing in a file is executed."""

import contextlib
import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.torch_files import write_torch_file
from vivavoce.asr.models.torch_files import read_tensors
from vivavoce.errors import ModelError

RNG = np.random.default_rng(0)
TENSORS = {
    "one": RNG.normal(size=(3, 4)).astype(np.float32),
    "counter": np.arange(5),
    "two": RNG.normal(size=7).astype(np.float32),
    "scalar": np.array([2.5], np.float32),
}


def test_tensors_of_floats_are_read(tmp_path):
    path = write_torch_file(tmp_path / "model.pt", TENSORS, rates=[0.1, (1, 2.5)], name="encoder")
    found = read_tensors(path, "model_state")
    assert list(found) == ["one", "two", "scalar"]
    for name, array in found.items():
        np.testing.assert_array_equal(array, TENSORS[name])


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_call_in_a_file_is_not_made(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps(Hostile(), protocol=protocol) * 5)
    with pytest.raises(ModelError, match=r"model\.pt is not a file of torch, or it is damaged"):
        read_tensors(path, "model_state")
    path = write_torch_file(tmp_path / "two.pt", TENSORS, hook=Hostile())
    assert list(read_tensors(path, "model_state")) == ["one", "two", "scalar"]
    assert not (tmp_path / "executed").exists()


def test_wrong_files_are_one_error(tmp_path):
    path = tmp_path / "model.pt"
    with pytest.raises(ModelError, match=r"model\.pt can't be read: No such file"):
        read_tensors(path, "model_state")
    path.write_bytes(b"PK\x03\x04 as torch writes now")
    with pytest.raises(ModelError, match="not a file of torch"):
        read_tensors(path, "model_state")
    write_torch_file(path, TENSORS)
    with pytest.raises(ModelError, match="not a file of torch"):
        read_tensors(path, "optimizer")
    write_torch_file(path, {"bytes": np.zeros(3, np.uint8)})
    with pytest.raises(ModelError, match="not a file of torch"):
        read_tensors(path, "model_state")


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return write_torch_file(tmp_path_factory.mktemp("torch") / "model.pt", TENSORS).read_bytes()


@given(data=st.data())
def test_damage_is_one_error_or_harmless(content, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.pt"
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(content[:at])
    else:
        path.write_bytes(content[:at] + bytes([data.draw(st.integers(0, 255))]) + content[at + 1 :])
    with contextlib.suppress(ModelError):
        assert all(array.dtype == np.float32 for array in read_tensors(path, "model_state").values())


def test_keys_that_would_take_for_ever_to_hash_are_refused(tmp_path):
    deep = b"\x80\x02})" + b"\x85" * 300_000 + b"K\x01s."
    path = tmp_path / "deep.pt"
    path.write_bytes(deep * 5)
    with pytest.raises(ModelError, match="keys of another kind"):
        read_tensors(path, "model_state")
