"""Tensors of torch's files are read without torch, and nothing in a file is executed."""

import contextlib
import os
import pickle
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.torch_files import write_torch_file, write_torch_zip
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
    check(read_tensors(path, "model_state"))


@pytest.mark.parametrize("byte_order", [b"little", b""])
@pytest.mark.parametrize("key", [None, "state_dict"])
def test_tensors_of_floats_are_read_from_an_archive(tmp_path, key, byte_order):
    path = write_torch_zip(tmp_path / "model.pt", TENSORS, key, byte_order=byte_order, epoch=3)
    check(read_tensors(path, key))


def check(found):
    assert list(found) == ["one", "two", "scalar"]
    for name, array in found.items():
        np.testing.assert_array_equal(array, TENSORS[name])


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("executed",)


class Made:
    """An object that is made without a call, and has attributes, as checkpoints of Lightning have them."""

    def __new__(cls):
        return super().__new__(cls)

    def __init__(self):
        self.classes, self.kind = ["one", "two"], (1, None)

    def __setstate__(self, state):
        os.mkdir("executed")  # noqa: PTH102 - as short as the other one


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_call_in_a_file_is_not_made(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps(Hostile(), protocol=protocol) * 5)
    with pytest.raises(ModelError, match=r"model\.pt is not a file of torch, or it is damaged"):
        read_tensors(path, "model_state")
    path = write_torch_file(tmp_path / "two.pt", TENSORS, hook=Hostile())
    assert list(read_tensors(path, "model_state")) == ["one", "two", "scalar"]
    path = write_torch_zip(tmp_path / "three.pt", TENSORS, "state_dict", hook=Hostile(), made=Made())
    assert list(read_tensors(path, "state_dict")) == ["one", "two", "scalar"]
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


def test_wrong_archives_are_one_error(tmp_path):
    path = write_torch_zip(tmp_path / "model.pt", TENSORS, method=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="compressed or too large"):
        read_tensors(path, None)
    write_torch_zip(path, TENSORS, byte_order=b"big")
    with pytest.raises(ModelError, match="little-endian"):
        read_tensors(path, None)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/notes.txt", "no model")
    with pytest.raises(ModelError, match="not a file of torch"):
        read_tensors(path, None)


def test_an_archive_whose_entries_share_their_bytes_is_refused(tmp_path):
    """Each entry begins inside the one before, so the file would take many times its size in memory."""
    path = write_torch_zip(tmp_path / "model.pt", {str(n): np.zeros(100, np.float32) for n in range(50)})
    with zipfile.ZipFile(path) as archive:
        keys = [name.rpartition("/")[2] for name in archive.namelist() if "/data/" in name]
        pickled = archive.read("archive/data.pkl")
    entries, inside = [], bytes(1000)
    for key in reversed(keys):
        entry = zipfile.ZipInfo(f"arch/data/{key}")  # a header of 44 bytes, so all sizes are those of floats
        entry.file_size = entry.compress_size = len(inside)
        entry.CRC = zlib.crc32(inside)
        inside = entry.FileHeader() + inside
        entries.insert(0, entry)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("arch/data.pkl", pickled)
        for entry in entries:
            entry.header_offset = archive.fp.tell()
            archive.fp.write(entry.FileHeader())
            archive.filelist.append(entry)
            archive.NameToInfo[entry.filename] = entry
        archive.fp.write(bytes(1000))
        archive.start_dir = archive.fp.tell()
    assert path.stat().st_size < 20_000
    with pytest.raises(ModelError, match=r"too large|Overlapped"):
        read_tensors(path, None)


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch")
    files = (
        write_torch_file(folder / "old.pt", TENSORS),
        write_torch_zip(folder / "new.pt", TENSORS, "model_state"),
    )
    return [file.read_bytes() for file in files]


@given(data=st.data())
def test_damage_is_one_error_or_harmless(contents, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.pt"
    content = data.draw(st.sampled_from(contents))
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
