"""ONNX Runtime is imported in one place, which keeps it from reporting to its maker."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vivavoce.asr.models.onnx.runtime import open_model, save_as_onnx
from vivavoce.errors import ModelError

ROOT = Path(__file__).parents[5]
IMPORT = re.compile(r"^\s*(?:import|from) onnxruntime\b|import_module\(.onnxruntime", re.MULTILINE)


def test_one_module_imports_the_library():
    files = [
        path
        for folder in ("src", "benchmarks", "examples", "scripts", "tests")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(files) > 200
    found = [path.relative_to(ROOT).as_posix() for path in files if IMPORT.search(path.read_text())]
    assert found == ["src/vivavoce/asr/models/onnx/runtime.py"]


def test_loading_the_library_writes_no_device_id(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    subprocess.run(
        [sys.executable, "-c", "import vivavoce.asr.models.onnx.runtime"],
        env={**environment, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src")},
        check=True,
    )
    assert list(tmp_path.rglob("*")) == []


def test_a_file_that_is_not_a_model_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("no model at all")
    with pytest.raises(ModelError, match=r"model\.onnx can't be loaded"):
        open_model(path)
    with pytest.raises(ModelError, match=r"model\.onnx can't be converted"):
        save_as_onnx(path, tmp_path / "out.onnx")
