"""Files as torch saves them, in its two forms, written without torch."""

import contextlib
import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np


class _Storage:
    def __init__(self, key, count, kind):
        self.key, self.count, self.kind = key, count, kind


class _Tensor:
    def __init__(self, storage, shape):
        self.storage, self.shape = storage, shape

    def __reduce__(self):
        strides = tuple(int(np.prod(self.shape[axis + 1 :])) for axis in range(len(self.shape)))
        arguments = (self.storage, 0, self.shape, strides, False, OrderedDict())
        return sys.modules["torch._utils"]._rebuild_tensor_v2, arguments


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        if isinstance(thing, _Storage):
            return ("storage", getattr(sys.modules["torch"], thing.kind), thing.key, "cpu", thing.count, None)
        return None


class _ZipPickler(pickle.Pickler):
    def persistent_id(self, thing):
        if isinstance(thing, _Storage):
            return ("storage", getattr(sys.modules["torch"], thing.kind), thing.key, "cpu", thing.count)
        return None


@contextlib.contextmanager
def _torch():
    """Modules with the names that such a file mentions."""
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for kind in ("FloatStorage", "LongStorage", "ByteStorage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        raise AssertionError("nothing of a file may be called")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    sys.modules |= {"torch": torch, "torch._utils": utils}
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


_KINDS = {"f4": "FloatStorage", "i8": "LongStorage", "u1": "ByteStorage"}


def _describe(tensors):
    """Storages by their keys, and what a file says of the tensors."""
    storages, described = {}, OrderedDict()
    for number, (name, array) in enumerate(tensors.items()):
        key = str(1000 + number)
        storages[key] = array
        described[name] = _Tensor(_Storage(key, array.size, _KINDS[array.dtype.str[1:]]), array.shape)
    return storages, described


def write_torch_file(path, tensors, **others):
    """Write arrays under the key ``model_state``, and other things beside it, as torch did up to 1.5."""
    storages, described = _describe(tensors)
    file = io.BytesIO()
    with _torch():
        for value in (
            0x1950A86A20F9469CFC6C,
            1001,
            {"little_endian": True},
            {"step": 12, "model_state": described, **others},
            list(storages),
        ):
            _Pickler(file, protocol=2).dump(value)
    for array in storages.values():
        file.write(struct.pack("<q", array.size) + np.ascontiguousarray(array).tobytes())
    path.write_bytes(file.getvalue())
    return path


def write_torch_zip(path, tensors, key=None, *, byte_order=b"little", method=zipfile.ZIP_STORED, **others):
    """Write arrays as torch does now: at the top, or under a key with other things beside it."""
    storages, described = _describe(tensors)
    file = io.BytesIO()
    with _torch():
        _ZipPickler(file, protocol=2).dump(described if key is None else {key: described, **others})
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("archive/data.pkl", file.getvalue())
        if byte_order:
            archive.writestr("archive/byteorder", byte_order)
        for name, array in storages.items():
            archive.writestr(f"archive/data/{name}", np.ascontiguousarray(array).tobytes())
    return path
